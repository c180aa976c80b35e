"""The report's tables: golden and random, diverse and random, shares of variance, agreement, overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from goodseed.markup import Child, Markup, join, tag
from goodseed.report.data import section
from goodseed.report.numbers import (
    count,
    decimals_for,
    finite,
    interval_decimals,
    number,
    percent,
    percent_span,
    read_interval,
    span,
)
from goodseed.report.verdict import icc_of, plain, standing
from goodseed.stats import Interval

if TYPE_CHECKING:
    from goodseed.banks.format import Bank

_WORDS = {"better": "better", "worse": "worse", "unclear": "no clear difference"}
_RULES = {
    "paper": "in the best quarter by every metric",
    "rank-sum": "the smallest sums of ranks",
    "pareto": "those that no other seed beats in every metric, front after front",
}
Row = Sequence[tuple[str, Child]] | Markup
"""Cells under their headings, or the heading of a group of rows."""

_EXPLAINED = {
    "centroid_x": "where the object stands, across",
    "centroid_y": "where the object stands, up and down",
    "size": "how large the object is",
}


def golden_table(bank: Bank) -> Markup | None:
    """Return table 1, golden seeds against all seeds on the held-out prompts, or None without figures."""
    rules = section(bank.info, "reliability", "golden_gain")
    found: dict[str, dict[str, Interval]] = {}
    for rule in [*(name for name in _RULES if name in rules), *(name for name in rules if name not in _RULES)]:
        gains = {metric: read_interval(entry, "gain") for metric, entry in section(rules, rule).items()}
        sound = {metric: gain for metric, gain in gains.items() if gain is not None}
        if sound:
            found[rule] = sound
    every = [(metric, gain) for gains in found.values() for metric, gain in gains.items()]
    if not every:
        return None
    reach: dict[str, float] = {}
    for metric, gain in every:
        reach[metric] = max(reach.get(metric, 0.0), abs(gain.low), abs(gain.high))
    rows: list[Row] = []
    for rule, by_metric in found.items():
        size = finite(section(rules, rule, next(iter(by_metric))).get("k"))
        seeds = "" if size is None else f", {count(int(size), 'seed')}"
        rows.append(join(tag("b", f"{rule}{seeds}"), tag("span", _RULES.get(rule, f"the best by {rule} alone"))))
        rows += [
            _golden_row(metric, _direction(bank, metric), section(rules, rule, metric), gain, reach[metric])
            for metric, gain in by_metric.items()
        ]
    return table("Means on the prompts of set 2, by rule", rows, numeric=(1, 2))


def _golden_row(metric: str, direction: str, entry: Mapping[str, Any], gain: Interval, reach: float) -> Row:
    golden, every = finite(entry.get("golden")), finite(entry.get("all"))
    places = max(decimals_for(golden, every), decimals_for(reach, figures=2))
    return (
        ("Metric", tag("span", metric, tag("small", direction))),
        ("All seeds", number(every, places)),
        ("Golden", number(golden, places)),
        ("Gain, 95 % interval", _gain_cell(gain)),
        ("", bar(gain, -reach, reach, standing(gain))),
    )


def diverse_table(bank: Bank) -> Markup | None:
    """Return table 2, similarity within diverse and within random sets, or None without figures."""
    kinds = section(bank.info, "reliability", "diverse_gain")
    found = [(kind, section(kinds, kind), gain) for kind in kinds if (gain := read_interval(kinds[kind], "gain"))]
    if not found:
        return None
    reach = max(max(abs(gain.low), abs(gain.high)) for _, _, gain in found)
    rows = []
    for kind, entry, gain in found:
        random, diverse = finite(entry.get("random")), finite(entry.get("diverse"))
        places = max(3, interval_decimals(gain))
        rows.append(
            (
                ("By", kind),
                ("Seeds a set", number(finite(entry.get("n")), 0)),
                ("Random sets", number(random, places)),
                ("Diverse sets", number(diverse, places)),
                ("Gain, 95 % interval", _gain_cell(gain)),
                ("", bar(gain, -reach, reach, standing(gain))),
            )
        )
    return table("Similarity within sets of seeds, on held-out prompts: less is more varied", rows, numeric=(1, 2, 3))


def icc_table(bank: Bank) -> Markup | None:
    """Return the share of variance that the seed explains, for everything measured, or None without figures."""
    shares = icc_of(section(bank.info, "reliability"))
    if not shares:
        return None
    most = max(0.1, *(share.high for share in shares.values()))
    rows = []
    for name, share in shares.items():
        rows.append(
            (
                ("Measured", tag("span", plain(name), tag("small", _about(bank, name)))),
                ("Seed’s share", percent(share.value)),
                ("95 % interval", tag("span", percent_span(share), class_="quiet")),
                ("", bar(share, min(0.0, share.low), most, "better" if share.low > 0 else "unclear")),
            )
        )
    return table("Share of the differences between pictures of one prompt that is the seed’s own (ICC)", rows, (1,))


def agreement_table(bank: Bank) -> Markup | None:
    """Return how the two prompt sets' orders of the seeds agree, by metric, or None without figures."""
    found = {
        name: interval
        for name, entry in section(bank.info, "reliability", "rank_correlation").items()
        if (interval := read_interval(entry)) is not None
    }
    if not found:
        return None
    rows = [
        (
            ("Metric", name),
            ("Rank correlation", number(value.value, 2)),
            ("95 % interval", tag("span", span(value, 2), class_="quiet")),
            ("", bar(value, -1.0, 1.0, standing(value))),
        )
        for name, value in found.items()
    ]
    return table("Do the two prompt sets order the seeds alike? 1 is fully, 0 not at all", rows, (1,))


