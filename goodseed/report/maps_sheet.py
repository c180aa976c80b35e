"""The maps of seeds as PNG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from goodseed.report import charts
from goodseed.report.maps import SIDE, STEPS, Column, Maps, Mark, SeedMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TWO = ("#a83c00", "#b8622f", "#a98160", "#8b9490", "#5f86ab", "#2f6ca8", "#0a4f96")
ONE = ("#8b9490", "#768690", "#61778c", "#4c6886", "#375980", "#214a7a", "#053b73")
RING = "#8a6d00"
"""The page's colours on light paper, as in maps.css."""


def maps_sheet(maps: Maps) -> bytes | None:
    """Draw all maps in the colours of the first column, two side by side: PNG, or None where there are none."""
    if not maps.maps:
        return None
    from matplotlib.figure import Figure

    column = maps.columns[0] if maps.columns else None
    with charts.style():
        rows = -(-len(maps.maps) // 2)
        figure = Figure(figsize=(8.0, 3.9 * rows + 0.4), layout="constrained")
        for place, found in enumerate(maps.maps, start=1):
            _draw(figure.add_subplot(rows, 2, place), maps, found, column)
        figure.suptitle("\n".join(_legend(maps, column)), fontsize=9, x=0.01, ha="left")
        return charts.png(figure)


def _legend(maps: Maps, column: Column | None) -> Iterator[str]:
    if column is not None:
        first = "orange" if column.two_sided else "gray"
        yield f"{column.name}, {first} to blue: {column.low} to {column.high}"
    signs = {"ring": "\N{WHITE CIRCLE}", "square": "\N{WHITE SQUARE}", "diamond": "\N{WHITE DIAMOND}"}
    yield "   ".join(f"{signs[mark.shape]} {mark.name}" for mark in maps.marks)


def _draw(axes: Axes, maps: Maps, found: SeedMap, column: Column | None) -> None:
    x, y = found.places.T
    colours = TWO if column is None or column.two_sided else ONE
    size = 6 if len(x) > 400 else 16
    steps = [STEPS - 1] * len(x) if column is None else column.steps
    axes.scatter(x, y, s=size, c=[colours[step] for step in steps], linewidths=0, zorder=2)
    for mark in maps.marks:
        if found.feature in mark.features and mark.members:
            _mark(axes, maps, found, mark, size)
    axes.set_title(found.name, fontsize=11, loc="left")
    axes.set_xlim(0, SIDE)
    axes.set_ylim(found.height, 0)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _mark(axes: Axes, maps: Maps, found: SeedMap, mark: Mark, size: int) -> None:
    x, y = found.places[list(mark.members)].T
    shape = {"ring": "o", "square": "s", "diamond": "D"}[mark.shape]
    colour = {"ring": RING, "square": charts.COLOURS["muted"], "diamond": charts.COLOURS["ink"]}[mark.shape]
    look: dict[str, Any] = {"marker": shape, "edgecolors": colour, "facecolors": "none", "linewidths": 0.8}
    axes.scatter(x, y, s=size + (26 if mark.shape == "ring" else 44), zorder=3, **look)
    if mark.shape == "diamond":
        for member in mark.members:
            x_of, y_of = (float(part) for part in found.places[member])
            axes.annotate(str(maps.seeds[member]), (x_of, y_of), xytext=(5, -3), textcoords="offset points", fontsize=8)
