"""A generator and a judge that cost nothing: 16×16 pictures with a planted effect of the seed.

The seed decides the ground's brightness, whether there is a border, and shifts the square's place;
the prompt decides the square's colour and size; the rest is chance drawn from (seed, prompt).
Environment (so that spawned workers see it too):
`GOODSEED_FAKE_LOG` names a file that gets one line `seed<TAB>sha256 of the prompt` for every image made;
`GOODSEED_FAKE_PIDS` names a file that gets a line with the process's id for every generator made;
`GOODSEED_FAKE_DELAY` gives seconds to sleep for every image; `GOODSEED_FAKE_FAIL` names a seed that raises,
`GOODSEED_FAKE_KILL` one that kills its process; `GOODSEED_FAKE_STALL` gives the number of images after which each
process makes no more.
"""

from __future__ import annotations

import functools
import hashlib
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.study.interfaces import InpaintPair, Measurements

SIZE = 16
QUALITY = 64


def _rng(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _file(name: str) -> dict[str, str]:
    return {
        "file": f"{name}.safetensors",
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "tensors_sha256": hashlib.sha256(f"{name} tensors".encode()).hexdigest(),
        "family": "fake",
    }


def _append(path: str, text: str) -> None:
    """Append in one write, so that processes do not mix their lines."""
    with open(path, "ab", buffering=0) as file:
        file.write(text.encode())


class FakeGenerator:
    def __init__(self, batch: int = 4) -> None:
        self.batch = batch
        self.log = os.environ.get("GOODSEED_FAKE_LOG")
        self.delay = float(os.environ.get("GOODSEED_FAKE_DELAY", "0"))
        self.fail = os.environ.get("GOODSEED_FAKE_FAIL")
        self.kill = os.environ.get("GOODSEED_FAKE_KILL")
        self.left = int(os.environ.get("GOODSEED_FAKE_STALL", 1 << 60))
        if pids := os.environ.get("GOODSEED_FAKE_PIDS"):
            _append(pids, f"{os.getpid()}\n")

    def describe(self) -> dict[str, Any]:
        return {
            "model": _file("fake-denoiser"),
            "vae": _file("fake-vae"),
            "text_encoder": _file("fake-text-encoder"),
            "adapters": [],
            "noise": {
                "name": "comfy",
                "device": "cpu",
                "dtype": "float32",
                "batch": 1,
                "shape": [4, 2, 2],
                "fingerprint": hashlib.sha256(b"fake noise").hexdigest(),
            },
            "sampling": {
                "sampler": "euler",
                "scheduler": "simple",
                "steps": 1,
                "cfg": 1.0,
                "shift": 1.0,
                "denoise": 1.0,
                "negative_prompt": "",
                "width": SIZE,
                "height": SIZE,
            },
        }

    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        images = np.stack([self._image(prompt, seed) for seed in seeds])
        if self.log:
            name = hashlib.sha256(prompt.encode()).hexdigest()
            lines = "".join(f"{seed}\t{name}\n" for seed in seeds)
            _append(self.log, lines)
        return images

    def _image(self, prompt: str, seed: int) -> np.ndarray:
        if self.fail == str(seed):
            raise RuntimeError(f"seed {seed} was told to fail")
        if self.kill == str(seed):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.delay:
            time.sleep(self.delay)
        if self.left <= 0:
            time.sleep(100_000)
        self.left -= 1
        return draw(prompt, _rng("seed", seed), _rng("cell", seed, prompt))


def draw(prompt: str, of_seed: np.random.Generator, of_cell: np.random.Generator) -> np.ndarray:
    """Draw one picture: uint8 [16, 16, 3]."""
    of_prompt = _rng("prompt", prompt)
    image = np.empty((SIZE, SIZE, 3))
    image[:] = 100 + 40 * of_seed.standard_normal(3) + 20 * of_cell.standard_normal(3)
    size = 4 + int(of_prompt.integers(4)) + int(of_seed.integers(2)) + int(of_cell.integers(2))
    left, top = np.clip(5 + 3 * of_seed.standard_normal(2) + 1.5 * of_cell.standard_normal(2), 0, SIZE - size).astype(
        int
    )
    image[top : top + size, left : left + size] = 255 - 60 * of_prompt.random(3)
    image += 8 * of_cell.standard_normal(image.shape)
    if of_seed.random() < 0.25 and of_cell.random() < 0.8:
        image[[0, -1]] = 0
        image[:, [0, -1]] = 0
    return np.clip(image, 0, 255).astype(np.uint8)


class FakeJudge:
    def __init__(self) -> None:
        pixels = SIZE * SIZE * 3
        self._quality = _rng("quality").standard_normal((pixels, QUALITY)) / pixels**0.5
        self._style = _rng("style").standard_normal((9, 64)) / 3

    def describe(self) -> dict[str, Any]:
        weights = hashlib.sha256(b"fake judge").hexdigest()
        common = {"version": "1", "weights_sha256": weights}
        return {
            "metrics": {
                "score": {**common, "direction": "higher", "per": "image", "about": "how dark and even the ground is"},
                "fid": {**common, "direction": "lower", "per": "seed", "about": "Fréchet distance to drawn pictures"},
            },
            "traits": {
                "border": {**common, "about": "black edge"},
                "bright": {**common, "about": "mean brightness"},
            },
            "features": {
                "style": {**common, "about": "colour moments"},
                "composition": {**common, "about": "brightest square", "names": ["x", "y", "size"], "per_prompt": 3},
            },
        }

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        rows = [self._row(image) for image in images]
        score, border, bright, quality, style, composition = (np.stack(column) for column in zip(*rows, strict=False))
        return Measurements(
            metrics={"score": score.astype(np.float32)},
            traits={"border": border.astype(np.float32), "bright": bright.astype(np.float32)},
            quality=quality.astype(np.float32),
            style=style.astype(np.float32),
            composition=composition.astype(np.float32),
        )

    def _row(self, image: np.ndarray) -> tuple[np.ndarray, ...]:
        x = image.astype(np.float64) / 255
        inner = x[1:-1, 1:-1]
        gram = np.einsum("hwc,hwd->cd", x, x).ravel() / SIZE**2
        mask = (x.min(axis=2) > 0.68).astype(np.float64)
        mass = mask.sum()
        grid = (np.arange(SIZE) + 0.5) / SIZE
        centre = [0.5, 0.5] if mass == 0 else [mask.sum(axis=0) @ grid / mass, mask.sum(axis=1) @ grid / mass]
        return (
            np.array(-np.median(inner)),
            np.array(float(x[0].max() == 0)),
            np.array(x.mean()),
            x.ravel() @ self._quality,
            gram @ self._style,
            np.array([*centre, mass / SIZE**2]),
        )

    def reference(self, prompts: Sequence[str]) -> np.ndarray:
        """Return the same features each time: they are computed once, since every study of the tests asks for them."""
        return _reference(tuple(prompts)).copy()


@functools.cache
def _reference(prompts: tuple[str, ...]) -> np.ndarray:
    each, judge = -(-256 // len(prompts)), FakeJudge()
    rows = [
        judge._row(draw(prompt, _rng("real", prompt, index), _rng("real cell", prompt, index)))[3]
        for prompt in prompts
        for index in range(each)
    ]
    return np.stack(rows).astype(np.float32)


def make() -> tuple[FakeGenerator, FakeJudge]:
    """What `--generator tests.library.fake_model:make` calls, in the parent and in each worker."""
    return FakeGenerator(), FakeJudge()


class UnevenGenerator(FakeGenerator):
    """Makes larger pictures of one seed."""

    def _image(self, prompt: str, seed: int) -> np.ndarray:
        image = super()._image(prompt, seed)
        return np.tile(image, (2, 1, 1)) if seed == 2 else image


def make_uneven() -> tuple[FakeGenerator, FakeJudge]:
    return UnevenGenerator(batch=1), FakeJudge()


class ShyGenerator(FakeGenerator):
    """Does not say what it samples with; `GOODSEED_FAKE_SHY` says what it says instead."""

    def describe(self) -> dict[str, Any]:
        said = {"nothing": {}, "words": {"sampling": "as usual"}, "no JSON": {"sampling": {"steps": np.int64(4)}}}
        info = super().describe()
        del info["sampling"]
        return info | said[os.environ["GOODSEED_FAKE_SHY"]]


def make_shy() -> tuple[FakeGenerator, FakeJudge]:
    return ShyGenerator(), FakeJudge()


class LargeGenerator(FakeGenerator):
    """The same pictures 128 pixels wide, which is what the demo model's judge reads."""

    def describe(self) -> dict[str, Any]:
        info = super().describe()
        return {**info, "sampling": {**info["sampling"], "width": 8 * SIZE, "height": 8 * SIZE}}

    def _image(self, prompt: str, seed: int) -> np.ndarray:
        return super()._image(prompt, seed).repeat(8, axis=0).repeat(8, axis=1)


def make_judged_by_the_demo() -> tuple[FakeGenerator, Any]:
    from goodseed.demo.judge import DemoJudge

    return LargeGenerator(), DemoJudge()


DIRTY = 5
"""The seed of the fake inpainter that leaves the most text."""


class FakeInpainter(FakeGenerator):
    """Fills holes with gray and red "text": seed 5 far more of it than others; in completion the seed does nothing."""

    def describe_inpainting(self) -> dict[str, Any]:
        return {"about": "a fake", "tasks": {"removal": "away", "completion": "again"}, "licence": "CC0-1.0"}

    def inpaint_pairs(self, count: int) -> tuple[list[InpaintPair], list[InpaintPair]]:
        first, second = ([self._pair(f"{half} {index}") for index in range(count)] for half in ("one", "two"))
        return first, second

    def inpaint(self, pair: InpaintPair, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        images = [self._filled(pair, prompt, seed) for seed in seeds]
        if self.log:
            name = hashlib.sha256(f"{pair.name} {prompt}".encode()).hexdigest()
            _append(self.log, "".join(f"{seed}\t{name}\n" for seed in seeds))
        return np.stack(images)

    def _pair(self, name: str) -> InpaintPair:
        mask = np.zeros((SIZE, SIZE), np.float32)
        left, top = _rng("hole", name).integers(0, SIZE - 10, size=2)
        mask[top : top + 10, left : left + 10] = 1
        image = draw(name, _rng("of", name), _rng("pair", name))
        return InpaintPair(name, image, mask, {"removal": "clear background", "completion": f"a {name}"})

    def _filled(self, pair: InpaintPair, prompt: str, seed: int) -> np.ndarray:
        chance = _rng("fill", seed, pair.name, prompt).random()
        own = 0.0 if prompt != "clear background" else 0.8 if seed == DIRTY else 0.01 * (seed % 5)
        image = pair.image.copy()
        rows, columns = np.nonzero(pair.mask)
        image[rows, columns] = 128
        text = round(min(1.0, own + 0.1 * chance) * len(rows))
        image[rows[:text], columns[:text]] = (255, 0, 0)
        return image


class FakeReader:
    """Reads whatever is red."""

    def describe(self) -> dict[str, Any]:
        return {"name": "red", "version": "1"}

    def shares(self, images: np.ndarray, pair: InpaintPair) -> np.ndarray:
        red = (images == np.array([255, 0, 0])).all(axis=3) & (pair.mask > 0)
        return (red.sum(axis=(1, 2)) / pair.mask.sum()).astype(np.float32)


def make_inpainter() -> tuple[FakeInpainter, FakeJudge]:
    return FakeInpainter(), FakeJudge()


def make_reader() -> FakeReader:
    return FakeReader()


class RudeGenerator(FakeGenerator):
    """Seeds and uses every global random state."""

    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        import torch

        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        torch.rand(1), np.random.rand(), random.random()
        return super().generate(prompt, seeds)


def make_rude() -> tuple[FakeGenerator, FakeJudge]:
    return RudeGenerator(), FakeJudge()


def make_study(tmp_path: Path, seeds: int = 8, prompts: int = 4) -> Path:
    """Run a whole study of the fake generator, in this process; return its folder (ledger and bank in it)."""
    from goodseed.prompts import PromptSet
    from goodseed.study.plan import make_plan
    from goodseed.study.runner import Running, run_study

    folder = tmp_path / "study"
    plan = make_plan(
        "tests.library.fake_model:make",
        list(range(seeds)),
        PromptSet(tuple(f"a square number {index}" for index in range(prompts)), "CC0-1.0"),
        PromptSet(tuple(f"a held-out square number {index}" for index in range(prompts)), "CC0-1.0"),
    )
    run_study(folder, plan, Running(workers=0))
    return folder
