"""The report's section with the maps: plain plots in the page, and what the script needs to make them answer."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.markup import Markup, tag
from goodseed.report import sections
from goodseed.report.maps import SIDE, STEPS, Column, Maps, Mark, SeedMap
from goodseed.report.numbers import count, number, percent

NAME, TITLE = "maps", "Every seed on maps"
SCRIPT = Path(__file__).with_name("maps.js")
STYLE = Path(__file__).with_name("maps.css")

_LETTER = 19
"""Width of a digit beside a seed."""
_ORDER = (3, 2, 4, 1, 5, 0, 6)
"""Colours from the first drawn to the last: the ends of the scale lie on top."""


def script() -> str:
    """Return the maps' script, as it stands in the page."""
    return f"\n{SCRIPT.read_text(encoding='utf-8')}"


def script_hash() -> str:
    """Return the script's hash, by which a page allows this script and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()}"


def maps_section(maps: Maps) -> Markup:
    """Return the section; without features it says what there is not."""
    gaps = [sections.gap(line) for line in maps.gaps]
    if not maps.maps:
        return sections.part(NAME, TITLE, *gaps)
    intro = (
        "Each dot is a seed. PCA shows the two directions in which seeds differ most; t-SNE keeps seeds near each "
        "other that are alike, and gives up all else. Both rest on the prompts of set 1."
    )
    first = maps.columns[0] if maps.columns else None
    figures = [_figure(maps, number_, found, first) for number_, found in enumerate(maps.maps)]
    atlas = tag(
        "div",
        _tools(maps) if first else None,
        _legend(maps, first),
        tag("div", *figures, class_="plots"),
        tag("div", class_="one-seed", tabindex=0, role="region", aria_label="The seed that is lit", hidden="hidden"),
        class_="atlas",
    )
    few = _few(maps) if len(maps.seeds) < maps.total else None
    data = tag("script", _data(maps), type="application/json", id=f"{NAME}-data")
    return sections.part(NAME, TITLE, *gaps, sections.gap(few) if few else None, atlas, data, intro=intro)


def _few(maps: Maps) -> str:
    """Say which seeds are drawn where not all are."""
    even = f"{len(maps.seeds) - maps.added:,} evenly spread over the bank"
    picks = f", and {count(maps.added, 'diverse one')} besides" if maps.added else ""
    return f"Drawn are {len(maps.seeds):,} of {maps.total:,} seeds: {even}{picks}. The legend counts those drawn."


def _tools(maps: Maps) -> Markup:
    """Return what works with the script only, and is hidden without it."""
    options = [tag("option", column.name, value=place) for place, column in enumerate(maps.columns)]
    return tag(
        "div",
        tag("label", "Colour by", tag("select", *options, class_="by")),
        tag(
            "label", "Find a seed", tag("input", type="search", inputmode="numeric", class_="find", autocomplete="off")
        ),
        tag("p", role="status", class_="said"),
        class_="tools",
        hidden="hidden",
    )


def _legend(maps: Maps, column: Column | None) -> Markup:
    scale = None
    if column is not None:
        swatches = [tag("i", class_=f"b{step}") for step in range(STEPS)]
        scale = tag(
            "p",
            tag("b", column.name, class_="name"),
            tag("span", column.low, class_="low"),
            tag("span", *swatches, aria_hidden="true", class_="swatches"),
            tag("span", column.high, class_="high"),
            class_=f"scale {_ramp(column)}",
        )
    keys = [
        tag("span", f"{mark.name}: {mark.about} ({count(len(mark.members), 'seed')})", class_=f"key {mark.shape}")
        for mark in maps.marks
    ]
    return tag("div", scale, tag("p", *keys, class_="legend") if keys else None, class_="keys")


def _ramp(column: Column | None) -> str:
    return "plain" if column is None else "two" if column.two_sided else "one"


def _figure(maps: Maps, place: int, found: SeedMap, column: Column | None) -> Markup:
    plot = tag("div", _svg(maps, place, found, column), class_="plot", data_feature=found.feature)
    return tag("figure", tag("h3", found.name), plot, tag("figcaption", _caption(found)), class_="chart")


def _caption(found: SeedMap) -> str:
    """Return what is known of a map, and what must not be read from it."""
    lines = []
    if found.shares is not None:
        first, second = found.shares
        lines.append(
            f"The directions hold {percent(first)} and {percent(second)} of all differences in {found.feature}; "
            f"two at random hold {percent(found.by_chance)}."
        )
    else:
        lines.append(
            f"Perplexity {number(found.perplexity, 0)}. Only who is near whom can be read here: the distances between "
            "groups, their sizes and the axes mean nothing."
        )
    trust = found.trust
    held_out = "" if trust.held_out is None else f", against set 2 {number(trust.held_out, 2)}"
    lines.append(
        f"Trustworthiness of the nearest {count(trust.neighbours, 'seed')} (at best 1): {number(trust.value, 2)}"
        f"{held_out}, by chance {number(trust.chance, 2)}."
    )
    return " ".join(lines)


def _svg(maps: Maps, place: int, found: SeedMap, column: Column | None) -> Markup:
    size = 24 if len(found.places) < 100 else 18 if len(found.places) < 400 else 13
    own = [mark for mark in maps.marks if found.feature in mark.features and mark.members]
    frames = [_frame(f"{NAME}-{place}-{mark.shape}", mark, found, size) for mark in own if mark.shape != "diamond"]
    steps = np.zeros(len(found.places), np.int64) if column is None else column.steps
    dots = [tag("path", class_=f"b{step}", d=_dots(found, np.flatnonzero(steps == step))) for step in _ORDER]
    named = [_named(maps, mark, found, size) for mark in own if mark.shape == "diamond"]
    title = f"{found.name}: {count(len(found.places), 'seed')}"
    return tag(
        "svg",
        *frames,
        tag("g", *dots, class_=f"dots {_ramp(column)}", stroke_width=size),
        *named,
        *(tag("g", tag("circle", r=size + 6), tag("text"), class_=name) for name in ("lit", "kept")),
        viewBox=f"0 0 {SIDE} {found.height}",
        role="img",
        aria_label=title,
    )


def _dots(found: SeedMap, members: Sequence[int] | np.ndarray) -> str:
    """Return a path of dots: a stroke of no length has the round ends of a dot."""
    return "".join(f"M{x} {y}h.1" for x, y in found.places[list(members)])


def _frame(name: str, mark: Mark, found: SeedMap, size: int) -> Markup:
    """Return outlines around seeds: wide dots, and less wide ones of the paper's colour over them."""
    wide = {"ring": 16, "square": 24}[mark.shape]
    outer = tag("g", tag("path", id=name, d=_dots(found, mark.members)), stroke_width=size + wide, class_="outer")
    inner = tag("g", tag("use", href=f"#{name}"), stroke_width=size + wide - 8, class_="inner")
    return tag("g", outer, inner, class_=mark.shape)


