"""A comparison to keep or to pass on: as Markdown, or as one HTML file with the pictures in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from goodseed.errors import UploadError
from goodseed.panel.comparison import compare
from goodseed.panel.picture import Picture
from goodseed.provenance.diff.prompts import is_invisible
from goodseed.provenance.summary import source_name

ENDINGS = {"markdown": "md", "html": "html"}
MOST_VALUES = 500
"""Rows of values that a report shows."""
_LONGEST = 400
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~-])")

Comparison = dict[str, Any]


def report(a: Picture, b: Picture, kind: str) -> dict[str, str]:
    """Return the text of a report, and a name for its file.

    Raises:
        UploadError: when `kind` is neither markdown nor html.
    """
    if kind not in ENDINGS:
        raise UploadError(f"format: {kind[:20]!a} is none of {', '.join(ENDINGS)}")
    found = compare(a, b)
    if kind == "html":
        from goodseed.panel.page import page

        text = page(found, a, b)
    else:
        text = markdown(found)
    stems = "-".join(
        re.sub(r"[^A-Za-z0-9._-]+", "_", side.name.rpartition(".")[0])[:40] or "picture" for side in (a, b)
    )
    return {"text": text, "filename": f"goodseed-{stems}.{ENDINGS[kind]}"}


def verdict(found: Comparison) -> str:
    """Return in one sentence what a comparison says."""
    if found["same"]:
        return "Nothing that makes the image differs."
    count = len(found["causes"])
    named = f"{count} cause{'s' * (count != 1)} named" if count else "no cause can be named"
    if found["image_same"]:
        return f"The saved pixels are the same, though not all that they were made from: {named}."
    if found["image_same"] is None:
        return f"Whether the pixels are the same is not known; {named}."
    return f"The pixels differ; {named}."


def distance(pixels: dict[str, Any] | None) -> str:
    """Return in one sentence how far the pixels are apart, or nothing."""
    if pixels is None:
        return ""
    if not pixels["same_size"]:
        return "The pictures differ in size."
    if not pixels["largest"]:
        return "No pixel differs."
    return (
        f"Largest difference {pixels['largest']} of 255, mean {pixels['mean']:.3g}, "
        f"{100 * pixels['differing']:.3g} % of the pixels differ ({pixels['channels']})."
    )


def visible(text: str) -> str:
    """Return a text with its invisible characters by number, and shortened."""
    shown = "".join(f"‹U+{ord(letter):04X}›" if is_invisible(letter) and letter != "\n" else letter for letter in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}… ({len(text)} characters)"


def markdown(found: Comparison) -> str:
    """Return a comparison as Markdown; what the pictures say is text in it, never markup."""
    a, b = found["a"], found["b"]
    parts = [
        f"# {_plain(a['name'])} and {_plain(b['name'])}",
        _plain(" ".join(filter(None, (verdict(found), distance(found["pixels"]))))),
        _table(("", "A", "B"), _pictures(a, b)),
    ]
    if found["causes"]:
        parts += ["## What differs, the likeliest cause first", "\n".join(_causes(found["causes"]))]
    stages = [stage for stage in found["stages"] if stage["same"] is not None]
    if stages:
        parts += ["## Stages", _table(("run", "stage", "", "relative distance"), map(_stage, stages))]
    rows = [row for row in found["values"] if row["same"] is not True][:MOST_VALUES]
    if rows:
        parts += ["## Values", _table(("", "", "A", "B"), ([row[part] for part in _COLUMNS] for row in rows))]
    notes = [*found["notes"], *a["notes"], *b["notes"]]
    if notes:
        parts += ["## Notes", "\n".join(f"- {_plain(note)}" for note in notes)]
    return "\n\n".join(parts) + "\n"


_COLUMNS = ("group", "name", "a", "b")


def _stem(picture: Picture) -> str:
    """Return the start of a picture's name, of letters that every system's file names can have."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", picture.name.rpartition(".")[0])[:40] or "picture"


def _pictures(a: dict[str, Any], b: dict[str, Any]) -> Iterator[list[str]]:
    yield ["name", a["name"], b["name"]]
    yield ["says how it was made", source_name(a["source"]), source_name(b["source"])]
    yield ["size", *(f"{side['width']}×{side['height']}" if side["width"] else "" for side in (a, b))]
    yield ["format", a["format"], b["format"]]
    yield ["pixels' sha256", a["pixels_sha256"], b["pixels_sha256"]]


def _causes(causes: Iterable[dict[str, Any]]) -> Iterator[str]:
    for number, cause in enumerate(causes, 1):
        yield f"{number}. **{_plain(cause['cause'])}**: {_plain(cause['why'])}  "
        yield f"   Fix: {_plain(cause['fix'])}"


def _stage(stage: dict[str, Any]) -> list[str]:
    apart = f"{stage['distance']:.2g}" if stage["distance"] else ""
    return [str(stage["run"] or ""), stage["stage"].replace("_", " "), "same" if stage["same"] else "differs", apart]


def _table(head: Iterable[str], rows: Iterable[Iterable[str | None]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *([_plain(cell or "") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Return a text for Markdown, on one line, with nothing in it that is markup there or in HTML."""
    line = " ".join(visible(text).split())
    safe = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", safe)
