"""Pins: what a record says of a run, held against the run that is about to start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goodseed.provenance.fingerprint import Fingerprint, distance, shape_text
from goodseed.provenance.recipe import sampling_nodes

ENVIRONMENT = ("comfyui", "torch", "cuda", "cudnn", "gpu", "attention", "text_encoder_device", "launch_flags")
"""What of a record's environment decides about the bits; TF32 is set as recorded and needs no pin."""

FLOAT_NOISE = 1e-3
"""Relative distance under which two tensors are the same thing computed by other arithmetic."""


@dataclass(frozen=True)
class BrokenPin:
    """One thing that is not as recorded."""

    pin: str
    recorded: Any
    found: Any
    fix: str

    def __str__(self) -> str:
        return f"{self.pin} is {_short(self.found)}, the record says {_short(self.recorded)}. {self.fix}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def environment_pins(record: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[BrokenPin]:
    """Yield what of the machine is not as recorded. What either side does not know is no pin."""
    recorded = record.get("environment") or {}
    for name in ENVIRONMENT:
        before, now = _value(recorded.get(name)), _value(environment.get(name))
        if _is_known(recorded.get(name)) and _is_known(environment.get(name)) and before != now:
            yield BrokenPin(name, before, now, _MACHINE_FIXES.get(name, f"Run it with the recorded {name}."))