def _named(maps: Maps, mark: Mark, found: SeedMap, size: int) -> Markup:
    """Return diamonds with their seeds beside them."""
    reach = size + 4
    pieces = []
    for member in mark.members:
        x, y = (int(part) for part in found.places[member])
        right = x + reach + _LETTER * len(str(maps.seeds[member])) > SIDE
        pieces.append(tag("path", d=f"M{x} {y - reach}l{reach} {reach}l-{reach} {reach}l-{reach}-{reach}z"))
        beside = x - reach - 6 if right else x + reach + 6
        pieces.append(tag("text", str(maps.seeds[member]), x=beside, y=y + 11, text_anchor="end" if right else None))
    return tag("g", *pieces, class_=mark.shape)


def _data(maps: Maps) -> Markup:
    """Return what the script reads, as JSON that no text can end; seeds as texts, for they are larger than its numbers.

    The places are not in it: the script reads them from the dots, whose order follows from the first column's colours.
    """
    columns: list[dict[str, Any]] = [
        {
            "name": column.name,
            "unit": column.unit,
            "decimals": column.decimals,
            "steps": "".join(str(step) for step in column.steps),
            "values": _rounded(column.values, column.decimals),
            "held": None if column.held_out is None else _rounded(column.held_out, column.decimals),
            "low": column.low,
            "high": column.high,
            "ramp": _ramp(column),
        }
        for column in maps.columns
    ]
    marks = [{"name": mark.name, "members": list(mark.members)} for mark in maps.marks]
    data = {"seeds": " ".join(str(seed) for seed in maps.seeds), "columns": columns, "marks": marks}
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _rounded(values: np.ndarray, decimals: int) -> list[float | int]:
    """Return values as they are shown; whole numbers stay short."""
    return [int(value) if value == int(value) else value for value in (round(float(v), decimals) for v in values)]
