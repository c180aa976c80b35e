"""Describes one sampling: its guider, model, sampler, latent and conditioning, as values and fingerprints."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor

from goodseed.provenance.fingerprint import Fingerprint, fingerprint, fingerprint_of_many
from goodseed.provenance.record import OBSERVED, known, unknown

from .adapters import adapters_of, controls_of, patch_names
from .models import identity_of
from .step_noise import step_noise_of

Run = dict[str, Any]

ARGUMENTS = ("noise", "latent_image", "sampler", "sigmas", "denoise_mask", "callback", "disable_pbar", "seed")
"""Of CFGGuider.outer_sample, in the order that ComfyUI gives them; newer ones add `latent_shapes` by name."""
_MOST_ITEMS = 32
"""Batches larger than this have no fingerprints of their items."""
_SKIPPED = ("uuid", "model_conds", "control", "hooks", "gligen")


def arguments(args: Iterable[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of CFGGuider.outer_sample, as an OUTER_SAMPLE wrapper gets them, by name."""
    return {**dict(zip(ARGUMENTS, args, strict=False)), **kwargs}


def run_before(guider: Any, given: Mapping[str, Any]) -> Run:
    """Return what is known of a sampling before it starts, from the arguments of CFGGuider.outer_sample."""
    noise, mask, seed = given["noise"], given.get("denoise_mask"), given.get("seed")
    return {
        "seed": known(int(seed), OBSERVED) if seed is not None else unknown(),
        **_of_guider(guider),
        **_of_latent(guider, noise, given.get("latent_shapes")),
        **of_sampler(given["sampler"]),
        "stages": {
            "conditioning": fingerprint_of_many(_parts(guider.conds)),
            "input_latent": fingerprint(given["latent_image"]),
            "mask": fingerprint(mask) if mask is not None else None,
            "initial_noise": fingerprint(noise),
            "sigmas": fingerprint(given["sigmas"]),
        },
        "item_stages": {"initial_noise": _items(noise)} if noise.shape[0] <= _MOST_ITEMS else None,
    }


def add_output(run: Run, output: Tensor) -> None:
    """Add what came out of a sampling."""
    run["stages"]["output_latent"] = fingerprint(output)
    if run["item_stages"] is not None:
        run["item_stages"]["output_latent"] = _items(output)


def _of_guider(guider: Any) -> Run:
    model = guider.model_patcher
    found = adapters_of(model) + controls_of(guider.conds)
    return {
        "guider": known(type(guider).__name__, OBSERVED),
        "cfg": known(_cfg(guider), OBSERVED),
        "model_identity": dict(identity_of(model) or {}) or None,
        "model_class": type(model.model).__name__,
        "dtype": str(model.model_dtype()).removeprefix("torch."),
        "device": str(model.load_device),
        "adapters": [{"name": None, "sha256": None, "known": OBSERVED, **adapter} for adapter in found],
        "patches": patch_names(model, guider.model_options),
    }


def _cfg(guider: Any) -> Any:
    """Return the guidance scale; null where there is nothing to guide from; by name where a guider has several."""
    scales = {
        name: float(value)
        for name, value in vars(guider).items()
        if name.startswith("cfg") and isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    several = {name: value for name, value in scales.items() if name != "cfg"}
    return several or (scales.get("cfg") if len(guider.conds) > 1 else None)


def _of_latent(guider: Any, noise: Tensor, shapes: Any) -> Run:
    """Return the size in pixels and the number of items; newer ComfyUI packs latents of several parts into one."""
    shape = tuple(shapes[0]) if shapes else tuple(noise.shape)
    latent_format = guider.model_patcher.model.latent_format
    ratio = getattr(latent_format, "spacial_downscale_ratio", None)
    if ratio is None and latent_format.latent_channels in (4, 16) and latent_format.latent_dimensions == 2:
        ratio = 8  # ComfyUI before latent formats say it
    if ratio is None or len(shape) < 4:
        size = {"width": unknown(), "height": unknown()}
    else:
        size = {"width": known(shape[-1] * ratio, OBSERVED), "height": known(shape[-2] * ratio, OBSERVED)}
    return {**size, "batch_size": int(shape[0]), "batch_index": None}


def of_sampler(sampler: Any) -> Run:
    options = {name: _described(value) for name, value in getattr(sampler, "extra_options", {}).items()}
    options |= step_noise_of(sampler).described()
    return {"sampler": known(sampler_name(sampler), OBSERVED), "sampler_options": known(options, OBSERVED)}


def sampler_name(sampler: Any) -> str:
    """Return a sampler's name in KSampler's list, where it is one of those."""
    function = getattr(sampler, "sampler_function", None)
    if function is None:
        return type(sampler).__name__
    function = inspect.unwrap(function)
    name = getattr(function, "__name__", type(function).__name__).removeprefix("sample_").removesuffix("_function")
    if name == "euler" and getattr(sampler, "inpaint_options", {}).get("random"):
        return "ddim"
    return {"unipc": "uni_pc", "unipc_bh2": "uni_pc_bh2"}.get(name, str(name))


def _described(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else repr(value)
    if isinstance(value, Tensor):
        return fingerprint(value)
    if isinstance(value, (list, tuple)):
        return [_described(inner) for inner in value]
    if isinstance(value, Mapping):
        return {str(name): _described(inner) for name, inner in value.items()}
    return str(getattr(value, "__qualname__", None) or type(value).__qualname__)


def _parts(conds: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[tuple[str, Any]]:
    """Yield what a conditioning is made of, by name, in a fixed order."""
    for role in sorted(conds):
        for position, entry in enumerate(conds[role]):
            for name in sorted(entry):
                if name not in _SKIPPED:
                    yield from _leaves(f"{role}.{position}.{name}", entry[name])


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (Tensor, bool, int, float, str)):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from _leaves(f"{name}.{position}", inner)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _leaves(f"{name}.{key}", value[key])


def _items(batch: Tensor) -> list[Fingerprint]:
    return [fingerprint(item) for item in batch]
