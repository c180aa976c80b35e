"""What the records of saved images hold, and how well the images can be made again, in two lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goodseed.provenance.recipe import sampling_nodes
from goodseed.provenance.record import TUPLE, UNKNOWN

Record = Mapping[str, Any]

_MOST_NAMED = 4
_PROMPTS = {"prompt_sha256": "positive", "negative_sha256": "negative"}


def saved_note(records: Sequence[Record]) -> str:
    """Return what was recorded of images that were saved together, and what may keep one from being made again.

    The images differ in their pixels and their place in the batch only: what is said of one is said of all.
    """
    record, count = records[0], len(records)
    kept = "1 image saved with its record" if count == 1 else f"{count} images saved with their records"
    doubts = list(_doubts(record))
    again = " ".join(doubts) if doubts else "All that it depends on is known: goodseed verify makes it again."
    return f"{kept}: {', '.join(_holdings(record))}.\n{again}"


def _holdings(record: Record) -> Iterator[str]:
    """Yield what a record holds, in numbers."""
    seen, all_of_them = _samplings(record)
    if all_of_them:
        observed = f"{seen} of {all_of_them} samplings" if all_of_them > 1 else "the sampling"
        yield f"{observed} observed" if seen else "no sampling observed"
    for name, what in (("models", "model file"), ("inputs", "input file")):
        files = {(entry.get("name") or entry.get("file")): entry["sha256"]["known"] for entry in record.get(name, ())}
        if files:
            hashed = sum(how != UNKNOWN for how in files.values())
            yield f"{f'{hashed} of ' if hashed < len(files) else ''}{_counted(len(files), what)} by hash"
    if texts := len(record["prompts"]):
        yield _counted(texts, "text")


def _doubts(record: Record) -> Iterator[str]:
    """Yield a sentence for each thing that may give another image, or keep a difference from being named."""
    seen, all_of_them = _samplings(record)
    if seen < all_of_them:
        yield "It can be run again, but not compared stage by stage: put a Determinism Guard before the sampler."
    if unhashed := [model["name"] for model in record["models"] if model["sha256"]["known"] == UNKNOWN]:
        yield f"No hash of {_named(unhashed)}: another file of that name would go unseen."
    if operations := sorted({name for run in record["runs"] for name in run["nondeterministic"]}):
        yield f"Not bit-exact on this machine: {_named(operations)}; expect the same to the eye."
    if unknown := list(_unknown(record)) if all_of_them else []:
        yield f"Not known: {_named(unknown)}."
    if (batch := record["batch"]) is not None and batch["size"] > 1:
        yield f"To get one of these images again, run the batch of {batch['size']}."


def _unknown(record: Record) -> Iterator[str]:
    roles = {text["role"] for text in record["prompts"]}
    for name in TUPLE:
        if record["tuple"][name]["known"] == UNKNOWN and _PROMPTS.get(name) in (None, *roles):
            yield f"{_PROMPTS[name]} prompt" if name in _PROMPTS else name


def _samplings(record: Record) -> tuple[int, int]:
    """Return how many of a record's samplings were observed, and how many there are."""
    observed = {run["node"] for run in record["runs"]}
    known = sampling_nodes(record["recipe"]) if record["recipe"] is not None else []
    return len(observed), len({*known, *observed})


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