def model_pins(record: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> Iterator[BrokenPin]:
    """Yield the recorded model files whose bytes the graph does not load. A renamed file is the same file.

    `models` are the graph's, as a record lists them. A header may differ where the tensors are the same.
    """
    hashes = {_value(model.get(kind)) for model in models for kind in _HASHES} - {None}
    for model in record.get("models") or ():
        wanted = {_value(model.get(kind)) for kind in _HASHES} - {None}
        if not wanted or wanted & hashes:
            continue
        same_role = [other for other in models if other.get("role") == model.get("role")]
        other = next((other for other in same_role if other.get("name") == model["name"]), None)
        pin = f"{model['role']} {model['name']}"
        if other is not None and not {_value(other.get(kind)) for kind in _HASHES} - {None}:
            continue
        if other is not None:
            yield BrokenPin(pin, _hash_of(model), _hash_of(other), "Put the recorded file back in its place.")
        else:
            found = ", ".join(str(other["name"]) for other in same_role) or "not in the graph"
            yield BrokenPin(pin, _hash_of(model), found, f"Load {model['name']}.")


def pinned_models(record: Mapping[str, Any] | None) -> frozenset[tuple[str, str]]:
    """Return (role, name) of the model files whose hash a record holds."""
    models = (record or {}).get("models") or ()
    return frozenset((model["role"], model["name"]) for model in models if _value(model.get("sha256")))


def run_pins(record: Mapping[str, Any], run: Mapping[str, Any]) -> list[BrokenPin]:
    """Return in what a run that is about to start differs from the recorded run that it is most like.

    `run` is like a run of a record, without what is only known at its end. Nodes' keys play no part, so a renumbered
    graph is the same graph. A record without observed runs pins a graph's only sampling by its tuple.
    """
    recorded = record.get("runs") or _run_of_tuple(record)
    candidates = [list(_compare(before, run)) for before in recorded]
    return min(candidates, key=len, default=[])


def _run_of_tuple(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    recipe, values = record.get("recipe"), record.get("tuple") or {}
    if recipe is not None and len(sampling_nodes(recipe)) > 1:
        return []
    return [{name: values.get(name) for name in _VALUES}]


def _compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[BrokenPin]:
    broken = set()
    for name in (*_VALUES, *_FACTS):
        fix = _FIXES.get(name, f"Set {name} as recorded.")
        wanted, found = _both(before, now, name)
        if wanted is not None and found is not None and not _same(wanted, found):
            broken.add(name)
            yield BrokenPin(name, wanted, found, fix.format(wanted=_short(wanted)))
    yield from _compare_adapters(before, now)
    stages, now_stages = before.get("stages") or {}, now.get("stages") or {}
    for stage, explained_by in _STAGES.items():
        if stage in stages and stage in now_stages and not broken & explained_by:
            yield from _compare_stage(stage, stages[stage], now_stages[stage])


def _compare_stage(stage: str, before: Fingerprint | None, now: Fingerprint | None) -> Iterator[BrokenPin]:
    """Compare two fingerprints; without one there was no such thing, which only masks may lack."""
    if before is not None and now is not None:
        if before["sha256"] != now["sha256"]:
            yield _broken_stage(stage, before, now)
    elif stage == "mask" and before is not now:
        yield BrokenPin(stage, "none" if before is None else "a mask", "none" if now is None else "a mask", _MASK_FIX)


def _broken_stage(stage: str, before: Fingerprint, now: Fingerprint) -> BrokenPin:
    far = distance(before, now)
    fix = _STAGE_FIXES[stage]
    if far is None:
        found = f"of shape {shape_text(now['shape'])}"
        return BrokenPin(stage, shape_text(before["shape"]), found, fix)
    if far < FLOAT_NOISE:
        fix = "It is the same but for rounding: run it on the recorded device, torch and dtype."
    return BrokenPin(stage, f"sha256 {before['sha256'][:12]}", f"sha256 {now['sha256'][:12]}, {far:.2g} away", fix)


def _compare_adapters(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[BrokenPin]:
    """Compare adapters by weight, and by hash or name where both sides know it."""
    wanted, found = before.get("adapters"), now.get("adapters")
    if wanted is None or found is None:
        return
    if len(wanted) != len(found) or any(not _same_adapter(a, b) for a, b in zip(wanted, found, strict=False)):
        fix = "Use the recorded adapters with their weights."
        yield BrokenPin("adapters", _adapters(wanted), _adapters(found), fix)


def _same_adapter(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    for name in ("sha256", "keys", "strength_model"):
        if a.get(name) is not None and b.get(name) is not None and a[name] != b[name]:
            return False
    return True


def _adapters(adapters: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{a.get('name') or 'unnamed'} {a.get('strength_model')}" for a in adapters) or "none"


def _both(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    if name in _FACTS:
        return before.get(name), now.get(name)
    return _value(before.get(name)), _value(now.get(name))


def _same(a: Any, b: Any) -> bool:
    return bool(a == b)


def _value(known_value: Any) -> Any:
    return known_value.get("value") if isinstance(known_value, Mapping) else None


def _is_known(known_value: Any) -> bool:
    return isinstance(known_value, Mapping) and known_value.get("known") != "unknown"


def _hash_of(model: Mapping[str, Any]) -> str:
    return f"sha256 {str(_value(model.get('sha256')))[:12]}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


_HASHES = ("sha256", "tensors_sha256")
_VALUES = ("seed", "steps", "sampler", "sampler_options", "cfg", "guider", "scheduler", "denoise", "width", "height")
_FACTS = ("batch_size", "dtype", "device")
_STAGES: dict[str, set[str]] = {
    "sigmas": {"steps", "scheduler", "denoise"},
    "conditioning": set(),
    "input_latent": {"width", "height", "batch_size"},
    "mask": {"width", "height"},
    "initial_noise": {"seed", "width", "height", "batch_size"},
}
"""Stages known before sampling, each with the pins that would explain a difference."""
_MASK_FIX = "Use the recorded mask."
_STAGE_FIXES = {
    "sigmas": "Set scheduler, steps, denoise and shift as recorded.",
    "conditioning": "Use the recorded prompts, text encoder and adapters.",
    "input_latent": "Start from the recorded image or latent, encoded by the recorded VAE.",
    "mask": _MASK_FIX,
    "initial_noise": "Set seed, size, batch and the source of the noise as recorded.",
}
_FIXES = {name: f"Set {name} to {{wanted}}." for name in (*_VALUES, "batch_size")}
_FIXES |= {"device": "Run it on {wanted}.", "dtype": "Load the model in {wanted}."}
_FIXES |= {"guider": "Sample with {wanted}.", "sampler_options": "Set the sampler's options to {wanted}."}
_MACHINE_FIXES = {
    "launch_flags": "Start ComfyUI with the recorded flags.",
    "attention": "Start ComfyUI with the recorded attention.",
    "text_encoder_device": "Put the text encoder on the recorded device.",
    "gpu": "Only that GPU gives the same bits for sure; use mode warn on others.",
}
