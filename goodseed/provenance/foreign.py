"""Images of other tools: what A1111 and Forge, Fooocus, InvokeAI, NovelAI and SwarmUI wrote, as records.

The texts are found here and parsed by the package sd-parsers; SwarmUI, which it does not know, is parsed here. All
values count as given: nobody saw them at work. Hashes in such texts are short, so no model is known by its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from goodseed.errors import MissingExtraError
from goodseed.provenance.record import GIVEN, SCHEMA, TUPLE, VERSION, Known, Record, known, tuple_sha256, unknown

KEYS = ("parameters", "invokeai_metadata", "sd-metadata", "Dream", "Comment")
"""The texts that other tools write; `Comment` is NovelAI's, beside `Description` and `Source`."""
_LONGEST = {"Dream": 8000, "Source": 1000}
"""Characters that a parser is given; some of their patterns take the square of the length."""
_LONGEST_TEXT = 2 << 20
_MOST_HASHES = 50
_SWARM = "sui_image_params"
_MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, ArithmeticError)
"""What parsers raise for texts that are not as they expect."""
_SEED = re.compile(r"-?\d{1,20}")


def record_of_texts(texts: Mapping[str, str]) -> Record | None:
    """Return the record of an image by the texts in it, or None where no other tool's parameters are found.

    Raises:
        MissingExtraError: when a tool's text is there and sd-parsers is not installed.
    """
    usable = {key: text for key, text in texts.items() if len(text) <= _LONGEST.get(key, _LONGEST_TEXT)}
    if not any(key in usable for key in KEYS):
        return None
    if (swarm := _swarm(usable.get("parameters", ""))) is not None:
        return swarm
    if usable.get("parameters", "").count("Hashes:") > _MOST_HASHES:
        return None
    info = _parsed(usable)
    return None if info is None else _record(*info)


def _parsed(texts: dict[str, str]) -> tuple[str, Any] | None:
    """Return the tool's name and what the first of sd-parsers' parsers that understands the texts says of them."""
    try:
        from sd_parsers.exceptions import ParserError
        from sd_parsers.parsers import AUTOMATIC1111Parser, FooocusParser, InvokeAIParser, NovelAIParser
    except ImportError as error:
        raise MissingExtraError(
            "sd-parsers: is not installed, and the image was made by another tool; pip install sd-parsers"
        ) from error
    parsers: dict[str, Any] = {
        "fooocus": FooocusParser, "a1111": AUTOMATIC1111Parser, "invokeai": InvokeAIParser, "novelai": NovelAIParser,
    }  # fmt: skip
    for name, parser in parsers.items():
        try:
            return name, parser().parse(dict(texts))
        except (ParserError, *_MALFORMED):
            continue
    return None


def _record(source: str, info: Any) -> Record | None:
    """Return the record of what sd-parsers found: the last sampler counts."""
    if not info.samplers:
        return None
    sampler = info.samplers[-1]
    found = {**_plain(info.metadata), **_plain(sampler.parameters)}
    width, height = _size(found)
    model = sampler.model
    return make_record(
        source,
        {
            "seed": _whole(found.get("seed")),
            "sampler": _text(sampler.name),
            "scheduler": _text(found.get("scheduler")),
            "steps": _whole(found.get("steps")),
            "cfg": _number(found.get("cfg_scale")),
            "denoise": _number(found.get("denoising_strength", found.get("strength"))),
            "width": width,
            "height": height,
        },
        [_text(prompt.value) for prompt in sampler.prompts],
        [_text(prompt.value) for prompt in sampler.negative_prompts],
        [("checkpoints", _text(model.name), _text(model.hash))] if model is not None else [],
    )


def _swarm(text: str) -> Record | None:
    """Return the record of SwarmUI's parameters: JSON with the key sui_image_params."""
    if _SWARM not in text:
        return None
    try:
        found = json.loads(text)[_SWARM]
        sampler = _text(found.get("sampler")) or _text(found.get("comfyuisampler"))
        scheduler = _text(found.get("scheduler")) or _text(found.get("comfyuischeduler"))
        names = found.get("loras") if isinstance(found.get("loras"), list) else []
        return make_record(
            "swarmui",
            {
                "seed": _whole(found.get("seed")), "sampler": sampler, "scheduler": scheduler,
                "steps": _whole(found.get("steps")), "cfg": _number(found.get("cfgscale")), "denoise": None,
                "width": _whole(found.get("width")), "height": _whole(found.get("height")),
            },
            [_text(found.get("prompt"))],
            [_text(found.get("negativeprompt"))],
            [("checkpoints", _text(found.get("model")), None), *(("loras", _text(name), None) for name in names)],
        )  # fmt: skip
    except _MALFORMED:
        return None


def make_record(
    source: str,
    values: Mapping[str, Any],
    positive: Iterable[str | None],
    negative: Iterable[str | None],
    models: Iterable[tuple[str, str | None, str | None]],
) -> Record | None:
    """Return a record of values that a text gives; those that are None are unknown. None where nothing is known.

    `models` are role, name and short hash.
    """
    texts = {"positive": [text for text in positive if text], "negative": [text for text in negative if text]}
    named = [(role, name, digest) for role, name, digest in models if name or digest]
    if not any(texts.values()) and all(value is None for value in values.values()):
        return None
    entries: dict[str, Known] = {name: _given(values.get(name)) for name in TUPLE}
    for role, key in (("positive", "prompt_sha256"), ("negative", "negative_sha256")):
        if texts[role]:
            entries[key] = known(_sha256("\n".join(texts[role])), GIVEN)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "source": source,
        "tuple": entries,
        "tuple_sha256": tuple_sha256(entries),
        "prompts": [
            {"role": role, "text": text, "sha256": _sha256(text), "known": GIVEN, "node": None}
            for role in texts
            for text in texts[role]
        ],
        "models": [
            {
                "role": role, "name": name or "", "size": None, "sha256": unknown(), "tensors_sha256": unknown(),
                "node": None, "input": None, "short_hash": digest,
            }
            for role, name, digest in named
        ],
        "recipe": None,
        "runs": [],
        "decoded": None,
        "environment": {},
        "pixels": None,
        "batch": None,
    }  # fmt: skip


def _given(value: Any) -> Known:
    return unknown() if value is None else known(value, GIVEN)


def _plain(found: Any) -> dict[str, Any]:
    """Return a tool's values under lower-case names with underscores."""
    if not isinstance(found, Mapping):
        return {}
    return {str(key).lower().replace(" ", "_"): value for key, value in found.items()}


def _size(found: Mapping[str, Any]) -> tuple[int | None, int | None]:
    match = re.fullmatch(
        r"\D{0,20}(\d{1,6})\D{1,20}(\d{1,6})\D{0,20}", str(found.get("size", found.get("resolution", "")))[:80]
    )
    if match:
        return int(match[1]), int(match[2])
    return _whole(found.get("width")), _whole(found.get("height"))


def _whole(value: Any) -> int | None:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and _SEED.fullmatch(text):
        return int(text)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 64 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e300 else None


def _text(value: Any) -> str | None:
    """Return a text that can be written as UTF-8, or None."""
    if not isinstance(value, str) or not value:
        return None
    return value.encode("utf-8", "replace").decode("utf-8")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
