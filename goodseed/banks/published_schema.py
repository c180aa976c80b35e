"""What must stand in a bank of figures that others published: a few seeds, and nothing that was measured.

Such a bank has `design.kind` published, one tensor, `seeds`, and all that is known in `published`; the parts of a
measured bank are there and empty. Nothing that is unknown is filled in, so no check of a measured bank is loosened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from goodseed.checks import Check, a_list, a_text, an_object, field_problems, is_int, is_number, shown
from goodseed.seeds import MAX_SEED

KIND = "published"
_SEED = re.compile(r"0|[1-9][0-9]{0,19}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_EMPTY = ("metrics", "traits", "features", "reliability")
_KEYS = frozenset(["schema", "id", "design", "model", "software", KIND, *_EMPTY])


def is_published(info: Mapping[str, Any]) -> bool:
    """Say whether a bank's metadata claims to be that of a published bank."""
    design = info.get("design")
    return isinstance(design, dict) and design.get("kind") == KIND


def published_problems(info: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each thing that is missing or wrong in a published bank's metadata."""
    for part in sorted(info.keys() - _KEYS):
        yield f"{shown(part)}: does not belong in a published bank, which knows nothing of it"
    yield from field_problems("model", info.get("model"), {"name": a_text})
    yield from field_problems("metadata", dict(info), {"software": an_object})
    for part in _EMPTY:
        if info.get(part) != {}:
            yield f"{part}: must be an empty object in a published bank, which measured nothing"
    found = info.get(KIND)
    fields: dict[str, Check] = {"source": a_text, "unknown": a_list, "metrics": an_object, "traits": an_object}
    problems = list(field_problems(KIND, found, fields))
    yield from problems
    if problems or not isinstance(found, dict):
        return
    for name in (*found["metrics"], *found["traits"]):
        if not _NAME.fullmatch(name):
            yield f"{KIND}: {shown(name)} is no name of lower-case letters, digits, - and _"
    for name, metric in found["metrics"].items():
        yield from _metric_problems(f"{KIND}.metrics.{shown(name)}", metric)
    for name, trait in found["traits"].items():
        where = f"{KIND}.traits.{shown(name)}"
        yield from field_problems(where, trait, {"about": a_text, "seeds": a_list})
        seeds = trait.get("seeds") if isinstance(trait, dict) else None
        if isinstance(seeds, list) and not all(is_int(seed) and 0 <= seed <= MAX_SEED for seed in seeds):
            yield f"{where}.seeds: is no list of seeds"


def _metric_problems(where: str, metric: Any) -> Iterator[str]:
    fields: dict[str, Check] = {"about": a_text, "direction": _direction, "figures": an_object}
    yield from field_problems(where, metric, fields)
    figures = metric.get("figures") if isinstance(metric, dict) else None
    for seed, figure in figures.items() if isinstance(figures, dict) else ():
        if not (_SEED.fullmatch(seed) and int(seed) <= MAX_SEED):
            yield f"{where}.figures: {shown(seed)} is no seed"
        value, place, of = (figure.get(key) if isinstance(figure, dict) else None for key in ("value", "place", "of"))
        if not (is_number(value) and is_int(place) and is_int(of) and 1 <= place <= of):
            yield f"{where}.figures: {shown(seed)} needs a value, and a place in 1…of"


def published_seeds(info: Mapping[str, Any]) -> list[int]:
    """Return the seeds that a published bank says something of, in order."""
    found = info[KIND]
    seeds = {int(seed) for metric in found["metrics"].values() for seed in metric["figures"]}
    return sorted(seeds.union(*(trait["seeds"] for trait in found["traits"].values())))


def _direction(value: Any) -> str:
    return "" if value in ("higher", "lower") else f"{shown(value)} is none of higher, lower"
