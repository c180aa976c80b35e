"""The ledger: what a study has measured so far, in shards that are whole or not there.

A study that goes on looks at its shards' seals (`seals.py`) and reads none of them. Their numbers are read some prompts
or some seeds at a time, so that no table needs to be in memory as a whole; every read checks what it reads.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from goodseed.errors import DamagedShardError, StudyError
from goodseed.study.inpaint_plan import INPAINT_SETS, TEXT_SHARE
from goodseed.study.plan import Plan, Shard, read_plan
from goodseed.study.seals import Seal, read_seals, write_seals
from goodseed.study.shards import read_shard, seal_shard, shard_path, write_shard

__all__ = ["Cells", "Ledger", "Scan", "read_ledger", "read_shard", "scan", "shard_path", "write_shard"]

BLOCK_BYTES = 256 * 2**20
"""Features of sets are read for as many seeds at a time as fit in this, and for one at least."""

PART_BYTES = 4 * 2**20
"""Other columns are read for as many prompts at a time as fit in this, and for those of one shard at least."""


@dataclass(frozen=True)
class Cells:
    """All cells of one prompt set: S seeds × P prompts."""

    prompts: tuple[str, ...]
    metrics: Mapping[str, np.ndarray]
    """Name → float32 [S, P]."""
    traits: Mapping[str, np.ndarray]
    """Name → float32 [S, P], in 0…1."""
    style: np.ndarray | None
    """float32 [S, P, e]."""
    composition: np.ndarray | None
    """float32 [S, P, 3 or 4]: centroid x, centroid y, size, depth."""


@dataclass(frozen=True)
class Ledger:
    """A finished study's measurements, which stay on the disk: `parts` and `blocks` read some of them after others."""

    folder: Path
    plan: Plan
    seals: Mapping[str, Seal]

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.plan.seeds

    def cells(self, prompt_set: str) -> Cells:
        return self.selection if prompt_set == "selection" else self.held_out

    @cached_property
    def selection(self) -> Cells:
        """All cells on the selection prompts, in memory; but not the features of metrics of sets."""
        return self._cells("selection")

    @cached_property
    def held_out(self) -> Cells:
        """All cells on the held-out prompts, likewise."""
        return self._cells("held_out")

    @cached_property
    def text(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """Task → the share of each hole under text: float32 [S, P] on the selection pairs, [S, Q] on the held-out."""
        if self.plan.inpaint is None:
            return {}
        seeds, tasks = len(self.seeds), tuple(self.plan.inpaint.tasks)
        first, second = (
            self._whole(name, [TEXT_SHARE])[TEXT_SHARE].reshape(seeds, len(tasks), -1) for name in INPAINT_SETS
        )
        return {task: (first[:, place], second[:, place]) for place, task in enumerate(tasks)}

    def parts(
        self, prompt_set: str, names: Collection[str], most_bytes: int = PART_BYTES
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Read columns of all seeds on some prompts after others: the first prompt's number, and float32 [S, p, …].

        At most `most_bytes` of them are in memory, or those of one block of prompts.

        Raises:
            StudyError: for a shard that is missing or damaged.
        """
        shards = sorted((s for s in self.plan.shards() if s.prompt_set == prompt_set), key=lambda s: s.prompt_start)
        if not names or not shards:
            return
        groups = [list(found) for _, found in itertools.groupby(shards, key=lambda shard: shard.prompt_start)]
        cell = sum(values[0].nbytes for values in self._read(shards[0], names).values())
        together = max(1, most_bytes // (cell * sum(shard.images for shard in groups[0])))
        for first in range(0, len(groups), together):
            some = [shard for group in groups[first : first + together] for shard in group]
            yield some[0].prompt_start, self._side_by_side(some, names)

    def column(self, prompt_set: str, name: str) -> Iterator[np.ndarray]:
        """Read one column so: float32 [S, p, …]."""
        for _, part in self.parts(prompt_set, [name]):
            yield part[name]

    def blocks(self, prompt_set: str, column: str, most_bytes: int = BLOCK_BYTES) -> Iterator[np.ndarray]:
        """Read the features of one column, of some seeds after others in the plan's order: float32 [s, P, d].

        At most `most_bytes` of features are in memory, or one seed's.

        Raises:
            StudyError: for a shard that is missing or damaged.
        """
        prompts = len(self.plan.cells(prompt_set))
        shards = sorted((s for s in self.plan.shards() if s.prompt_set == prompt_set), key=lambda s: s.seed_start)
        for _, found in itertools.groupby(shards, key=lambda shard: shard.seed_start):
            group = list(found)
            seeds, width = len(group[0].seeds), self._read(group[0], [column])[column].shape[1]
            step = max(1, most_bytes // (4 * prompts * width))
            for start in range(0, seeds, step):
                block = np.empty((min(step, seeds - start), prompts, width), np.float32)
                for shard in group:
                    rows = self._read(shard, [column])[column].reshape(len(shard.prompts), seeds, width)
                    into = slice(shard.prompt_start, shard.prompt_start + len(shard.prompts))
                    block[:, into] = np.swapaxes(rows[:, start : start + step], 0, 1)
                yield block

    def _cells(self, prompt_set: str) -> Cells:
        columns = self._whole(prompt_set, self.plan.columns - self.plan.streamed)
        return Cells(
            prompts=self.plan.prompts(prompt_set).prompts,
            metrics={name[7:]: values for name, values in sorted(columns.items()) if name.startswith("metric.")},
            traits={name[6:]: values for name, values in sorted(columns.items()) if name.startswith("trait.")},
            style=columns.get("style"),
            composition=columns.get("composition"),
        )

    def _whole(self, cell_set: str, names: Collection[str]) -> dict[str, np.ndarray]:
        shards = [shard for shard in self.plan.shards() if shard.prompt_set == cell_set]
        return self._side_by_side(shards, names) if names else {}

    def _side_by_side(self, shards: Sequence[Shard], names: Collection[str]) -> dict[str, np.ndarray]:
        """Return columns of shards that hold all seeds on prompts in a row: float32 [S, p, …]."""
        first, last = shards[0].prompt_start, max(shard.prompt_start + len(shard.prompts) for shard in shards)
        found: dict[str, np.ndarray] = {}
        for shard in shards:
            seeds = slice(shard.seed_start, shard.seed_start + len(shard.seeds))
            prompts = slice(shard.prompt_start - first, shard.prompt_start - first + len(shard.prompts))
            for name, values in self._read(shard, names).items():
                if name not in found:
                    found[name] = np.empty((len(self.seeds), last - first, *values.shape[1:]), np.float32)
                rows = values.reshape(len(shard.prompts), len(shard.seeds), *values.shape[1:])
                found[name][seeds, prompts] = np.swapaxes(rows, 0, 1)
        return found

    def _read(self, shard: Shard, names: Collection[str]) -> dict[str, np.ndarray]:
        path = shard_path(self.folder, shard)
        try:
            return read_shard(path, shard, self.plan, names, self.seals.get(shard.name))
        except FileNotFoundError as error:
            raise _missing(path) from error
        except ValueError as error:
            raise _damaged(path, error) from error


@dataclass(frozen=True)
class Scan:
    """Which shards are whole, which are still to be computed, and what is wrong with the damaged among these."""

    done: tuple[Shard, ...]
    pending: tuple[Shard, ...]
    damaged: Mapping[str, str]


def read_ledger(folder: Path | str) -> Ledger:
    """Open a finished study. Shards without a seal that fits are read once, the others when their numbers are.

    Raises:
        StudyError: when the folder holds no study, an unfinished one, or a damaged shard.
    """
    folder = Path(folder)
    plan, seals = read_plan(folder), read_seals(folder)
    for shard in plan.shards():
        path = shard_path(folder, shard)
        try:
            _seal(path, shard, plan, seals.get(shard.name))
        except FileNotFoundError as error:
            raise _missing(path) from error
        except ValueError as error:
            raise _damaged(path, error) from error
    return Ledger(folder, plan, seals)


def scan(folder: Path, plan: Plan, thorough: bool = False) -> Scan:
    """Find out which shards are whole, and remove what a killed study left half written.

    A shard whose seal fits is taken for whole, unless the scan is `thorough`: then it is read and held against its
    seal. Any other one is read, and sealed where it is whole.

    Raises:
        OutputError: when there is something to seal, and the folder cannot be written or the disk is full.
    """
    done: list[Shard] = []
    pending: list[Shard] = []
    damaged: dict[str, str] = {}
    known, seals = read_seals(folder), dict[str, Seal]()
    for name in plan.sets:
        for leftover in (folder / "shards" / name).glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
    for shard in plan.shards():
        try:
            seals[shard.name] = _seal(shard_path(folder, shard), shard, plan, known.get(shard.name), thorough)
        except FileNotFoundError:
            pending.append(shard)
        except ValueError as error:
            damaged[shard.name] = str(error)
            pending.append(shard)
        else:
            done.append(shard)
    if seals != known:
        write_seals(folder, seals)
    return Scan(tuple(done), tuple(pending), damaged)


def _seal(path: Path, shard: Shard, plan: Plan, known: Seal | None, thorough: bool = False) -> Seal:
    """Return a whole shard's seal: the known one if it fits, otherwise a new one.

    Raises:
        FileNotFoundError, ValueError: as `seal_shard`.
    """
    if known is not None and known.fits(os.stat(path), plan.key_of(shard.prompt_set)):
        if thorough:
            read_shard(path, shard, plan, seal=known)
        return known
    return seal_shard(path, shard, plan)


def _missing(path: Path) -> StudyError:
    return StudyError(f"{path}: is missing, so the study is unfinished; run the same study again")


def _damaged(path: Path, error: ValueError) -> DamagedShardError:
    return DamagedShardError(f"{path}: is damaged ({error}); run the same study again")
