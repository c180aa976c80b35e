"""The report's sections with pictures and charts, each returned as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from goodseed.markup import Child, Markup, join, tag
from goodseed.report.charts import FEW
from goodseed.report.data import Metric
from goodseed.report.layout import Plane
from goodseed.report.numbers import count, number, percent
from goodseed.report.pictures import Pictures
from goodseed.report.plan import MAP_HEIGHT, MAP_WIDTH, Cell, Plan, Row, Sheet, StyleMap

if TYPE_CHECKING:
    from goodseed.banks.format import Bank

_LONGEST = 64
"""A prompt over a picture is cut to this many characters; the whole one is in its tooltip."""

_MOST_DOTS = 2048


def part(name: str, title: str, *content: Child, intro: Child = None) -> Markup:
    """Return one section of the page."""
    lead = tag("p", intro, class_="intro") if intro else None
    return tag("section", tag("h2", title), lead, *content, id=name)


def gap(text: str) -> Markup:
    """Say that something is not there, and why."""
    return tag("p", text, class_="gap")


def best_and_worst(
    plan: Plan, pictures: Pictures, metrics: Iterable[Metric], seeds: int, caution: str | None
) -> Markup:
    """Return the three best and three worst seeds on the same prompts (paper fig. 5)."""
    sheet, title = plan.best_worst, "Best and worst seeds"
    if sheet is None:
        return part("best-worst", title, gap(plan.gaps["best-worst"]))
    names = " and ".join(metric.name for metric in metrics)
    intro = (
        f"Ordered by the sum of the seeds’ ranks in {names} on set 1. Beside each seed: its rank on set 1 → on set 2, "
        f"of {seeds:,}. Each column is one prompt. {sheet.note}"
    )
    blocks = [
        _block(heading, [row for row in sheet.rows if row.tone == tone], pictures)
        for heading, tone in (("Best", "best"), ("Worst", "worst"))
    ]
    return part("best-worst", title, gap(caution) if caution else None, *blocks, intro=intro)


def _block(heading: str, rows: list[Row], pictures: Pictures) -> Markup:
    return tag("div", tag("h3", heading), *(_row(row, pictures) for row in rows), class_=f"sheet same {rows[0].tone}")


def sorted_scores(metrics: list[Metric], charts: Mapping[str, Markup]) -> Markup:
    """Return each metric's sorted scores of set 1 with set 2 over them (paper figs. 6, 7)."""
    intro = (
        "If the seed matters, the orange means of set 2 fall along with the blue line of set 1. "
        "If they lie flat, the order of set 1 was luck."
    )
    if not metrics:
        return part(
            "scores", "Does the order hold on new prompts?", gap("No metric of this bank says which way is better.")
        )
    figures = [
        tag(
            "figure",
            tag("h3", metric.name, tag("small", metric.better)),
            charts[metric.name],
            tag("figcaption", metric.about[:1].upper() + metric.about[1:] or None, _means(metric)),
            class_="chart",
        )
        for metric in metrics
    ]
    few = len(metrics[0].selection) < FEW
    legend = tag(
        "p",
        tag("span", "set 1, which the seeds are sorted by", class_="key first"),
        tag(
            "span",
            f"set 2, held out: dots are seeds{'' if few else ', the line their running mean'}",
            class_="key second",
        ),
        class_="legend",
    )
    return part(
        "scores", "Does the order hold on new prompts?", legend, tag("div", *figures, class_="charts"), intro=intro
    )


def _means(metric: Metric) -> str:
    held_out = "" if metric.held_out is None else f", set 2 {number(float(metric.held_out.mean()))}"
    stop = "." if metric.about and metric.about[-1:] not in ".!?" else ""
    chosen = number(float(metric.selection.mean()))
    return f"{stop} Mean of all seeds: set 1 {chosen}{held_out}; each set is drawn from its own mean."


def style_map(plan: Plan, pictures: Pictures, seeds: int) -> Markup:
    """Return all seeds in the plane of their style, with pictures (paper fig. 8)."""
    style, title = plan.style, "Map of styles"
    if style is None:
        return part("style", title, gap(plan.gaps["style"]))
    first, second = style.plane.shares
    intro = (
        f"Each dot is one of {count(seeds, 'seed')}. Those near each other are alike in colour and texture on "
        f"all prompts. The two directions hold {percent(first)} and {percent(second)} of all differences in style."
    )
    images = [_pin(style, position, seed, pictures) for position, seed in style.shown]
    shown = [image for image in images if image is not None]
    under = tag("figcaption", f"Pictures of “{_cut(style.prompt)}”, the prompt that follows the map most closely.")
    body = tag("div", _dots(style.plane), *shown, class_="map")
    return part("style", title, tag("figure", body, under if shown else None), intro=intro)


def pin_place(plane: Plane, position: int) -> tuple[float, float]:
    """Return the middle of a seed's picture on the map, as shares of its width and height."""
    x, y = plane.points[position]
    return MAP_WIDTH / 2 + float(x) * (1 - MAP_WIDTH), MAP_HEIGHT / 2 + float(y) * (1 - MAP_HEIGHT)


