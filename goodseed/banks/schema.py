"""What must stand in a bank's metadata, version 1. The format itself is in `format.py`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from goodseed.banks.published_schema import is_published, published_problems
from goodseed.checks import Check, a_list, a_sha256, a_text, field_problems, is_int, is_number, shown

SCHEMA = 1
DIRECTIONS = ("higher", "lower")
_RELIABILITY = ("icc", "rank_correlation", "overlap", "golden_gain", "diverse_gain", "inpaint")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def info_problems(info: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each thing that is missing or wrong in a bank's metadata."""
    version = info.get("schema")
    if not is_int(version) or version < 1:
        yield f"schema: {shown(version)} is no schema version; measure the bank again"
        return
    if version > SCHEMA:
        yield f"schema: version {version} is newer than {SCHEMA}, the newest known here; update Good Seed"
        return
    if is_published(info):
        yield from published_problems(info)
        return
    yield from generator_problems(info)
    yield from field_problems("prompts", info.get("prompts"), {"selection": _prompt_set, "held_out": _prompt_set})
    for which in ("selection", "held_out"):
        yield from _prompt_problems(f"prompts.{which}", _inner(info, "prompts", which))
        if which in _inner(info, "reference"):
            yield from field_problems(f"reference.{which}", _inner(info, "reference", which), _REFERENCE)
    for kind, fields in (("metrics", _METRIC), ("traits", _JUDGED), ("features", _FEATURE)):
        yield from _named(kind, info.get(kind), fields)
    for name, about in _inner(info, "features").items():
        if isinstance(about, dict) and "held_out_prompts" in about:  # a race has all seeds on the first of them only
            yield from field_problems(f"features.{name}", about, {"held_out_prompts": _count})
    if "inpaint" in info:
        yield from _inpaint_problems(info["inpaint"])
    for part in ("reference", "reliability", "software"):
        if not isinstance(info.get(part), dict):
            yield f"{part}: is missing or no object"
    for part in _RELIABILITY:
        if not isinstance(_inner(info, "reliability").get(part, {}), dict):
            yield f"reliability.{part}: is no object"
    yield from field_problems("design", info.get("design"), {"kind": a_text, "images": _count})
    if _inner(info, "design").get("kind") == "racing":
        yield from _race_problems(info)
    yield from _interval_problems("reliability", info.get("reliability"))


