"""Which pictures stand where: the report's picture sections, laid out before any picture is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from goodseed.report import layout
from goodseed.report.data import (
    SETS,
    Metric,
    Trait,
    best_and_worst,
    diverse_positions,
    feature_prompts,
    metrics_of,
    objects_of,
    random_positions,
    section,
    shown_prompts,
    spread,
    traits_of,
)
from goodseed.report.numbers import percent, read_interval

if TYPE_CHECKING:
    from goodseed.banks.format import Bank

MAP_WIDTH, MAP_HEIGHT = 0.094, 0.094 * 4 / 3
"""A picture's size on the style map, as shares of a 4:3 map."""


@dataclass(frozen=True)
class Cell:
    """One picture: a prompt, a seed, and the words over it."""

    prompt: str
    seed: int
    caption: str


@dataclass(frozen=True)
class Row:
    """Pictures side by side; `note` may have several lines; `tone` is best, worst or plain."""

    title: str
    note: str
    cells: tuple[Cell, ...]
    tone: str = "plain"


@dataclass(frozen=True)
class Sheet:
    """Rows of pictures that are looked at together."""

    name: str
    title: str
    note: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class StyleMap:
    """All seeds in the plane of their style, some of them as pictures of one prompt."""

    plane: layout.Plane
    prompt: str
    shown: tuple[tuple[int, int], ...]
    """(position of the seed, seed)."""


@dataclass(frozen=True)
class Composition:
    """One object: mean centroid and size by seed, float64 [S, 3], and a row of the extreme seeds."""

    name: str
    prompts: int
    places: np.ndarray
    marked: tuple[int, ...]
    row: Row


@dataclass(frozen=True)
class Plan:
    """Everything that shows pictures; what a bank cannot give is None or empty, with a line in `gaps`."""

    best_worst: Sheet | None = None
    traits: tuple[Sheet, ...] = ()
    diverse: tuple[Sheet, ...] = ()
    style: StyleMap | None = None
    composition: tuple[Composition, ...] = ()
    gaps: dict[str, str] = field(default_factory=dict)

    def cells(self) -> Iterator[tuple[str, int]]:
        """Yield (prompt, seed) of every picture, the most telling first."""
        for sheet in [self.best_worst, *self.traits, *self.diverse]:
            for row in sheet.rows if sheet else ():
                yield from ((cell.prompt, cell.seed) for cell in row.cells)
        if self.style is not None:
            yield from ((self.style.prompt, seed) for _, seed in self.style.shown)
        for panel in self.composition:
            yield from ((cell.prompt, cell.seed) for cell in panel.row.cells)


def make_plan(bank: Bank) -> Plan:
    """Lay out all picture sections of `bank`."""
    gaps: dict[str, str] = {}
    return Plan(
        best_worst=_best_worst(bank, metrics_of(bank), gaps),
        traits=_traits(bank, gaps),
        diverse=_diverse(bank, gaps),
        style=_style(bank, gaps),
        composition=_composition(bank, gaps),
        gaps=gaps,
    )


def _best_worst(bank: Bank, metrics: Sequence[Metric], gaps: dict[str, str]) -> Sheet | None:
    prompts, which = shown_prompts(bank, 6)
    best, worst = best_and_worst(bank)
    if not metrics or not best or not prompts:
        gaps["best-worst"] = (
            "The bank holds no metric that says which way is better."
            if not metrics
            else "There are too few seeds to tell best from worst."
            if not best
            else "The bank does not hold its prompts' texts."
        )
        return None
    rows = [
        Row(f"Seed {bank.seeds[i]}", _places(metrics, i), _cells(bank, i, prompts), tone)
        for positions, tone in ((best, "best"), (worst, "worst"))
        for i in positions
    ]
    from_set = "prompts that no seed was chosen on" if which == "held_out" else "the prompts that they were chosen on"
    return Sheet("best-worst", "Best and worst seeds", f"Shown on {from_set}.", tuple(rows))


def _places(metrics: Sequence[Metric], position: int) -> str:
    parts = []
    for metric in metrics:
        chosen, checked = metric.ranks(), metric.ranks(held_out=True)
        assert chosen is not None
        then = f" → {int(checked[position]):,}" if checked is not None else ""
        parts.append(f"{metric.name} {int(chosen[position]):,}{then}")
    return "\n".join(parts)


