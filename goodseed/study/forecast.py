"""What a study will cost, before it is begun: images, hours, storage, and what a race would save."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.banks.format import read_bank
from goodseed.errors import BankError, StudyError
from goodseed.prompts import PromptSet
from goodseed.stats import icc
from goodseed.study.cells import ShardResult
from goodseed.study.engines.interface import Engine, Say
from goodseed.study.inpaint_plan import INPAINT_SETS, TEXT_SHARE
from goodseed.study.pilot import pilot_table, simulated_race
from goodseed.study.plan import SETS, Plan
from goodseed.study.race_plan import RacePlan
from goodseed.study.shards import encoded

ASSUMED = {"little": 0.02, "some": 0.06, "much": 0.17}
"""ICCs of a race's estimate where none is known; that of the demo's score is .02."""

SAMPLED = 3
"""Calls of the generator a worker for the measured rate; the middle one counts, so that the first may be slow."""

PNG_BYTES = 1.6
"""About so many bytes a pixel has a photo-like picture as PNG."""

_WIDTHS = {"inception": 2048, "clip": 768, "small": 192, "style": 160}
"""Numbers an image of features of the metrics by name, and of the demo judge."""
_DEMO_WIDTHS = {"quality": 64, "style": 64}


@dataclass(frozen=True)
class Rate:
    """How fast one worker makes and measures images."""

    images_per_second: float
    sampled: int
    """Images that it was measured on; 0: it was given."""
    widths: Mapping[str, int]
    """Numbers an image, by column: as measured, or as far as they are known."""
    unknown: tuple[str, ...] = ()
    """Columns of unknown width."""


@dataclass(frozen=True)
class Race:
    """What a race by one metric would make if the seed explained a share `icc` of its variance; simulated."""

    icc: float
    how: str
    """Where the ICC comes from: measured by a bank or a pilot, given, or assumed."""
    images: int
    """All images of the race, the held-out ones among them."""
    quality: float
    """The share of the whole study's gain that it would keep."""


@dataclass(frozen=True)
class Forecast:
    """What a study of every seed on every prompt would cost, and races beside it."""

    plan: Plan
    rate: Rate
    workers: int | None
    """None: as many as the engine finds."""
    bytes_a_cell: float
    races: tuple[Race, ...]
    no_race: str
    """Why there is none; empty where there are."""
    race: RacePlan | None

    def as_dict(self) -> dict[str, Any]:
        plan, rate = self.plan, self.rate
        return {
            "images": plan.images,
            "seeds": len(plan.seeds),
            "prompts": {name: len(plan.prompts(name)) for name in SETS},
            "inpainting_images": plan.images - plan.without_inpainting.images,
            "images_per_second": rate.images_per_second,
            "rate": {"how": "measured" if rate.sampled else "given", "images": rate.sampled},
            "workers": self.workers,
            "worker_hours": self.hours(plan.images),
            "hours": self.hours_of_all,
            "storage": {
                "bytes_per_cell": self.bytes_a_cell,
                "bytes": self.ledger_bytes,
                "shards": len(plan.shards()),
                "without": list(rate.unknown),
                "pictures_bytes": self.picture_bytes,
            },
            "racing": {"not": self.no_race} if self.race is None else self._racing(self.race),
        }

    def _racing(self, race: RacePlan) -> dict[str, Any]:
        estimates = [
            {
                "icc": each.icc,
                "how": each.how,
                "images": each.images,
                "share": each.images / race.study.images,
                "worker_hours": self.hours(each.images),
                "quality": each.quality,
            }
            for each in self.races
        ]
        return {"metric": race.metric, "top": race.top, "estimates": estimates}

    def hours(self, images: int) -> float:
        """Return the hours that one worker would take."""
        return images / self.rate.images_per_second / 3600

    @property
    def hours_of_all(self) -> float | None:
        """The hours that all workers together would take."""
        return None if self.workers is None else self.hours(self.plan.images) / self.workers

    @property
    def ledger_bytes(self) -> int:
        return round(self.bytes_a_cell * self.plan.images)

    @property
    def picture_bytes(self) -> int | None:
        """About how much the pictures would take as PNG files; None where their size is not known yet."""
        if not self.plan.generator_info:
            return None
        width, height = self.plan.size
        return round(PNG_BYTES * width * height * self.plan.images)


