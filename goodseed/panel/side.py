"""One picture as the panel shows it: what it is, and what it says of how it was made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goodseed.panel.picture import Picture
from goodseed.provenance.record import GRAPH, UNKNOWN, Record
from goodseed.provenance.summary import rows

LONGEST_TEXT = 4000
_KNOWN = {GRAPH: "read", "": UNKNOWN}
_NAMES = {"positive prompt": "prompt"}
_WHOLE_MODELS = ("checkpoints", "diffusion_models", "unet", "unet_gguf", "diffusers")

Fact = dict[str, str]


def side(picture: Picture) -> dict[str, Any]:
    """Return a picture's description as JSON."""
    reading = picture.reading
    width, height = reading.size
    return {
        "name": picture.name,
        "source": reading.source,
        "format": reading.format,
        "width": width,
        "height": height,
        "pixels_sha256": (reading.pixels or {}).get("sha256"),
        "has_workflow": reading.workflow is not None,
        "has_graph": graph_in(picture) is not None,
        "notes": list(reading.notes),
        "facts": list(facts(reading.record)) if reading.record is not None else [],
    }


def graph_in(picture: Picture) -> dict[str, Any] | None:
    """Return the graph in API format that a picture holds: the one that ran, or else that of its record."""
    from goodseed.provenance.recipe import prompt_of

    reading = picture.reading
    if reading.prompt is not None:
        return reading.prompt
    recipe = (reading.record or {}).get("recipe")
    return prompt_of(recipe) if recipe else None


def workflow_in(picture: Picture) -> dict[str, Any]:
    """Return what is to be opened: the workflow of the front end, and the graph in API format; null where missing."""
    return {"workflow": picture.reading.workflow, "prompt": graph_in(picture)}


def facts(record: Record) -> Iterator[Fact]:
    """Yield what a record says, for people: width and height as one, the model by its files' names."""
    width = ""
    models = [model for model in record["models"] if model["role"] in _WHOLE_MODELS]
    for name, value, how in rows(record, LONGEST_TEXT):
        if name == "model" and models:
            value, how = ", ".join(dict.fromkeys(str(model["name"]) for model in models)), GRAPH
        elif name == "width":
            width = value
            continue
        elif name == "height":
            name, value = "size", f"{width or '?'}×{value or '?'}" if width or value else ""
        yield {"name": _NAMES.get(name, name), "value": value, "known": _KNOWN.get(how, how)}