def generator_problems(info: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each thing that is missing or wrong in what a bank says of its generator."""
    yield from field_problems("model", info.get("model"), _WEIGHTS)
    for role in ("vae", "text_encoder"):
        if info.get(role, "missing") is not None:  # null: the model has none
            yield from field_problems(role, info.get(role), _WEIGHTS)
    adapters = info.get("adapters")
    if not isinstance(adapters, list):
        yield "adapters: is no list"
    else:
        for position, adapter in enumerate(adapters):
            yield from field_problems(f"adapters[{position}]", adapter, _ADAPTER)
    yield from field_problems("noise", info.get("noise"), _NOISE)
    if _inner(info, "noise").get("name") == "cuda":
        yield from field_problems("noise", info["noise"], {"card": a_text})
    yield from field_problems("sampling", info.get("sampling"), _SAMPLING)


def _race_problems(info: Mapping[str, Any]) -> Iterator[str]:
    yield from field_problems("design", info["design"], _RACE)
    if info["design"].get("metric") not in _inner(info, "metrics"):
        yield f"design.metric: {shown(info['design'].get('metric'))} is no metric of the bank"
    same = _inner(info, "design", "same_for_all")
    yield from field_problems("design.same_for_all", same, {"selection": _count, "held_out": _count})


def _named(kind: str, value: Any, fields: Mapping[str, Check]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{kind}: is missing or no object"
        return
    for name, entry in value.items():
        if not _NAME.fullmatch(name):
            yield f"{kind}: {shown(name)} is no name of lower-case letters, digits, - and _"
        else:
            yield from field_problems(f"{kind}.{name}", entry, fields)


def _inpaint_problems(inpaint: Any) -> Iterator[str]:
    yield from field_problems("inpaint", inpaint, _INPAINT)
    if not isinstance(inpaint, dict):
        return
    yield from _named("inpaint.tasks", inpaint.get("tasks"), {"about": a_text})
    for which in ("selection", "held_out"):
        yield from field_problems(f"inpaint.pairs.{which}", _inner(inpaint, "pairs").get(which), _PAIRS)
    yield from field_problems("inpaint.reader", inpaint.get("reader"), {"name": a_text, "version": a_text})


def _prompt_problems(where: str, prompts: Mapping[str, Any]) -> Iterator[str]:
    if not prompts:
        return  # named by the caller
    yield from field_problems(where, prompts, _PROMPTS)
    texts = prompts.get("texts")
    if texts is None:
        return
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        yield f"{where}.texts: is no list of texts"
    elif len(texts) != prompts.get("count"):
        yield f"{where}.texts: {len(texts)} prompts where count says {shown(prompts.get('count'))}"
    elif hashlib.sha256("\n".join(texts).encode()).hexdigest() != prompts.get("sha256"):
        yield f"{where}.sha256: is not that of the prompts in texts"


def _interval_problems(where: str, value: Any) -> Iterator[str]:
    """Yield where a low end lies above its high end, at any depth."""
    if not isinstance(value, dict):
        return
    low: Any = value.get("low")
    high: Any = value.get("high")
    if "low" in value and "high" in value and not (is_number(low) and is_number(high) and low <= high):
        yield f"{where}: {shown(low)}…{shown(high)} is no interval"
    for key, inner in value.items():
        yield from _interval_problems(f"{where}.{key}", inner)


def _inner(info: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    value: Any = info
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _prompt_set(value: Any) -> str:
    return "" if isinstance(value, dict) else f"{shown(value)} is no object"


def _sha256_or_none(value: Any) -> str:
    """Weights that there are not, and files whose content was not known, have an empty hash."""
    return "" if value == "" else a_sha256(value)


def _file_name(value: Any) -> str:
    if not isinstance(value, str) or not value or "/" in value or "\\" in value:
        return f"{shown(value)} is no file name (without a folder)"
    return ""


def _count(value: Any) -> str:
    return "" if is_int(value) and value >= 1 else f"{shown(value)} is no whole number ≥ 1"


def _count_or_none(value: Any) -> str:
    return "" if value is None else _count(value)


def _number(value: Any) -> str:
    return "" if is_number(value) else f"{shown(value)} is no finite number"


def _number_or_none(value: Any) -> str:
    return "" if value is None else _number(value)


def _shape(value: Any) -> str:
    fine = isinstance(value, list) and 1 <= len(value) <= 8 and not any(_count(size) for size in value)
    return "" if fine else f"{shown(value)} is no latent shape without its batch, such as [4, 16, 16]"


def _names(value: Any) -> str:
    fine = isinstance(value, list) and value and all(isinstance(name, str) for name in value)
    return "" if fine else f"{shown(value)} is no list of names"


def _one_of(*values: str) -> Check:
    return lambda value: "" if value in values else f"{shown(value)} is none of {', '.join(values)}"


_WEIGHTS: dict[str, Check] = {
    "file": _file_name, "sha256": _sha256_or_none, "tensors_sha256": _sha256_or_none, "family": a_text,
}  # fmt: skip
_ADAPTER: dict[str, Check] = {"file": _file_name, "sha256": _sha256_or_none}
_NOISE: dict[str, Check] = {
    "name": _one_of("comfy", "cpu", "cuda"), "device": a_text, "dtype": a_text, "batch": _count, "shape": _shape,
    "fingerprint": a_sha256,
}  # fmt: skip
_SAMPLING: dict[str, Check] = {
    "sampler": a_text, "scheduler": a_text, "steps": _count, "cfg": _number, "shift": _number_or_none,
    "denoise": _number, "negative_prompt": a_text, "width": _count, "height": _count,
}  # fmt: skip
_PROMPTS: dict[str, Check] = {"sha256": a_sha256, "count": _count, "order": a_text, "licence": a_text}
_INPAINT: dict[str, Check] = {"about": a_text, "images": _count}
_RACE: dict[str, Check] = {"metric": a_text, "top": _count, "rounds": a_list, "accepted": a_list}
_PAIRS: dict[str, Check] = {"sha256": a_sha256, "count": _count, "licence": a_text}
_REFERENCE: dict[str, Check] = {"what": a_text, "sha256": a_sha256, "count": _count_or_none}
_JUDGED: dict[str, Check] = {"version": a_text, "weights_sha256": _sha256_or_none, "about": a_text}
_METRIC: dict[str, Check] = {**_JUDGED, "direction": _one_of(*DIRECTIONS), "per": _one_of("image", "seed")}
_FEATURE: dict[str, Check] = {**_JUDGED, "prompts": _count, "per_prompt": _count, "names": _names}