def measure_rate(plan: Plan, engine: Engine, workers: int, say: Say) -> Rate:
    """Let the engine's workers make and measure a few images of the plan, and keep none.

    Raises:
        StudyError: as `Engine.compute`.
    """
    calls = SAMPLED * workers
    prompts = plan.selection.prompts[:calls]
    batches = -(-calls // len(prompts))
    part = replace(
        plan.without_inpainting,
        seeds=plan.seeds[: batches * plan.batch],
        selection=PromptSet(prompts),
        held_out=PromptSet(()),
        seed_block=plan.batch,
        prompt_block=1,
    )
    with contextlib.closing(engine.compute(part, part.shards()[:calls], say)) as results:
        found = list(results)
    middle = float(np.median([result.seconds / result.shard.images for result in found]))
    widths = {name: values[0].size for name, values in found[0].columns.items()}
    return Rate(1 / max(middle, 1e-9), sum(result.shard.images for result in found), widths)


def given_rate(plan: Plan, images_per_second: float) -> Rate:
    """Return a rate that the user knows, with what is known of the columns before anything is measured.

    Raises:
        StudyError: for a rate that is none.
    """
    if not 0 < images_per_second < float("inf"):
        raise StudyError(f"rate: {images_per_second:g} images a second is none; give a number above 0")
    demo = any(name.startswith("demo") for name in plan.metrics or [plan.generator])
    known = {**(_WIDTHS if plan.metrics else {}), **(_DEMO_WIDTHS if demo else {})}
    known |= {"composition": len(plan.composition_names)}
    widths = {name: 1 if _is_flat(name) else known.get(name, 0) for name in plan.columns}
    return Rate(images_per_second, 0, widths, tuple(sorted(name for name, width in widths.items() if not width)))


def forecast(
    plan: Plan, rate: Rate, workers: int | None, race: RacePlan | str, shares: Mapping[str, float]
) -> Forecast:
    """Return what `plan` would cost at this rate, and `race` (or why there is none) at some ICCs by their origin."""
    raced = race if isinstance(race, RacePlan) else None
    races = () if raced is None else tuple(_race(raced, share, how) for how, share in shares.items())
    no_race = race if isinstance(race, str) else ""
    return Forecast(plan, rate, workers, _bytes_a_cell(plan, rate.widths), races, no_race, raced)


def known_iccs(given: str, race: RacePlan, folder: Path) -> dict[str, float]:
    """Return ICCs of a race's metric by where they come from: `given` is a number or a bank.

    Where nothing is given they are of a bank or of a pilot in `folder`; where there is none either, assumed.

    Raises:
        StudyError: for a number outside 0…1, and a bank that says nothing of this metric.
        BankError: for a file that is no bank.
    """
    if given:
        return {"given": _share(given)} if _is_number(given) else {_named(given): _of_bank(given, race.metric)}
    for path in sorted(folder.glob("*.safetensors")):
        with contextlib.suppress(BankError, StudyError):  # nobody has asked for it by name
            return {_named(path): _of_bank(path, race.metric)}
    table = pilot_table(folder / "pilot", race)
    if table is not None:
        return {"measured by the pilot": icc(table).value}
    return {f"assumed: {word}": share for word, share in ASSUMED.items()}


def _race(race: RacePlan, share: float, how: str) -> Race:
    study = race.study
    part, quality = simulated_race(share, len(study.seeds), len(study.selection), race.top)
    finalists = race.top + len(race.compared)  # a few of these are the same seeds
    held_out = len(study.seeds) * race.checked + finalists * (len(study.held_out) - race.checked)
    images = round(part * len(study.seeds) * len(study.selection)) + held_out
    return Race(share, how, min(images, study.images), quality)


def _bytes_a_cell(plan: Plan, widths: Mapping[str, int]) -> float:
    """Write a shard of each kind in memory, of numbers that do not compress: bytes a cell of the whole study."""
    draw = np.random.default_rng(0)
    total = 0.0
    for kind, columns in ((SETS, widths), (INPAINT_SETS, {TEXT_SHARE: 1})):
        cells = sum(len(plan.cells(name)) for name in kind if name in plan.sets) * len(plan.seeds)
        shard = next((shard for shard in plan.shards() if shard.prompt_set in kind), None)
        if shard is not None:
            values = {
                name: draw.standard_normal((shard.images, width), dtype=np.float32)
                for name, width in columns.items()
                if width
            }
            flat = {name: table[:, 0] if _is_flat(name) else table for name, table in values.items()}
            total += len(encoded(ShardResult(shard, flat, 0.0), plan.key)) / shard.images * cells
    return total / plan.images


def _is_flat(column: str) -> bool:
    """Say whether a column holds one number an image."""
    return column.startswith(("metric.", "trait.")) or column == TEXT_SHARE


def _named(bank: Path | str) -> str:
    return f"measured by {Path(bank).name}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise StudyError(f"icc: {text} is no share of a variance; give 0 to 1, or a bank's file")
    return share


def _of_bank(path: Path | str, metric: str) -> float:
    found: Any = read_bank(path).info["reliability"].get("icc", {}).get(metric)
    if found is None:
        raise StudyError(f"{path}: says no ICC of {metric}; name a bank that measured it, or a number")
    return float(found["value"])
