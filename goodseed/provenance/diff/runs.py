"""What differs between two records beside their graphs: what was observed in each run, the tuple, the machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from goodseed.provenance.diff import prompts
from goodseed.provenance.diff.difference import ADDED, REMOVED, REPLACED, Findings
from goodseed.provenance.diff.files import compare_lists, same_tensors
from goodseed.provenance.diff.places import ALL_STAGES, CONDITIONING, DECODED, LATENT, NOISE, RUN_STAGES, SIGMAS
from goodseed.provenance.diff.values import known_value, mappings, same, shown

Record = Mapping[str, Any]
RunPair = tuple[Record, Record]

_VALUES: dict[str, tuple[str, set[str]]] = {
    "seed": ("number", {NOISE, LATENT}), "steps": ("number", {SIGMAS}), "sampler": ("sampler", {SIGMAS, LATENT}),
    "sampler_options": ("number", {LATENT}), "scheduler": ("sampler", {SIGMAS}), "cfg": ("number", {LATENT}),
    "guider": ("graph", {CONDITIONING, LATENT}), "denoise": ("number", {SIGMAS}), "width": ("number", {NOISE}),
    "height": ("number", {NOISE}),
}  # fmt: skip
"""A run's known values, the cause that each is, and the stages that it changes first."""
_SWAP_INPUTS = {"swap_seed", "swap_at", "swap_unit", "swaps"}
"""Inputs that make a run's seed_swaps, which stand among its sampler's options."""
_TUPLE = {
    "model": ("model", {CONDITIONING, SIGMAS, LATENT, DECODED}), "prompt_sha256": ("prompt", {CONDITIONING}),
    "negative_sha256": ("prompt", {CONDITIONING}), "adapters": ("adapter", {CONDITIONING, LATENT}),
}  # fmt: skip
"""The same of the tuple's values that are not a run's."""
_NUMERICS = (
    "precision", "deterministic", "attention", "launch_flags", "vram_mode", "text_encoder_device", "threads", "gpu",
    "cpu", "torch", "cuda", "cudnn", "driver", "os", "python",
)  # fmt: skip
"""The machine's values, those first that change most."""
_CERTAIN = ("precision", "attention", "launch_flags", "vram_mode", "text_encoder_device")
"""Those that change bits wherever they differ."""
_ARITHMETIC = {*RUN_STAGES, DECODED} - {NOISE, SIGMAS}


def pair_runs(a: Record, b: Record, pairs: Mapping[str, str]) -> list[RunPair]:
    """Return the runs of matched nodes, in the first record's order; without recipes, runs in their order."""
    first, second = (list(mappings(record.get("runs"))) for record in (a, b))
    if not pairs:
        return list(zip(first, second, strict=False))
    by_node: dict[str, list[Record]] = {}
    for run in second:
        by_node.setdefault(str(run.get("node")), []).append(run)
    found: list[RunPair] = []
    for run in first:
        others = by_node.get(pairs.get(str(run.get("node")), ""), [])
        if others:
            found.append((run, others.pop(0)))
    return found


def compare_runs(pairs: Iterable[RunPair], found: Findings) -> None:
    """Add what differs between runs and stands in no literal input."""
    stated = list(found.differences)
    for number, (a, b) in enumerate(pairs, 1):
        where = f"run {number}"
        for name, (cause, enters) in _VALUES.items():
            first, second, differ = _both(a, b, name)
            if name == "sampler_options":
                first, second, differ = _unstated_options(stated, first, second)
            if differ and not _is_stated(stated, name, first, second):
                derived = any(entry.enters & enters for entry in stated)
                found.add(cause, f"{where}: {name}", first, second, name, enters, derived=derived)
        _compare_plain(where, a, b, stated, found)


def _compare_plain(where: str, a: Record, b: Record, stated: list[Any], found: Findings) -> None:
    for name, cause, enters, small in (
        ("batch_size", "number", {NOISE}, False),
        ("batch_index", "number", {NOISE}, False),
        ("dtype", "numerics", {*_ARITHMETIC}, True),
        ("device", "numerics", {*_ARITHMETIC}, False),
    ):
        if name in a and name in b and not same(a[name], b[name]) and not _is_stated(stated, name, a[name], b[name]):
            derived = any(entry.enters & enters for entry in stated)
            found.add(cause, f"{where}: {name}", a[name], b[name], name, enters, derived=derived, small=small)
    for name, cause in (("adapters", "adapter"), ("patches", "graph")):
        first, second = (_described_patches(run.get(name)) for run in (a, b))
        if not same(first, second) and not any(entry.cause in (cause, "adapter") for entry in stated):
            derived = any(entry.enters & {LATENT} for entry in stated)
            found.add(cause, f"{where}: {name}", first, second, name, {LATENT}, derived=derived)


def _is_stated(stated: list[Any], name: str, a: Any, b: Any) -> bool:
    """Say whether a graph's input accounts for a run's value: by its name, or by the very same two values."""
    if name in ("sampler", "sampler_options") and any(
        entry.cause == "sampler" and entry.kind in (ADDED, REMOVED, REPLACED) for entry in stated
    ):
        return True
    return any(
        entry.name == name or (entry.name != "node" and same(entry.a, a) and same(entry.b, b)) for entry in stated
    )


