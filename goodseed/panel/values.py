"""Every value of two pictures side by side, the same ones too, in groups that people look for them in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from goodseed.panel.picture import Picture
from goodseed.panel.side import LONGEST_TEXT
from goodseed.provenance.diff.compare import Compared
from goodseed.provenance.diff.nodes import Recipes
from goodseed.provenance.diff.values import known_value, mappings, same

PROMPTS, SAMPLING, MODELS, ENVIRONMENT, GRAPH, IMAGE = "prompts", "sampling", "models", "environment", "graph", "image"
_SAMPLING = ("seed", "sampler", "scheduler", "steps", "cfg", "denoise", "width", "height")
_ROLES = {"positive": "prompt", "negative": "negative prompt", "other": "other text"}
_DIGITS = 12

Row = dict[str, Any]
Values = Mapping[str, Any]


def value_rows(a: Picture, b: Picture, compared: Compared) -> list[Row]:
    """Return a row for each value that one of two pictures has; `same` is None where only one has it."""
    first, second = (picture.reading.record or {} for picture in (a, b))
    found: list[Row] = []
    for group, named in (
        (PROMPTS, _prompts),
        (SAMPLING, _sampling),
        (MODELS, _models),
        (ENVIRONMENT, _environment),
    ):
        found += _side_by_side(group, named(first), named(second))
    if compared.recipes is not None:
        found += _graph(compared.recipes)
    return [*found, *_side_by_side(IMAGE, _image(a), _image(b))]


def text_of(value: Any) -> str:
    """Return a value as text, shortened where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"


def _side_by_side(group: str, a: Values, b: Values) -> Iterator[Row]:
    for name in [*a, *(name for name in b if name not in a)]:
        yield _row(group, name, a.get(name), b.get(name))


def _row(group: str, name: str, a: Any, b: Any) -> Row:
    texts = [None if value is None else text_of(value) for value in (a, b)]
    alike = same(a, b) if a is not None and b is not None else None
    return {"group": group, "name": name, "a": texts[0], "b": texts[1], "same": alike}


def _prompts(record: Values) -> Values:
    texts = ((_ROLES.get(str(prompt.get("role")), "text"), prompt.get("text")) for prompt in _parts(record, "prompts"))
    return _numbered(texts)


def _sampling(record: Values) -> Values:
    values = record.get("tuple")
    found = {name: known_value(values, name)[0] for name in _SAMPLING}
    return {name: value for name, value in found.items() if value is not None}


def _models(record: Values) -> Values:
    """Return model files and the files that the graph loads by their role, then the adapters' weights."""
    named = [(str(model.get("role")), _file(model, str(model.get("name")))) for model in _parts(record, "models")]
    named += [
        (f"{entry.get('folder')} file", _file(entry, str(entry.get("file")))) for entry in _parts(record, "inputs")
    ]
    adapters = known_value(record.get("tuple"), "adapters")[0]
    for adapter in mappings(adapters):
        for part in ("strength_model", "strength_clip"):
            if adapter.get(part) is not None:
                named.append((f"{adapter.get('name') or 'adapter'}: {part}", adapter[part]))
    return _numbered(named)


def _file(entry: Values, name: str) -> str:
    digest = known_value(entry, "sha256")[0] or entry.get("short_hash") or ""
    return f"{name} {str(digest)[:_DIGITS]}".strip()


def _environment(record: Values) -> Values:
    environment = record.get("environment")
    names = environment if isinstance(environment, Mapping) else {}
    found = {str(name): known_value(environment, name)[0] for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _image(picture: Picture) -> Values:
    reading = picture.reading
    found: dict[str, Any] = {"made by": reading.source, "format": reading.format or None}
    if reading.size != (0, 0):
        found["size"] = f"{reading.size[0]}×{reading.size[1]}"
    found["pixels"] = (reading.pixels or {}).get("sha256")
    batch = (reading.record or {}).get("batch")
    if isinstance(batch, Mapping):
        found["item of its batch"] = f"{batch['index'] + 1} of {batch['size']}"
    return {name: value for name, value in found.items() if value is not None}


def _graph(recipes: Recipes) -> Iterator[Row]:
    """Yield the literal inputs of matched nodes, then the nodes that only one graph has."""
    for x, y in recipes.matching.pairs.items():
        first, second = recipes.a.nodes[x], recipes.b.nodes[y]
        for name in sorted(first.literals.keys() | second.literals.keys()):
            yield _row(GRAPH, f"{recipes.label(x, y)}: {name}", first.literals.get(name), second.literals.get(name))
    for keys, places, in_a in (
        (recipes.matching.removed, recipes.places_a, True),
        (recipes.matching.added, recipes.places_b, False),
    ):
        for key in keys:
            row = _row(GRAPH, places.label(key), *(("present", None) if in_a else (None, "present")))
            yield {**row, "same": False}


def _numbered(named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return values by name, each name once: "vae", "vae 2" …"""
    found: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for name, value in named:
        counts[name] = counts.get(name, 0) + 1
        found[name if counts[name] == 1 else f"{name} {counts[name]}"] = value
    return found


def _parts(record: Values, name: str) -> Iterator[Values]:
    return mappings(record.get(name))
