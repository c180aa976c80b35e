"""The fake generator at places: it streams, and a place of it may go and come back.

Settings of a place: `log` names a file that gets a line `what<TAB>place<TAB>number` for all that happens; `lose` gives
the numbers of its calls before which the place goes; `returns` says whether it comes back. `until` names a place and a
number: this place's first call waits for that call, so that the other gets its share of the work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goodseed.errors import PlaceLostError
from goodseed.study.engines.interface import Place
from goodseed.study.interfaces import Call
from tests.library.fake_model import FakeGenerator, FakeJudge

_PATIENCE = 12_000
"""Looks at the log, a hundredth of a second apart."""


class PlacedGenerator(FakeGenerator):
    calls_ahead = 2
    shard_images = 8

    def __init__(self, options: Mapping[str, Any], place: Place | None) -> None:
        super().__init__(batch=2)
        self.options, self.place = options, place or Place("nowhere")
        self.announced: list[Call] = []
        self.count = 0
        self.note("pid", os.getpid())

    def note(self, what: str, number: int) -> None:
        if path := self.place.settings.get("log"):
            with open(path, "ab", buffering=0) as file:
                file.write(f"{what}\t{self.place.name}\t{number}\n".encode())

    def describe(self) -> dict[str, Any]:
        info = super().describe()
        return {**info, "sampling": {**info["sampling"], "cfg": self.options["cfg"]}}

    def ahead(self, calls: Sequence[Call]) -> None:
        self.note("ahead", len(calls))
        self.announced = list(calls)

    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        assert self.announced[0] == (prompt, tuple(seeds)), "each call is the first of those announced"
        number, self.count = self.count, self.count + 1
        self.wait_for_another()
        if number in self.place.settings.get("lose", ()):
            self.note("lost", number)
            raise PlaceLostError(f"{self.place.name}: has gone")
        self.note("call", number)
        return super().generate(prompt, seeds)

    def wait_for_another(self) -> None:
        if wanted := self.place.settings.get("until"):
            line = "call\t{}\t{}\n".format(*wanted).encode()
            for _ in range(_PATIENCE):
                with open(self.place.settings["log"], "rb") as file:
                    if line in file.read():
                        return
                time.sleep(0.01)
            raise AssertionError(f"{wanted}: never called")

    def wait(self) -> None:
        if not self.place.settings.get("returns"):
            raise PlaceLostError(f"{self.place.name}: stayed away")

    def close(self) -> None:
        self.note("close", 0)


def make(options: Mapping[str, Any], place: Place | None) -> tuple[FakeGenerator, FakeJudge]:
    return PlacedGenerator(options, place), FakeJudge()