def overlap_table(bank: Bank) -> Markup | None:
    """Return how many seeds top lists share, beside what chance gives, or None without figures."""
    overlap = section(bank.info, "reliability", "overlap")
    lists = overlap.get("metrics")
    entries: list[tuple[str, Mapping[str, Any]]] = []
    if isinstance(lists, list) and len(lists) > 1:
        entries.append((" and ".join(str(name) for name in lists), overlap))
    between = section(overlap, "between_sets")
    entries += [(f"{name}: set 1 and set 2", section(between, name)) for name in between]
    rows = []
    for what, entry in entries:
        both = finite(entry.get("both"))
        chance = read_interval(
            {"value": entry.get("chance"), "low": entry.get("chance_low"), "high": entry.get("chance_high")}
        )
        if both is None or chance is None:
            continue
        side = "more than chance" if both > chance.high else "less than chance" if both < chance.low else "as by chance"
        rows.append(
            (
                ("Lists", what),
                ("On all of them", number(both, 0)),
                ("By chance", f"{number(chance.value, 1)} ({span(chance, 0)})"),
                ("", tag("span", side)),
            )
        )
    top = finite(overlap.get("top"))
    length = f" of the best {number(top, 0)}" if top is not None else ""
    return table(f"Seeds that top lists{length} share, beside what chance gives", rows, (1,)) if rows else None


def table(caption: str, rows: Sequence[Row], numeric: Sequence[int] = ()) -> Markup:
    """Return a table; each row is (column heading, content). On a phone each row becomes a small block."""
    first = next(row for row in rows if not isinstance(row, str))
    head = tag("tr", *(_head(label, index in numeric) for index, (label, _) in enumerate(first)))
    body = [_body_row(row, len(first), numeric) for row in rows]
    return tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))


def _body_row(row: Row, columns: int, numeric: Sequence[int]) -> Markup:
    if isinstance(row, str):
        return tag("tr", tag("th", row, colspan=columns, scope="rowgroup"), class_="group")
    cells = [
        tag("td", content, data_label=label or None, class_="n" if index in numeric else None)
        for index, (label, content) in enumerate(row)
    ]
    return tag("tr", *cells)


def bar(interval: Interval, low: float, high: float, tone: str) -> Markup:
    """Draw an interval on a line from `low` to `high`, with a mark at zero; the figures stand beside it in words."""
    reach = high - low or 1.0

    def place(value: float) -> str:
        return f"{min(100.0, max(0.0, 100 * (value - low) / reach)):.2f}%"

    width = f"{min(100.0, max(0.5, 100 * (interval.high - interval.low) / reach)):.2f}%"
    return tag(
        "span",
        tag("i", style=f"left:{place(0.0)}", class_="zero"),
        tag("i", style=f"left:{place(interval.low)};width:{width}", class_="range"),
        tag("i", style=f"left:{place(interval.value)}", class_="dot"),
        class_=f"bar {tone}",
        aria_hidden="true",
    )


def _head(label: str, numeric: bool) -> Markup:
    if not label:
        return tag("td")
    return tag("th", label, scope="col", class_="n" if numeric else None)


def _gain_cell(gain: Interval) -> Markup:
    places = interval_decimals(gain)
    side = standing(gain)
    return tag(
        "span",
        tag("b", number(gain.value, places, sign=True)),
        tag("span", f" {span(gain, places, sign=True)}", class_="quiet"),
        tag("small", _WORDS[side]),
    )


def _direction(bank: Bank, metric: str) -> str:
    direction = section(bank.info, "metrics", metric).get("direction")
    return f"{direction} is better" if direction in ("higher", "lower") else ""


def _about(bank: Bank, name: str) -> str:
    for kind in ("metrics", "traits", "features"):
        if about := section(bank.info, kind, name).get("about"):
            return str(about)
    return _EXPLAINED.get(name, "")


def how_many(bank: Bank) -> str:
    """Return the study's size in words."""
    images = finite(section(bank.info, "design").get("images"))
    prompts = sum(
        int(finite(section(bank.info, "prompts", which).get("count")) or 0) for which in ("selection", "held_out")
    )
    made = f", {number(images, 0)} pictures" if images is not None else ""
    return f"{count(len(bank.seeds), 'seed')} × {count(prompts, 'prompt')}{made}"
