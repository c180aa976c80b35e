"""Charts by matplotlib, as inline SVG whose colours follow the page, and as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from goodseed.markup import Markup
from goodseed.report.data import Metric, spread
from goodseed.report.plan import Composition
from goodseed.report.svg import inline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "ink": "#1e2421",
    "muted": "#5d6762",
    "line": "#d8dcd6",
    "first": "#0b67ac",
    "second": "#b84f0a",
    "cloud": "#9aa5a0",
}
"""The page's colours by their names in style.css; blue and orange differ to every kind of colour vision."""

MOST_DOTS = 1024
"""A bank of more seeds is drawn with this many of them, evenly spread."""

FEW = 64
"""With fewer seeds than this each is drawn large, without a running mean."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "goodseed",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": COLOURS["line"],
    "ytick.color": COLOURS["line"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["muted"],
    "text.color": COLOURS["ink"],
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def sorted_chart(metric: Metric) -> Markup:
    """Draw each seed's mean on the selection set, best first, and its held-out mean over it (paper figs. 6, 7).

    Each set's own mean is taken away, for the two differ in level; better is up, whichever way the metric points.
    """
    with style():
        figure, _ = _sorted_figure(metric)
        return _svg(figure, f"sorted-{metric.name}", f"{metric.name}: sorted means of the seeds")


def sorted_png(metric: Metric) -> bytes:
    """Draw the same chart as a PNG, with the heading and the legend that are text on the page."""
    with style():
        figure, axes = _sorted_figure(metric)
        axes.set_title(f"{metric.name} ({metric.better})", fontsize=10, loc="left")
        axes.legend(frameon=False, fontsize=9)
        return png(figure)


def _sorted_figure(metric: Metric) -> tuple[Figure, Axes]:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    order = metric.order()
    shown = order[spread(len(order), MOST_DOTS)]
    places = 1 + np.array(spread(len(order), MOST_DOTS))
    figure, axes = _new(4.0, 2.9)
    axes.axhline(0, color=COLOURS["line"], linewidth=0.8, zorder=0)
    if metric.held_out is not None:
        _draw_held_out(axes, places, metric.held_out - metric.held_out.mean(), order, shown)
    chosen = metric.selection - metric.selection.mean()
    few: dict[str, Any] = {"marker": "o", "markersize": 4} if len(shown) < FEW else {}
    axes.plot(places, chosen[shown], color=COLOURS["first"], linewidth=2.2, label="set 1", **few)
    if metric.direction == "lower":
        axes.invert_yaxis()
    axes.set_xlabel("seeds, best to worst on set 1")
    axes.set_ylabel("difference from the mean")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=2))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.margins(x=0.02)
    return figure, axes


def _draw_held_out(axes: Axes, places: np.ndarray, values: np.ndarray, order: np.ndarray, shown: np.ndarray) -> None:
    """Draw the held-out means [S] of the seeds `shown` as dots, and with many seeds their running mean over all."""
    many = len(order) >= FEW
    axes.scatter(
        places,
        values[shown],
        color=COLOURS["second"],
        linewidths=0,
        s=7 if many else 18,
        alpha=0.55 if many else 0.9,
        label=None if many else "set 2, held out",
    )
    if many:
        axes.plot(
            *_running(values[order]), color=COLOURS["second"], linewidth=2.2, label="set 2, held out, running mean"
        )


def composition_chart(panel: Composition, reach: float, seeds: Sequence[int]) -> Markup:
    """Draw one object's mean place and size by seed (paper fig. 10); `reach`: half the side shown, of the picture's."""
    with style():
        figure, axes = _new(3.0, 3.0)
        draw_composition(axes, panel, reach, seeds)
        return _svg(figure, f"composition-{panel.name}", f"{panel.name}: place and size by seed")


def draw_composition(axes: Axes, panel: Composition, reach: float, seeds: Sequence[int]) -> None:
    """Draw one panel of the composition map: a dot a seed at its object's mean place, as large as its size."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    x, y, size = panel.places.T
    shown = spread(len(x), MOST_DOTS)
    spread_of_size = float(size.max() - size.min()) or 1.0
    area = 5 + 40 * (size - size.min()) / spread_of_size
    axes.axhline(0.5, color=COLOURS["line"], linewidth=0.8, zorder=0)
    axes.axvline(0.5, color=COLOURS["line"], linewidth=0.8, zorder=0)
    axes.scatter(x[shown], y[shown], s=area[shown], color=COLOURS["cloud"], alpha=0.5, linewidths=0)
    marked = list(dict.fromkeys(panel.marked))
    axes.scatter(x[marked], y[marked], s=area[marked], color=COLOURS["first"], linewidths=0)
    for i in marked:
        middle = i in panel.marked[4:] and i not in panel.marked[:4]
        right = x[i] > 0.5 + 0.6 * reach
        axes.annotate(
            str(seeds[i]),
            (x[i], y[i]),
            xytext=(-5 if right else 5, -10 if middle else 3),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=9,
            color=COLOURS["ink"],
        )
    axes.set_xlim(0.5 - reach, 0.5 + reach)
    axes.set_ylim(0.5 + reach, 0.5 - reach)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
    for spine in axes.spines.values():
        spine.set_visible(True)


def composition_reach(panels: Sequence[Composition]) -> float:
    """Return half the side of the square that holds every seed of every panel, at most the whole picture."""
    far = max(float(np.abs(panel.places[:, :2] - 0.5).max()) for panel in panels)
    return min(0.5, max(0.05, 1.12 * far))


def composition_sheet(panels: Sequence[Composition], seeds: Sequence[int]) -> bytes:
    """Draw all panels side by side: PNG."""
    from matplotlib.figure import Figure

    reach = composition_reach(panels)
    with style():
        columns = min(2, len(panels))
        rows = -(-len(panels) // columns)
        figure = Figure(figsize=(4 * columns, 4.2 * rows), layout="constrained")
        for index, panel in enumerate(panels):
            axes = figure.add_subplot(rows, columns, index + 1)
            draw_composition(axes, panel, reach, seeds)
            axes.set_title(panel.name, fontsize=11, color=COLOURS["ink"])
        return png(figure)


def _running(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places and means of a sixteenth of the seeds at a time."""
    width = max(4, len(values) // 16)
    sums = np.cumsum(np.insert(values, 0, 0.0))
    means = (sums[width:] - sums[:-width]) / width
    keep = spread(len(means), 160)
    return np.arange(len(means))[keep] + (width + 1) / 2, means[keep]


def style() -> Any:
    """Return a context in which matplotlib draws as the report does."""
    import matplotlib

    return matplotlib.rc_context(_STYLE)  # type: ignore[arg-type]


def _new(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure, name: str, title: str) -> Markup:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return inline(buffer.getvalue(), name, title, COLOURS)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG on white paper."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()
