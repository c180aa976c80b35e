"""The report's section on text that seeds leave in holes; there is none where the bank measured no inpainting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from goodseed.markup import Markup, tag
from goodseed.report import sections, tables
from goodseed.report.data import Metric, section
from goodseed.report.numbers import count, finite, number, percent, percent_span, read_interval, span

if TYPE_CHECKING:
    from goodseed.banks.format import Bank

NAME, TITLE = "text", "Text by seed"
_SHOWN = 5
"""Seeds shown at each end."""


def text_metrics(bank: Bank) -> list[Metric]:
    """Return the share of text of each task as something to be sorted by."""
    return [
        Metric(
            f"text, {task}",
            "lower",
            f"share of the hole that text covers; {section(bank.info, 'inpaint', 'tasks', task).get('about', '')}",
            bank.text_share(task).astype(np.float64),
            bank.text_share(task, held_out=True).astype(np.float64),
        )
        for task in bank.tasks
    ]


def text_section(bank: Bank, charts: Mapping[str, Markup]) -> Markup | None:
    """Return the section, or None for a bank without an inpainting part."""
    metrics = text_metrics(bank)
    if not metrics:
        return None
    inpaint = section(bank.info, "inpaint")
    pairs = [finite(section(inpaint, "pairs", which).get("count")) for which in ("selection", "held_out")]
    reader = section(inpaint, "reader")
    intro = (
        f"Each seed filled the holes of {number(pairs[0], 0)} pictures (set 1) and {number(pairs[1], 0)} others "
        f"(set 2, held out); {reader.get('name')} ({reader.get('version')}) read what stood in them."
    )
    figures = [tag("figure", tag("h3", m.name), charts[m.name], class_="chart") for m in metrics]
    return sections.part(
        NAME,
        TITLE,
        *(sections.gap(line) for line in _cautions(bank)),
        tag("div", *figures, class_="charts"),
        sections.tables(_reliability(bank), *(_extremes(bank, metric) for metric in metrics)),
        intro=intro,
    )


def _cautions(bank: Bank) -> list[str]:
    found = []
    for task in bank.tasks:
        icc = read_interval(section(bank.info, "reliability", "inpaint", task).get("icc"))
        if icc is not None and icc.low <= 0:
            found.append(f"In {task} no sure effect of the seed on text was found: its share reaches 0.")
    return found


def _reliability(bank: Bank) -> Markup | None:
    rows = [row for task in bank.tasks if (row := _row(bank, task)) is not None]
    return tables.table("How far the seed decides, and what clean seeds gain on set 2", rows, (1, 2)) if rows else None


def _row(bank: Bank, task: str) -> tables.Row | None:
    found = section(bank.info, "reliability", "inpaint", task)
    between = section(found, "rank_correlation")
    chance = {"value": 0.0, "low": between.get("chance_low"), "high": between.get("chance_high")}
    icc, correlation, by_chance = read_interval(found.get("icc")), read_interval(between), read_interval(chance)
    gain = read_interval(found.get("gain"), "gain")
    if icc is None or correlation is None or by_chance is None or gain is None:
        return None
    entry = section(found, "gain")
    seeds = count(int(finite(entry.get("k")) or 0), "seed")
    clean, every = (percent(finite(entry.get(key))) for key in ("golden", "all"))
    return (
        ("Task", task),
        ("Seed’s share (ICC)", tag("span", percent(icc.value), tag("small", percent_span(icc)))),
        ("Rank correlation of the sets", tag("span", number(correlation.value, 2), tag("small", span(correlation, 2)))),
        ("By chance", span(by_chance, 2)),
        (f"Text of the {seeds} with least", f"{clean} against {every} of all"),
        ("Less by", tag("span", percent(gain.value), tag("small", percent_span(gain)))),
    )


def _extremes(bank: Bank, metric: Metric) -> Markup:
    order = [int(position) for position in metric.order()]
    shown = min(_SHOWN, len(order) // 2)
    rows: list[tables.Row] = []
    for heading, positions in (("least text", order[:shown]), ("most text", order[len(order) - shown :])):
        for position in positions:
            held_out = None if metric.held_out is None else float(metric.held_out[position])
            rows.append(
                (
                    ("Seed", str(bank.seeds[position])),
                    ("Set 1", percent(float(metric.selection[position]))),
                    ("Set 2", percent(held_out)),
                    ("", heading),
                )
            )
    return tables.table(f"Seeds with the least and the most {metric.name}: share of the hole", rows, (1, 2))
