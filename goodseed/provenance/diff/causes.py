"""Differences in the order of how well they account for what is seen, each with one sentence and one fix."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from goodseed.provenance.diff.difference import (
    ADDED,
    CAUSES,
    EDITED,
    INFERRED,
    REMOVED,
    REPLACED,
    REWIRED,
    Difference,
)
from goodseed.provenance.diff.places import (
    CONDITIONING,
    DECODED,
    LATENT,
    NOISE,
    PIXELS,
    SIGMAS,
)
from goodseed.provenance.diff.stages import FLOAT_NOISE, Stage, agreeing, first_apart
from goodseed.provenance.diff.values import shown

EXPLAINS, FITS, UNKNOWN, NO_EFFECT = "explains", "fits", "unknown", "no effect"
LEVELS = (EXPLAINS, FITS, UNKNOWN, NO_EFFECT)
"""What the stages say of a difference: it enters where the images part; it enters where they differ; nothing is known
of the stages that it enters; these stages agree."""

_STAGE_NAMES = {
    CONDITIONING: "conditioning", NOISE: "initial noise", SIGMAS: "sigmas", LATENT: "output latent",
    DECODED: "decoded image", PIXELS: "saved pixels",
}  # fmt: skip
_PLURAL = (SIGMAS, PIXELS)


def ranked(differences: Sequence[Difference], stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Return the differences as causes, the likeliest first, each with an id of its own (see `cause_id`)."""
    seen: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    for level, difference in in_order(differences, stages):
        name = cause_id(difference)
        seen[name] = seen.get(name, 0) + 1
        own = name if seen[name] == 1 else f"{name}#{seen[name]}"
        found.append({"id": own, **_as_dict(difference, level, stages)})
    return found


def in_order(differences: Sequence[Difference], stages: Sequence[Stage]) -> list[tuple[str, Difference]]:
    """Return the differences with what the stages say of each, the likeliest first.

    First by the evidence of the stages, then what certainly changed before what may not matter, then by how often each
    cause is the one.
    """
    judged = [(judge(difference, stages), difference) for difference in differences]
    return sorted(judged, key=lambda entry: _order(*entry))


def cause_id(difference: Difference) -> str:
    """Return what a difference is called against any B: by the input of A's graph, or by what it says of itself."""
    if difference.place is not None:
        key, _, name = difference.place
        return f"{key}:{name}:contents" if difference.by_content else f"{key}:{name}"
    text = "\0".join((difference.cause, difference.where, difference.name, difference.kind))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def judge(difference: Difference, stages: Sequence[Stage]) -> str:
    """Return what the stages say of a difference, one of `LEVELS`."""
    if all(stage.same is None for stage in stages):
        return UNKNOWN
    if difference.enters <= agreeing(stages):
        return NO_EFFECT
    apart = [stage for stage in first_apart(stages) if stage.stage in difference.enters]
    if apart:
        return FITS if difference.small and all(_is_large(stage) for stage in apart) else EXPLAINS
    if any(stage.same is False and stage.stage in difference.enters for stage in stages):
        return FITS
    return UNKNOWN


def inferred(differences: Sequence[Difference], stages: Sequence[Stage], after_decoding: bool) -> list[Difference]:
    """Return a cause for each place where two images part that no difference accounts for.

    `after_decoding` says that nodes work on the decoded image.
    """
    explained = {
        stage for difference in differences if judge(difference, stages) == EXPLAINS for stage in difference.enters
    }
    found: list[Difference] = []
    for stage in first_apart(stages):
        if stage.stage in explained or any(entry.name == stage.stage for entry in found):
            continue
        if stage.stage in (DECODED, PIXELS) and not _before_agrees(stage, stages):
            if not differences:
                found.append(_hidden("numerics", stage, "nothing that is recorded differs", _unseen))
            continue
        found.append(_of_stage(stage, after_decoding))
    return found


def _unseen(stage: Stage) -> str:
    return "the stages before it were not observed"


def _of_stage(stage: Stage, after_decoding: bool) -> Difference:
    if stage.stage == CONDITIONING and _is_large(stage):
        return _hidden("prompt", stage, "the text that was encoded is put together while the graph runs", _apart)
    if stage.stage == NOISE:
        return _hidden("number", stage, "the noise is another though the same seed is recorded", _apart)
    if stage.stage == SIGMAS:
        return _hidden("sampler", stage, "the schedule is another though the same one is recorded", _apart)
    if stage.stage == PIXELS:
        return _hidden("post-process", stage, "the image was changed between decoding and saving", _apart)
    if stage.stage == DECODED and after_decoding:
        return _hidden("post-process", stage, "a node after decoding draws noise that no seed sets", _apart)
    if stage.stage == DECODED:
        return _hidden("numerics", stage, "the same latent was decoded to other values", _apart)
    return _hidden("numerics", stage, "the same inputs were computed to other values", _apart)


def _hidden(cause: str, stage: Stage, what: str, evidence: Any) -> Difference:
    where = _STAGE_NAMES[stage.stage] + (f" of run {stage.run}" if stage.run else "")
    detail = f"{what}; {evidence(stage)}"
    return Difference(cause, where, None, None, stage.stage, frozenset({stage.stage}), INFERRED, detail)


def _apart(stage: Stage) -> str:
    if stage.apart is None:
        return "all before it agrees"
    size = ", as between two pictures" if stage.apart > 0.5 else "" if _is_large(stage) else ", as of other arithmetic"
    return f"all before it agrees, and the relative distance is {stage.apart:.1g}{size}"


def _before_agrees(stage: Stage, stages: Sequence[Stage]) -> bool:
    before = stages[: list(stages).index(stage)]
    return bool(before) and all(earlier.same is True for earlier in before)


