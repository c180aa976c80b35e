"""The pilot: what a study could gain, and what racing would save, before it is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.errors import StudyError
from goodseed.figures import spanned
from goodseed.prompts import PromptSet
from goodseed.stats import Interval, icc
from goodseed.study.lock import locked
from goodseed.study.plan import SHARD_IMAGES, Plan
from goodseed.study.race_plan import RacePlan
from goodseed.study.race_rules import race
from goodseed.study.race_run import image_metrics, read_scores
from goodseed.study.racing import FloatArray
from goodseed.study.runner import USUAL, Running, fill, mended

SEEDS, PROMPTS = 32, 16
"""A pilot's size. Of 100 such pilots 12 call an ICC of .01 worth it, 36 one of .03, 71 one of .06 and all one of .17,
for 64 of 1,024 seeds on 64 prompts (benchmarks/racing.py)."""

WORTH_WINS = 55.0
"""Worth it: a golden seed's picture beats a random one's at least so many times in 100."""

_SIMULATED = 1024
"""Races are simulated with at most so many seeds and prompts; a share of images changes little beyond."""
_REPEATS = 3


@dataclass(frozen=True)
class Promise:
    """What choosing the top seeds by one metric promises on new prompts, in the metric's units and in SDs."""

    metric: str
    icc: Interval
    deviation: float
    """The spread (SD) of one image's score around its prompt's mean, in the metric's units."""
    gain: Interval
    """Expected gain of the top seeds over random ones, in SDs of one image; the ends are those of the ICC."""
    wins: Interval
    """How often of 100 times a chosen seed's image beats a random one's: 50 is no difference."""

    @property
    def shown(self) -> bool:
        """Whether the pilot shows an effect of the seed at all."""
        return self.icc.low > 0

    @property
    def worth(self) -> bool:
        return self.shown and self.wins.value >= WORTH_WINS


@dataclass(frozen=True)
class Pilot:
    """A pilot's findings: by metric, the one that decides, and what a race by it would cost and keep."""

    metric: str
    promises: Mapping[str, Promise]
    seeds: int
    prompts: int
    images: int
    race_images: float
    """The share of a whole study's selection images that a race would make."""
    race_quality: float
    """The share of the whole study's gain that it would keep."""

    @property
    def promise(self) -> Promise:
        return self.promises[self.metric]

    def as_dict(self) -> dict[str, Any]:
        return {
            "worth": self.promise.worth,
            "metric": self.metric,
            "pilot": {"seeds": self.seeds, "prompts": self.prompts, "images": self.images},
            "promises": {
                name: {"icc": asdict(p.icc), "sd": p.deviation, "gain_in_sd": asdict(p.gain), "wins": asdict(p.wins)}
                for name, p in self.promises.items()
            },
            "racing": {"images": self.race_images, "quality": self.race_quality},
        }

    def sentences(self, top: int) -> list[str]:
        """Return the findings in words."""
        found = [
            f"Pilot: {self.seeds} seeds × {self.prompts} prompts, {self.images} images; intervals are those of the ICC."
        ]
        for name, p in self.promises.items():
            units = Interval(*(end * p.deviation for end in (p.gain.value, p.gain.low, p.gain.high)))
            found.append(
                f"{name}: the seed explains {_span(p.icc, 3)} of the variance (ICC). The best {top} seeds would beat "
                f"random ones by {_span(p.gain, 2)} SD of one image, {_span(units, 4)} in its units: their image "
                f"beats a random seed's {_span(p.wins, 0)} times in 100 (50: no difference)."
            )
        found.append(
            f"A race by {self.metric} would make {self.race_images:.0%} of the images to choose on and keep "
            f"{self.race_quality:.0%} of that gain (simulated)."
        )
        return [*found, self._verdict(), "Traits and styles of seeds are not judged by this."]

    def _verdict(self) -> str:
        p = self.promise
        if p.worth:
            return f"Worth it: choosing seeds by {self.metric} shows on new prompts."
        why = (
            f"a chosen seed's image would beat a random one's {p.wins.value:.0f} times in 100"
            if p.shown
            else f"the pilot shows no effect of the seed on {self.metric}"
        )
        return f"Not worth it: {why}."