def _unstated_options(stated: list[Any], a: Any, b: Any) -> tuple[Any, Any, bool]:
    """Return a sampler's options without those that a node's input accounts for."""
    names = {entry.name for entry in stated}
    if names & _SWAP_INPUTS:
        names.add("seed_swaps")
    first, second = (
        {name: options[name] for name in options if name not in names} if isinstance(options, Mapping) else options
        for options in (a, b)
    )
    return first, second, first is not None and second is not None and not same(first, second)


def _described_patches(patches: Any) -> list[Any]:
    """Return adapters and patches without what only identifies them within one run."""
    if not isinstance(patches, list):
        return []
    parts = ("name", "sha256", "strength_model", "strength_clip", "keys")
    return [
        {part: patch[part] for part in parts if patch.get(part) is not None} if isinstance(patch, Mapping) else patch
        for patch in patches
    ]


def compare_batches(a: Record, b: Record, found: Findings) -> None:
    """Add that two records are of different items of a batch."""
    first, second = (_inner(record, "batch") for record in (a, b))
    for name in ("index", "size"):
        if name in first and name in second and first[name] != second[name]:
            known_as = f"batch_{name}"
            if name == "index" or not found.has(name="batch_size"):
                derived = name == "size" and bool(found.differences)
                enters = {NOISE, LATENT}
                fix = _batch_fix(name, first[name])
                found.add(
                    "number", f"batch: {name}", first[name], second[name], known_as, enters, derived=derived, fix=fix
                )


def _batch_fix(name: str, value: Any) -> str:
    """Return what to do about another place in a batch, counted from 0, or another batch size; no input sets them."""
    if name == "index" and isinstance(value, int):
        return f"Compare with picture {value + 1} of B's batch: each item of a batch starts from noise of its own."
    return f"Make a batch of as many as A's: {shown(value)}."


def compare_tuples(a: Record, b: Record, found: Findings) -> None:
    """Add what differs in the tuple and was found nowhere else, as with images of other tools."""
    for name in {**_VALUES, **_TUPLE}:
        cause, enters = _VALUES[name] if name in _VALUES else _TUPLE[name]
        first, second, differ = _both(a.get("tuple"), b.get("tuple"), name)
        if not differ or (name == "model" and same_tensors(a, b, first, second)):
            continue
        covered = found.has(name=name) if name in _VALUES else found.has(cause=cause)
        if not covered and not (name in _VALUES and _runs_tell(a, b, name)):
            derived = any(entry.enters & enters and entry.certain for entry in found.differences)
            found.add(cause, name, first, second, name, enters, derived=derived)


def _runs_tell(a: Record, b: Record, name: str) -> bool:
    """Say whether both records observed a value in their runs, which then have been compared."""
    return all(any(known_value(run, name)[1] for run in mappings(record.get("runs"))) for record in (a, b))


def compare_without_recipe(a: Record, b: Record, found: Findings) -> None:
    """Compare prompts and files of two records of which one has no graph."""
    for role in ("positive", "negative", "other"):
        first, second = (
            [str(prompt.get("text")) for prompt in mappings(record.get("prompts")) if prompt.get("role") == role]
            for record in (a, b)
        )
        if first and second and set(first) != set(second):
            left, right = [text for text in first if text not in second], [text for text in second if text not in first]
            detail = prompts.describe(left[0], right[0]) if left and right else ""
            values = left[0] if left else None, right[0] if right else None
            found.add("prompt", f"{role} prompt", *values, "prompt", {CONDITIONING}, detail=detail)
    compare_lists(a, b, found, {CONDITIONING, SIGMAS, LATENT, DECODED})


def compare_machines(a: Record, b: Record, found: Findings) -> None:
    """Add what differs between the machines, ComfyUI's version apart (see `host_changes`)."""
    for name in _NUMERICS:
        first, second, differ = _both(a.get("environment"), b.get("environment"), name)
        if not differ:
            continue
        for part, one, other in _parts(first, second):
            where = f"{name}: {part}" if part else name
            certain = name in _CERTAIN
            found.add("numerics", where, one, other, name, _ARITHMETIC, certain=certain, small=True)
    _compare_packs(a, b, found)


def _parts(a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs within two values: by key of objects, by member of lists, or the values themselves."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in sorted(a.keys() | b.keys()):
            if not same(a.get(key), b.get(key)):
                yield str(key), a.get(key), b.get(key)
    elif isinstance(a, list) and isinstance(b, list):
        yield "", [entry for entry in a if entry not in b], [entry for entry in b if entry not in a]
    else:
        yield "", a, b


def _compare_packs(a: Record, b: Record, found: Findings) -> None:
    """Add packs of both recipes in other versions; a pack that one recipe does not use is seen in its nodes."""
    first, second = (_pack_versions(record) for record in (a, b))
    for name in sorted(first.keys() & second.keys()):
        if first[name] != second[name] and first[name] and second[name]:
            found.add("host", f"pack {name}", first[name], second[name], "pack", ALL_STAGES, certain=False)


def _pack_versions(record: Record) -> dict[str, str]:
    packs, _ = known_value(record.get("environment"), "packs")
    return {
        str(pack.get("name")): " ".join(str(pack[part]) for part in ("version", "commit") if pack.get(part))
        for pack in mappings(packs)
    }


def _both(a: Any, b: Any, name: str) -> tuple[Any, Any, bool]:
    """Return a value of two parts, and whether it is known in both and differs."""
    (first, first_known), (second, second_known) = known_value(a, name), known_value(b, name)
    return first, second, first_known and second_known and not same(first, second)


def _inner(part: Record, name: str) -> Record:
    value = part.get(name)
    return value if isinstance(value, Mapping) else {}
