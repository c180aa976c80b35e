"""What the maps hold: where each seed lies, what it can be coloured by, and which seeds are marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from goodseed.banks.choice import TRAIT_LIMIT
from goodseed.report import layout
from goodseed.report.charts import MOST_DOTS
from goodseed.report.data import Metric, diverse_positions, metrics_of, section, spread
from goodseed.report.embedding import FEWEST, FloatArray, Trust, perplexity_for, trust, tsne
from goodseed.report.numbers import number, percent
from goodseed.report.text import text_metrics

if TYPE_CHECKING:
    from goodseed.banks.format import Bank

FEATURES = ("style", "composition")
STEPS = 7
"""Colours of the scale."""
SIDE = 1000
"""A map's width, and its height at most, in the units of its places."""
_MARGIN = 45
_MOST_COLUMNS = 24
_FAULTS = ("border", "grayscale")

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeedMap:
    """Seeds in the plane of one feature: places int [N, 2] in 0…`SIDE` × 0…`height`, the same scale on both axes."""

    feature: str
    method: str
    places: IntArray
    trust: Trust
    shares: tuple[float, float] | None = None
    """Of PCA: the two directions' shares of the variance."""
    by_chance: float | None = None
    """Of PCA: what two directions at random hold together."""
    perplexity: float | None = None
    """Of t-SNE."""

    @property
    def name(self) -> str:
        return f"{self.feature.capitalize()} by {self.method}"

    @property
    def height(self) -> int:
        return int(self.places[:, 1].max()) + _MARGIN


@dataclass(frozen=True)
class Column:
    """Something that seeds are coloured by: values [N] as they are shown, and each seed's colour, 0…`STEPS`−1.

    `two_sided`: the colours run from worse over the middle to better, an equal number of seeds in each; else from
    little to much, in equal steps of the value.
    """

    name: str
    values: FloatArray
    steps: IntArray
    decimals: int
    unit: str
    low: str
    high: str
    two_sided: bool
    held_out: FloatArray | None = None


@dataclass(frozen=True)
class Mark:
    """Seeds that stand out on every map of `features`; `shape` is ring, square or diamond."""

    name: str
    about: str
    shape: str
    members: tuple[int, ...]
    features: tuple[str, ...] = FEATURES


@dataclass(frozen=True)
class Maps:
    """All maps of a bank over the same seeds, in the bank's order; `gaps` says in lines what there is not.

    Of `total` seeds those are drawn that lie evenly spread in the bank, and `added` diverse picks beside them.
    """

    seeds: tuple[int, ...] = ()
    total: int = 0
    maps: tuple[SeedMap, ...] = ()
    columns: tuple[Column, ...] = ()
    marks: tuple[Mark, ...] = ()
    gaps: tuple[str, ...] = field(default=())
    added: int = 0


def make_maps(bank: Bank) -> Maps:
    """Lay out the maps of a bank.

    A large bank is drawn with `charts.MOST_DOTS` of its seeds, evenly spread, and the diverse picks.
    """
    total = len(bank.seeds)
    picks = {feature: found for feature in FEATURES if (found := diverse_positions(bank, feature))}
    even = spread(total, MOST_DOTS)
    shown = sorted({*even, *(position for found in picks.values() for position in found)})
    maps: list[SeedMap] = []
    gaps: list[str] = []
    for feature in FEATURES:
        made = list(_maps_of(bank, feature, shown))
        maps += made
        if not made:
            gaps.append(_why_none(bank, feature))
        elif len(made) < 2:
            gaps.append(f"There are too few seeds for t-SNE of {feature}: it needs {FEWEST}.")
    if not maps:
        return Maps(gaps=tuple(gaps))
    columns = tuple(_columns(bank, shown))
    marks = tuple(_marks(bank, shown, picks))
    seeds = tuple(bank.seeds[i] for i in shown)
    return Maps(seeds, total, tuple(maps), columns, marks, tuple(gaps), len(shown) - len(even))


def _why_none(bank: Bank, feature: str) -> str:
    if f"feature.{feature}" not in bank.tensors:
        return f"This study measured no {feature} features."
    return f"The {feature} features show no difference between the seeds, or there are fewer than three seeds."


def _maps_of(bank: Bank, feature: str, shown: Sequence[int]) -> Iterator[SeedMap]:
    """Yield PCA of one feature, and t-SNE where there are seeds enough."""
    table = bank.tensors.get(f"feature.{feature}")
    plane = None if table is None else layout.principal(table)
    if table is None or plane is None:
        return
    values, points = table[shown], plane.points[shown]
    held_out = bank.tensors.get(f"heldout.feature.{feature}")
    checked = None if held_out is None else held_out[shown]
    yield SeedMap(
        feature,
        "PCA",
        _places(points),
        trust(values, checked, points),
        shares=plane.shares,
        by_chance=min(1.0, 2 / table.shape[1]),
    )
    if len(shown) >= FEWEST and points[:, 0].std() > 0:
        moved = tsne(values, points)
        perplexity = perplexity_for(len(shown))
        yield SeedMap(feature, "t-SNE", _places(moved), trust(values, checked, moved), perplexity=perplexity)


def _places(points: FloatArray) -> IntArray:
    """Fit points [N, 2] into the square, at one scale for both axes, at its top and in the middle of its width."""
    low, reach = points.min(axis=0), np.ptp(points, axis=0)
    scale = (SIDE - 2 * _MARGIN) / (float(reach.max()) or 1.0)
    start = np.array([(SIDE - reach[0] * scale) / 2, _MARGIN])
    places: IntArray = np.rint(start + (points - low) * scale).astype(np.int64)
    return places