def _cells(bank: Bank, position: int, prompts: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(Cell(prompt, bank.seeds[position], prompt) for prompt in prompts)


def _traits(bank: Bank, gaps: dict[str, str]) -> tuple[Sheet, ...]:
    prompts, _ = shown_prompts(bank, 6)
    found = [trait for trait in traits_of(bank) if trait.shares.max(initial=0) > 0]
    if not found or not prompts:
        gaps["traits"] = (
            "No picture of this study had any of the traits looked for."
            if prompts
            else ("The bank does not hold its prompts' texts.")
        )
        if not section(bank.info, "traits"):
            gaps["traits"] = "This study measured no traits."
        return ()
    return tuple(_trait_sheet(bank, trait, prompts) for trait in sorted(found, key=lambda t: -_icc(bank, t.name))[:6])


def _icc(bank: Bank, name: str) -> float:
    interval = read_interval(section(bank.info, "reliability", "icc").get(name))
    return -1.0 if interval is None else interval.value


def _trait_sheet(bank: Bank, trait: Trait, prompts: Sequence[str]) -> Sheet:
    rows = [
        Row(f"Seed {bank.seeds[i]}", f"{percent(trait.shares[i])} of its pictures", _cells(bank, i, prompts))
        for i in trait.strongest(3)
    ]
    average = f"All seeds together: {percent(float(trait.shares.mean()))}."
    return Sheet(f"trait-{trait.name}", trait.name, average, tuple(rows))


def _diverse(bank: Bank, gaps: dict[str, str]) -> tuple[Sheet, ...]:
    prompts, _ = shown_prompts(bank, 3)
    kinds = {kind: found for kind in ("style", "composition") if (found := diverse_positions(bank, kind))}
    if not kinds or not prompts:
        measured = any(f"feature.{kind}" in bank.tensors for kind in ("style", "composition"))
        gaps["diverse"] = (
            "There are too few seeds, or no prompts, to show a diverse set."
            if measured
            else "This study measured no style and no composition features."
        )
        return ()
    sets = [("Random", random_positions(bank)), *((f"Diverse by {kind}", found) for kind, found in kinds.items())]
    named = [(title, [bank.seeds[i] for i in found]) for title, found in sets]
    return tuple(_diverse_sheet(prompt, number, named) for number, prompt in enumerate(prompts, start=1))


def _diverse_sheet(prompt: str, number: int, sets: Sequence[tuple[str, Sequence[int]]]) -> Sheet:
    rows = tuple(
        Row(title, "", tuple(Cell(prompt, seed, f"seed {seed}") for seed in seeds), "plain") for title, seeds in sets
    )
    return Sheet(f"diverse-{number}", prompt, "", rows)


def _style(bank: Bank, gaps: dict[str, str]) -> StyleMap | None:
    features = bank.tensors.get("feature.style")
    if features is None:
        gaps["style"] = "This study measured no style features."
        return None
    plane = layout.project(features)
    if plane is None:
        gaps["style"] = "The style features show no difference between the seeds, or there are fewer than three seeds."
        return None
    prompts = feature_prompts(bank, "style", "selection")
    prompt = prompts[layout.best_shown_by(plane.points, features, len(prompts))] if prompts else ""
    shown = layout.spaced(plane.points, MAP_WIDTH / (1 - MAP_WIDTH), MAP_HEIGHT / (1 - MAP_HEIGHT), 36)
    return StyleMap(plane, prompt, tuple((i, bank.seeds[i]) for i in shown) if prompt else ())


_EXTREMES = (
    ("far left", 0, 1),
    ("far right", 0, -1),
    ("high", 1, 1),
    ("low", 1, -1),
    ("small", 2, 1),
    ("large", 2, -1),
)


def _composition(bank: Bank, gaps: dict[str, str]) -> tuple[Composition, ...]:
    found = [_places_of(bank, which) for which in SETS]
    prompts = [prompt for texts_of_set, _ in found for prompt in texts_of_set]
    if not found[0][0]:
        gaps["composition"] = "This study measured no place and size of objects."
        return ()
    values = np.concatenate([places for _, places in found], axis=1)
    groups = list(objects_of(prompts).items())
    groups.sort(key=lambda group: -len(group[1]))
    chosen = [groups[i] for i in spread(len(groups), 4)] if len({len(g) for _, g in groups}) == 1 else groups[:4]
    return tuple(_panel(bank, name, values[:, members].mean(axis=1), prompts, members) for name, members in chosen)


def _places_of(bank: Bank, which: str) -> tuple[list[str], np.ndarray]:
    """Return one set's prompts and its centroids and sizes, float64 [S, prompts, 3]; none where they are not held."""
    features = bank.tensors.get("feature.composition" if which == "selection" else "heldout.feature.composition")
    prompts = feature_prompts(bank, "composition", which)
    if features is None or not prompts or features.ndim != 2 or features.shape[1] < 3 * len(prompts):
        return [], np.empty((len(bank.seeds), 0, 3))
    axes = np.asarray(features, dtype=np.float64).reshape(len(features), len(prompts), -1)  # a depth may come last
    return prompts, axes[..., :3]


def _panel(bank: Bank, name: str, places: np.ndarray, prompts: Sequence[str], members: Sequence[int]) -> Composition:
    marked, cells = [], []
    for caption, axis, sign in _EXTREMES:
        position = int(np.argmin(sign * places[:, axis]))
        marked.append(position)
        cells.append(Cell(prompts[members[0]], bank.seeds[position], f"{caption} · {bank.seeds[position]}"))
    row = Row(name, prompts[members[0]], tuple(cells))
    return Composition(name, len(members), places, tuple(marked), row)