def _is_large(stage: Stage) -> bool:
    return stage.apart is not None and stage.apart > FLOAT_NOISE


def _order(level: str, difference: Difference) -> tuple[Any, ...]:
    return (
        LEVELS.index(level),
        difference.derived,
        not difference.certain,
        CAUSES.index(difference.cause),
        difference.where,
        difference.name,
    )


def _as_dict(difference: Difference, level: str, stages: Sequence[Stage]) -> dict[str, Any]:
    apart = [stage for stage in first_apart(stages) if stage.stage in difference.enters] if level == EXPLAINS else []
    return {
        "cause": difference.cause,
        "where": difference.where,
        "a": difference.a,
        "b": difference.b,
        "why": _why(difference, level, apart),
        "fix": fix_of(difference),
        "kind": difference.kind,
        "name": difference.name,
        "evidence": level,
        "stage": apart[0].stage if apart else None,
        "distance": apart[0].apart if apart else None,
        "place": dict(zip(("a", "b", "input"), difference.place, strict=True)) if difference.place else None,
    }


def _why(difference: Difference, level: str, apart: Sequence[Stage]) -> str:
    """Return one sentence: what differs, then what the stages say of it."""
    said = statement(difference)
    if difference.kind == INFERRED:
        return f"{said}."
    if apart:
        run = f" of run {apart[0].run}" if apart[0].run else ""
        return f"{said}; the images part at the {_STAGE_NAMES[apart[0].stage]}{run}, where this enters."
    if level == NO_EFFECT:
        return f"{said}; the stages where this enters are the same, so it had no effect."
    if level == FITS:
        return f"{said}; this alone hardly accounts for where the images part, or how far."
    return f"{said}; the stages where this enters were not observed."


def statement(difference: Difference) -> str:
    """Return what differs, as a sentence without its full stop."""
    said = _what(difference)
    if difference.detail and difference.kind != INFERRED:
        said += f": {difference.detail.removesuffix('.')}"
    return said


def _what(difference: Difference) -> str:
    a, b, where = shown(difference.a), shown(difference.b), shown(difference.where, 120)
    kind, cause = difference.kind, difference.cause
    if kind == INFERRED:
        return f"The {where} {'differ' if difference.name in _PLURAL else 'differs'}: {difference.detail}"
    if kind == ADDED:
        return f"B has {_long(difference.b)}, which A has not"
    if kind == REMOVED:
        return f"A has {_long(difference.a)}, which B has not"
    if kind == REPLACED:
        return f"{_long(difference.a)} in A is {_long(difference.b)} in B"
    if kind == REWIRED:
        return f"{where} takes {a} in A and {b} in B"
    if difference.name == EDITED:
        return f"{where[:1].upper()}{where[1:]} was edited or converted after it was saved"
    if cause == "prompt":
        return f"The text of {where} is another in B"
    if cause == "model":
        return f"{where} loads {_long(difference.a)} in A and {_long(difference.b)} in B"
    if difference.by_content:
        return f"{where} has other contents in B: {_long(difference.a)} in A, {_long(difference.b)} in B"
    return f"{where} is {a} in A and {b} in B"


def _long(value: Any) -> str:
    return shown(value, 160)


def fix_of(difference: Difference) -> str:
    """Return one thing to do so that B becomes A."""
    kind, cause, where = difference.kind, difference.cause, shown(difference.where, 120)
    if difference.fix:
        return difference.fix
    if kind == INFERRED:
        return _INFERRED_FIX[cause]
    if kind == ADDED:
        return f"Take {where} out, or bypass it."
    if kind == REMOVED:
        return f"Put {_long(difference.a)} back where A has it."
    if kind in (REPLACED, REWIRED):
        return f"Wire {where} as A has it: {_long(difference.a)}."
    if cause == "model":
        return f"Load the file that A used, {_long(difference.a)}, and keep it under a name of its own."
    if cause == "prompt":
        return f"Paste A's text into {where}."
    if cause == "numerics":
        return _numerics_fix(difference)
    if cause == "host":
        return f"Run it on {where} {shown(difference.a)}, or take the new image as the one to keep."
    return f"Set {where} to {shown(difference.a, 160)}."


_INFERRED_FIX = {
    "prompt": "Put the whole prompt in one text, or give the node that puts it together a fixed seed.",
    "number": "Type the seed into the node that draws the noise, and use latents of the same size and batch.",
    "sampler": "Compare the model's sampling settings (shift, zero SNR) and the nodes that make the sigmas.",
    "post-process": "Give the nodes after decoding a fixed seed, or save before them.",
    "numerics": "Run both with a Determinism Guard in mode enforce, on the same machine and with the same flags.",
}


def _numerics_fix(difference: Difference) -> str:
    name, a = difference.name, shown(difference.a)
    if name in ("torch", "cuda", "cudnn", "driver", "python"):
        return f"Install {name} {a}."
    if name == "launch_flags":
        return f"Start ComfyUI with {a} and without {shown(difference.b)}."
    if name == "threads":
        return f"Set OMP_NUM_THREADS={a} before ComfyUI starts; sums over more threads are rounded otherwise."
    if name == "portable_noise":
        return f"Set the Guard's portable_noise to {a}."
    if name in ("gpu", "cpu", "os", "device"):
        return f"Run it on {a}; on another, bits may differ and samplers that draw noise there give other images."
    if name in ("precision", "deterministic"):
        return "Hold the run against A's record with a Determinism Guard in mode enforce, which sets the same flags."
    return f"Start ComfyUI so that {name.replace('_', ' ')} is {a}, as in A."