def _columns(bank: Bank, shown: Sequence[int]) -> Iterator[Column]:
    """Yield the columns, what the bank was made for first: text in holes, ranks, metrics, traits, mean places."""
    found = [*_text_columns(bank, shown), *_quality_columns(bank, shown), *_trait_columns(bank, shown)]
    yield from [*found, *_composition_columns(bank, shown)][:_MOST_COLUMNS]


def _text_columns(bank: Bank, shown: Sequence[int]) -> Iterator[Column]:
    for metric in text_metrics(bank):
        held_out = None if metric.held_out is None else metric.held_out[shown]
        yield _share_column(metric.name, metric.selection[shown], held_out)


def _quality_columns(bank: Bank, shown: Sequence[int]) -> Iterator[Column]:
    from goodseed.banks.golden import golden_positions

    metrics = metrics_of(bank)
    if len(metrics) > 1:
        place = np.empty(len(bank.seeds))
        place[golden_positions(bank, "rank-sum")] = np.arange(1, len(place) + 1)
        low, high = f"worst: place {len(place):,}", "best: place 1"
        yield Column("rank over all metrics", place[shown], _by_rank(-place)[shown], 0, "", low, high, True)
    for metric in metrics:
        yield _metric_column(metric, shown)


def _metric_column(metric: Metric, shown: Sequence[int]) -> Column:
    decimals = _decimals(metric.selection)
    sign = 1.0 if metric.direction == "higher" else -1.0
    ends = sorted((sign * float(metric.selection.min()), sign * float(metric.selection.max())))
    low, high = (f"{word} {number(sign * end, decimals)}" for word, end in zip(("worst", "best"), ends, strict=True))
    held_out = None if metric.held_out is None else metric.held_out[shown]
    steps = _by_rank(sign * metric.selection)[shown]
    return Column(metric.name, metric.selection[shown], steps, decimals, "", low, high, True, held_out)


def _decimals(values: FloatArray) -> int:
    """Return how many decimals tell seeds apart: two figures of the values' spread."""
    spread_of_values = float(values.std())
    return 2 if spread_of_values == 0 else min(6, max(0, 1 - int(np.floor(np.log10(spread_of_values)))))


def _trait_columns(bank: Bank, shown: Sequence[int]) -> Iterator[Column]:
    for name in section(bank.info, "traits"):
        shares = bank.tensors.get(f"trait.{name}")
        if shares is not None:
            yield _share_column(name.replace("_", " "), np.asarray(shares, np.float64)[shown])


_AXES = {
    "x": "place of the object, left to right",
    "y": "place of the object, top to bottom",
    "size": "size of the object",
    "depth": "nearness of the object",
}


def _composition_columns(bank: Bank, shown: Sequence[int]) -> Iterator[Column]:
    """Yield the means over the prompts of what composition features hold."""
    table = bank.tensors.get("feature.composition")
    about = section(bank.info, "features", "composition")
    if table is None:
        return
    means = np.asarray(table, np.float64)[shown].reshape(len(shown), int(about["prompts"]), -1).mean(axis=1)
    for name, values in zip(about["names"], means.T, strict=False):
        yield _share_column(_AXES.get(name, str(name)), values)


def _share_column(name: str, shares: FloatArray, held_out: FloatArray | None = None) -> Column:
    low, high = float(shares.min()), float(shares.max())
    steps = np.zeros(len(shares), np.int64)
    if high > low:
        steps = np.minimum(STEPS - 1, (STEPS * (shares - low) / (high - low)).astype(np.int64))
    values = 100 * shares
    return Column(
        name,
        values,
        steps,
        1,
        "\N{NO-BREAK SPACE}%",
        percent(low),
        percent(high),
        False,
        None if held_out is None else 100 * held_out,
    )


def _by_rank(values: FloatArray) -> IntArray:
    """Return colours by rank, the largest values highest; equal values have the same colour."""
    lower = np.searchsorted(np.sort(values), values, "left")
    upper = np.searchsorted(np.sort(values), values, "right") - 1
    steps: IntArray = (STEPS * (lower + upper) // (2 * len(values))).astype(np.int64)
    return steps


def _marks(bank: Bank, shown: Sequence[int], picks: dict[str, list[int]]) -> Iterator[Mark]:
    from goodseed.banks.clean import CLEAN
    from goodseed.banks.golden import golden_positions

    place_of = {position: place for place, position in enumerate(shown)}

    def members(positions: Sequence[int]) -> tuple[int, ...]:
        return tuple(sorted(place_of[int(i)] for i in positions if int(i) in place_of))

    if bank.tasks:
        clean = golden_positions(bank, CLEAN, max(1, len(bank.seeds) // 16))
        yield Mark("clean", "least text in holes", "ring", members(list(clean)))
    elif bank.metrics:
        golden = golden_positions(bank, "paper")
        if len(golden):
            yield Mark("golden", "in the best quarter by every metric", "ring", members(list(golden)))
    faults = {name: bank.tensors[f"trait.{name}"] for name in _FAULTS if f"trait.{name}" in bank.tensors}
    if faults:
        found = np.flatnonzero(np.max(list(faults.values()), axis=0) > TRAIT_LIMIT)
        names = " or ".join(faults)
        yield Mark(names, "in more than half of a seed's pictures", "square", members(list(found)))
    for feature, positions in picks.items():
        about = "farthest from each other"
        yield Mark(f"diverse by {feature}", about, "diamond", members(positions), (feature,))
