"""A comparison as one HTML page, with the pictures in it and nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goodseed import __version__
from goodseed.markup import Markup, join, tag
from goodseed.panel.picture import Picture
from goodseed.panel.pieces import CHANGED, ONLY_A, SAME
from goodseed.panel.pixels import heat_image
from goodseed.panel.report import MOST_VALUES, Comparison, distance, verdict, visible
from goodseed.provenance.summary import source_name
from goodseed.thumbnails import data_uri, small

STYLES = (Path(__file__).parents[1] / "report" / "style.css", Path(__file__).with_name("page.css"))
SIDE = 512
"""The longer side of an embedded picture, in pixels."""


def page(found: Comparison, a: Picture, b: Picture) -> str:
    """Return a comparison as an HTML document; what the pictures say is text in it, never markup."""
    title = f"{a.name} and {b.name}"
    body = join(
        tag(
            "header",
            tag("p", "Good Seed", tag("span", "two pictures compared"), class_="mark"),
            tag("h1", title),
            tag("div", tag("h2", verdict(found)), tag("p", distance(found["pixels"])), class_="verdict"),
        ),
        tag("main", _pictures(found, a, b), _stages(found), _causes(found), _values(found), _notes(found)),
        tag("footer", tag("p", f"Made by Good Seed {__version__}.")),
    )
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · Good Seed"),
        tag("style", Markup("\n".join(path.read_text(encoding="utf-8") for path in STYLES))),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', body), lang='en')}\n"


def _pictures(found: Comparison, a: Picture, b: Picture) -> Markup:
    figures = [_figure(letter, picture, found[letter.lower()]) for letter, picture in (("A", a), ("B", b))]
    pixels = found["pixels"]
    if pixels and pixels["same_size"] and pixels["largest"]:
        image, largest = heat_image(a, b)
        words = tag("figcaption", tag("b", "Difference"), f" black is none, the lightest colour {largest} of 255")
        uri = data_uri(small(image, SIDE))
        figures.append(tag("figure", tag("img", src=uri, alt="Heat map of the difference"), words))
    return tag("section", tag("div", *figures, class_="pair"))


def _figure(letter: str, picture: Picture, side: dict[str, Any]) -> Markup:
    image = picture.reading.image
    shown = tag("img", src=data_uri(small(image, SIDE)), alt=f"Picture {letter}") if image is not None else None
    size = f"{side['width']}×{side['height']} {side['format']}, " if side["format"] else ""
    words = f"{size}says of itself: {source_name(side['source'])}"
    sha256 = tag("code", side["pixels_sha256"]) if side["pixels_sha256"] else None
    return tag("figure", shown, tag("figcaption", tag("b", f"{letter} · {picture.name}"), f" {words} ", sha256))


def _stages(found: Comparison) -> Markup | None:
    if all(stage["same"] is None for stage in found["stages"]):
        return None
    items = [_stage(stage) for stage in found["stages"]]
    return tag("section", tag("h2", "Where the images part"), tag("ol", *items, class_="ladder"))


def _stage(stage: dict[str, Any]) -> Markup:
    run = f" of run {stage['run']}" if stage["run"] and stage["run"] > 1 else ""
    state = {True: "same", False: "differs", None: "not observed"}[stage["same"]]
    apart = f", distance {stage['distance']:.2g}" if stage["distance"] else ""
    name = tag("b", stage["stage"].replace("_", " ") + run)
    return tag("li", name, tag("span", f"{state}{apart}"), class_=state.replace(" ", "-"))


def _causes(found: Comparison) -> Markup | None:
    if not found["causes"]:
        return None
    items = [_cause(cause) for cause in found["causes"]]
    return tag("section", tag("h2", "What differs, the likeliest cause first"), tag("ol", *items, class_="causes"))


def _cause(cause: dict[str, Any]) -> Markup:
    pieces = tag("p", *map(_piece, cause["prompt"]), class_="text") if cause["prompt"] else None
    fix = tag("p", tag("b", "Fix"), f" {cause['fix']}", class_="fix")
    words = tag("p", tag("b", cause["cause"]), f" {visible(cause['why'])}")
    return tag("li", words, pieces, fix, class_=cause["evidence"].replace(" ", "-"))


def _piece(piece: dict[str, Any]) -> Markup:
    """Return a piece of two texts: what only A has struck out, what only B has marked, names of what is not seen."""
    if piece["kind"] == SAME:
        return tag("span", visible(piece["a"]))
    old = tag("del", _seen(piece["a"])) if piece["kind"] in (CHANGED, ONLY_A) else None
    new = tag("ins", _seen(piece["b"])) if piece["kind"] != ONLY_A else None
    names = tag("small", f" {', '.join(piece['names'])} ") if piece["names"] else None
    return join(old, new, names)


def _seen(text: str) -> str:
    """Return a changed text so that blanks alone are seen too."""
    return visible(text) if text.strip() else visible(text.replace(" ", "␣").replace("\n", "↵"))


def _values(found: Comparison) -> Markup | None:
    rows = [row for row in found["values"] if row["same"] is not True][:MOST_VALUES]
    if not rows:
        return None
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in ("Value", "A", "B"))))
    table = tag("table", head, tag("tbody", *_rows(rows)), class_="values")
    return tag("section", tag("h2", "Values that are not the same"), tag("div", table, class_="table"))


def _rows(rows: list[dict[str, Any]]) -> Iterator[Markup]:
    group = ""
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            yield tag("tr", tag("th", group.capitalize(), colspan="3", scope="colgroup"), class_="group")
        cells = [tag("td", visible(row[part] or "—"), data_label=part.upper()) for part in ("a", "b")]
        yield tag("tr", tag("td", row["name"]), *cells)


def _notes(found: Comparison) -> Markup | None:
    sides = [f"{letter.upper()}: {note}" for letter in ("a", "b") for note in found[letter]["notes"]]
    notes = [*found["notes"], *sides]
    return tag("section", tag("h2", "Notes"), tag("ul", *(tag("li", note) for note in notes))) if notes else None