def run_pilot(folder: Path | str, plan: RacePlan, how: Running = USUAL) -> Pilot:
    """Measure a few seeds on a few prompts in `folder`, or go on with that, and say what the whole would gain.

    Raises:
        StudyError: when another study runs there, or a worker fails.
        OutputError: when the folder cannot be written or the disk is full.
    """
    part = _part(plan)
    folder = Path(folder)

    def scores(thorough: bool) -> dict[str, FloatArray]:
        fill(folder, part, how, thorough)
        return {metric: read_scores(folder, part, "selection", metric) for metric in image_metrics(part)}

    with locked(folder):
        tables = mended(scores)
    return judged(tables, plan.metric, len(plan.study.seeds), len(plan.study.selection), plan.top)


def pilot_table(folder: Path, plan: RacePlan) -> FloatArray | None:
    """Return the scores [s, p] by the race's metric of the pilot in `folder`; None where there is no whole one."""
    try:
        return read_scores(folder, _part(plan), "selection", plan.metric)
    except StudyError:
        return None


def judged(tables: Mapping[str, npt.ArrayLike], metric: str, seeds: int, prompts: int, top: int) -> Pilot:
    """Return what a pilot's tables [s, p] by metric promise of choosing `top` of `seeds` on `prompts` prompts."""
    promises = {name: promise(name, table, seeds, prompts, top) for name, table in tables.items()}
    size = np.shape(tables[metric])
    images, quality = simulated_race(promises[metric].icc.value, seeds, prompts, top)
    return Pilot(metric, promises, size[0], size[1], size[0] * size[1], images, quality)


def promise(metric: str, table: npt.ArrayLike, seeds: int, prompts: int, top: int) -> Promise:
    """Return what choosing `top` of `seeds` by their means on `prompts` prompts promises, from a pilot's table [s, p].

    The breeder's equation: gain = selection intensity × √reliability × SD of the seeds' effects, all normal.
    """
    values = np.asarray(table, np.float64)
    share = icc(values)
    deviation = float(np.sqrt(((values - values.mean(axis=0)) ** 2).mean() * len(values) / (len(values) - 1)))
    gains = [_gain(end, seeds, prompts, top) for end in (share.value, share.low, share.high)]
    return Promise(metric, share, deviation, Interval(*gains), Interval(*(_wins(gain) for gain in gains)))


def simulated_race(share: float, seeds: int, prompts: int, top: int) -> tuple[float, float]:
    """Return the share of images that a race makes at this ICC, and of the exhaustive gain that it keeps (of 1)."""
    size, length = min(seeds, _SIMULATED), min(prompts, _SIMULATED)
    wanted = min(size - 1, max(1, round(top * size / seeds)))
    share = float(np.clip(share, 0.0, 0.999))
    draw = np.random.default_rng(0)
    images, kept, whole = 0, 0.0, 0.0
    for _ in range(_REPEATS):
        effects = draw.standard_normal(size) * np.sqrt(share)
        table = effects[:, None] + draw.standard_normal((size, length)) * np.sqrt(1 - share)
        standing, used = race(table, wanted)
        images += used
        kept += effects[standing.accepted].mean()
        whole += effects[np.argsort(-table.mean(axis=1))[:wanted]].mean()
    return images / (_REPEATS * size * length), float(kept / whole) if whole > 0 else 1.0


def _part(plan: RacePlan) -> Plan:
    study = plan.study
    # Evenly spread, so that neighbours in a list of seeds have no say.
    places = np.unique(np.linspace(0, len(study.seeds) - 1, SEEDS).round().astype(np.int64))
    prompts = PromptSet(study.selection.prompts[:PROMPTS], study.selection.licence)
    block = max(SHARD_IMAGES // min(study.seed_block, len(places)), 1)
    seeds = tuple(study.seeds[place] for place in places)
    return replace(study, seeds=seeds, selection=prompts, held_out=PromptSet(()), prompt_block=block)


def _gain(share: float, seeds: int, prompts: int, top: int) -> float:
    from scipy.stats import norm

    share = float(np.clip(share, 0.0, 1.0))
    places = (seeds - np.arange(1, top + 1) + 1 - 0.375) / (seeds + 0.25)  # Blom's expected order statistics
    reliability = prompts * share / (1 + (prompts - 1) * share)
    return float(norm.ppf(places).mean() * np.sqrt(reliability * share))


def _wins(gain: float) -> float:
    from scipy.stats import norm

    return float(100 * norm.cdf(gain / np.sqrt(2)))


def _span(found: Interval, digits: int) -> str:
    return spanned(found.value, found.low, found.high, digits)