def _pin(style: StyleMap, position: int, seed: int, pictures: Pictures) -> Markup | None:
    uri = pictures.uri(style.prompt, seed)
    if uri is None:
        return None
    x, y = pin_place(style.plane, position)
    image = tag("img", src=uri, alt=f"seed {seed}", title=f"seed {seed}", data_seed=seed)
    return tag("span", image, tag("b", str(seed)), class_="pin", style=f"left:{100 * x:.2f}%;top:{100 * y:.2f}%")


def _dots(plane: Plane) -> Markup:
    step = max(1, len(plane.points) // _MOST_DOTS)
    radius = 0.34 if len(plane.points) > 200 else 0.8
    circles = []
    for position in range(0, len(plane.points), step):
        x, y = pin_place(plane, position)
        circles.append(tag("circle", cx=f"{100 * x:.1f}", cy=f"{75 * y:.1f}", r=radius))
    return tag("svg", *circles, viewBox="0 0 100 75", role="img", aria_label="All seeds on the map of styles")


def traits(plan: Plan, pictures: Pictures) -> Markup:
    """Return galleries of the seeds in which each trait is strongest (paper fig. 9)."""
    title = "Strongest traits"
    if not plan.traits:
        return part("traits", title, gap(plan.gaps["traits"]))
    sheets = [_gallery(sheet, pictures) for sheet in plan.traits]
    intro = "For each trait, up to three seeds that show it most often, whatever the prompt asks for."
    return part("traits", title, tag("div", *sheets, class_="galleries"), intro=intro)


def diverse_sets(plan: Plan, pictures: Pictures, table: Markup | None) -> Markup:
    """Return random beside diverse sets of seeds, and table 2."""
    title = "Diverse seeds against random seeds"
    body: list[Child] = [table if table is not None else gap("The bank holds no gain in variety.")]
    if not plan.diverse:
        body.append(gap(plan.gaps["diverse"]))
    elif len(pictures):
        body.append(tag("div", *(_gallery(sheet, pictures) for sheet in plan.diverse), class_="galleries"))
    else:
        sets = plan.diverse[0].rows
        body += [tag("p", f"{row.title}: {', '.join(row_seeds(row))}.", class_="seeds") for row in sets]
    intro = (
        "A diverse set is picked by farthest point sampling on the features of set 1; "
        "each set here begins with the same seed."
    )
    return part("diverse", title, *body, intro=intro)


def row_seeds(row: Row) -> list[str]:
    """Return the row's seeds as text."""
    return [str(cell.seed) for cell in row.cells]


def composition(plan: Plan, pictures: Pictures, charts: Mapping[str, Markup]) -> Markup:
    """Return the composition map of each object, with the seeds at its ends (paper fig. 10)."""
    title = "Map of compositions"
    if not plan.composition:
        return part("composition", title, gap(plan.gaps["composition"]))
    panels = [
        tag(
            "figure",
            tag("h3", _cut(panel.name), tag("small", f"mean over {count(panel.prompts, 'prompt')}")),
            tag("div", charts[f"composition {panel.name}"], _strip(panel.row.cells, pictures), class_="duo"),
            tag("figcaption", f"Pictures of “{_cut(panel.row.note)}”.") if len(pictures) else None,
            class_="panel",
        )
        for panel in plan.composition
    ]
    intro = (
        "Each dot is a seed: where its object stands in the picture on average, and how large it is. "
        "The marked seeds lie at the ends."
    )
    return part("composition", title, tag("div", *panels, class_="panels"), intro=intro)


def _gallery(sheet: Sheet, pictures: Pictures) -> Markup:
    head = tag("h3", _cut(sheet.title).replace("_", " "), tag("small", sheet.note) if sheet.note else None)
    same = len({tuple(cell.caption for cell in row.cells) for row in sheet.rows}) == 1
    return tag("div", head, *(_row(row, pictures) for row in sheet.rows), class_="sheet same" if same else "sheet")


def _row(row: Row, pictures: Pictures) -> Markup:
    who = tag("div", tag("b", row.title), *(tag("span", line) for line in row.note.split("\n") if line), class_="who")
    return tag("div", who, _strip(row.cells, pictures), class_="row")


def _strip(cells: tuple[Cell, ...], pictures: Pictures) -> Markup | None:
    shown = [
        tag(
            "figure",
            tag("figcaption", _cut(cell.caption), title=cell.caption),
            tag(
                "img",
                src=uri,
                alt=f"seed {cell.seed}: {_cut(cell.prompt)}",
                title=f"seed {cell.seed}: {cell.prompt}",
                data_seed=cell.seed,
            ),
        )
        for cell in cells
        if (uri := pictures.uri(cell.prompt, cell.seed)) is not None
    ]
    if not shown:
        return None
    columns = len(cells)
    return tag("div", *shown, class_="strip", style=f"--n:{columns};--m:{columns if columns < 5 else 3}")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def tables(*found: Markup | None) -> Markup:
    """Return the tables that are there."""
    return join(*(tag("div", each, class_="table") for each in found if each is not None))


def seeds_listed(bank: Bank) -> str:
    """Return the bank's seeds in short: a range where they are one."""
    seeds = bank.seeds
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]}–{seeds[-1]}"
    return ", ".join(str(seed) for seed in seeds[:12]) + (f" and {len(seeds) - 12:,} more" if len(seeds) > 12 else "")
