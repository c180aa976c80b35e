"""A study on a pipeline, planned: its settings, what a bank says of it, and the places where it runs."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from goodseed.determinism.flags import CUBLAS_SOUND, CUBLAS_VARIABLE
from goodseed.errors import NoiseError, StudyError
from goodseed.noise import DEFAULT_CARD, NoiseSpec, cpu_spec, cuda_spec, initial_noise, noise_fingerprint
from goodseed.provenance.hashing import HashCache
from goodseed.study.diffusers.families import Family, family_of, read_config, read_layout
from goodseed.study.diffusers.identity import encoders_of, files_of, model_entry
from goodseed.study.diffusers.packages import pipeline_class, version_of
from goodseed.study.diffusers.settings import BATCH, Settings, check_device, default_device, device_name, dtype_of
from goodseed.study.diffusers.source import KNOWN, Found, Known, find_pipeline
from goodseed.study.engines.interface import Place


@dataclass(frozen=True)
class Wanted:
    """What a user asks for, under the names of the command's options; None and "" leave it to the pipeline."""

    model: str
    revision: str = ""
    variant: str = ""
    steps: int | None = None
    guidance: float | None = None
    width: int | None = None
    height: int | None = None
    negative: str = ""
    noise: str = "comfy"
    card: str = ""
    dtype: str = ""
    batch: int = BATCH
    device: Sequence[str] = ()
    offload: bool = False


def prepare(wanted: Wanted, workers: int | None, say: Callable[[str], None]) -> tuple[dict[str, Any], list[Place]]:
    """Return the generator's options and a place for each worker; `say` hears what has to be fetched.

    By default each device gets one worker; more than there are devices share them.

    Raises:
        MissingExtraError: when diffusers is not installed.
        StudyError: for a pipeline, a size, a device or noise that cannot be used.
        WeightsError: when the pipeline cannot be had.
    """
    devices = [check_device(name) for name in wanted.device or (default_device(),)]
    _check_alike(devices)
    if wanted.offload and devices[0].type == "cpu":
        raise StudyError("offload: parts are kept off a GPU, and the device is cpu; leave --offload out")
    if devices[0].type == "cuda":
        os.environ.setdefault(CUBLAS_VARIABLE, CUBLAS_SOUND[0])  # the workers' as well; read when cuBLAS first runs
    found = find_pipeline(wanted.model, wanted.revision, wanted.variant, say)
    family = family_of(found.class_name, found.name)
    settings = _settings(wanted, found, family, devices[0])
    info = _info(found, family, settings, devices[0])
    count = len(devices) if workers is None else max(workers, 1)
    places = [
        Place(
            f"worker {number + 1} on {devices[number % len(devices)]}",
            {
                "folder": str(found.folder),
                "device": str(devices[number % len(devices)]),
                "offload": wanted.offload,
            },
        )
        for number in range(count)
    ]
    return {"class": found.class_name, "settings": settings.as_dict(), "info": info}, places


def _check_alike(devices: Sequence[torch.device]) -> None:
    names = sorted({device_name(device) for device in devices})
    if len(names) > 1:
        raise StudyError(f"device: {' and '.join(names)} give different pictures; a study has one kind of device")


def _settings(wanted: Wanted, found: Found, family: Family, device: torch.device) -> Settings:
    layout = read_layout(family, found.folder)
    width, height = wanted.width or layout.default_size[0], wanted.height or layout.default_size[1]
    known = KNOWN.get(found.name, Known(0))
    guidance = _first(wanted.guidance, known.guidance, _default(found.class_name, "guidance_scale"))
    dtype = wanted.dtype or ("float32" if device.type == "cpu" else family.half)
    dtype_of(dtype)
    if not math.isfinite(guidance):
        raise StudyError(f"guidance: {guidance} is no number that a pipeline can use; give one such as 7.5")
    if wanted.negative and not family.guided:
        raise StudyError(f"negative: a {found.class_name} takes no negative prompt; leave --negative out")
    if wanted.negative and guidance <= 1:
        raise StudyError(f"negative: has no effect at guidance {guidance:g}; leave it out, or give --guidance above 1")
    return Settings(
        steps=int(_first(wanted.steps, known.steps, _default(found.class_name, "num_inference_steps"))),
        guidance=float(guidance),
        width=width,
        height=height,
        negative=wanted.negative,
        dtype=dtype,
        variant=wanted.variant,
        batch=wanted.batch,
        noise=_noise(wanted, layout.shape(width, height), dtype),
    )


def _noise(wanted: Wanted, shape: tuple[int, int, int], dtype: str) -> NoiseSpec:
    """Return the noise spec: cpu and cuda draw in the pipeline's dtype, as diffusers itself does."""
    if wanted.card and wanted.noise != "cuda":
        raise StudyError("card: only the noise of cuda has one; leave --card out, or give --noise cuda")
    if wanted.noise in ("comfy", "comfy-cpu"):
        return NoiseSpec(shape)
    if wanted.noise == "cpu":
        return cpu_spec(shape, dtype)
    if wanted.noise == "cuda":
        return cuda_spec(shape, wanted.card or DEFAULT_CARD.name, dtype)
    raise NoiseError(f"noise: '{wanted.noise[:40]}' is unknown; use comfy, cpu or cuda")


def _default(class_name: str, parameter: str) -> Any:
    """Return what a pipeline's call takes where it is not told."""
    return inspect.signature(pipeline_class(class_name).__call__).parameters[parameter].default


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def _info(found: Found, family: Family, settings: Settings, device: torch.device) -> dict[str, Any]:
    from platformdirs import user_cache_path

    files = files_of(found, settings.variant, HashCache(user_cache_path("goodseed")))
    encoders = encoders_of(found, family)
    scheduler = read_config(found.folder / "scheduler" / "scheduler_config.json")
    with_guidance = family.guided and settings.guidance > 1
    shift = scheduler.get("shift")
    return {
        "model": model_entry(found.name, [family.denoiser], files, family.name),
        "vae": model_entry(found.name, ["vae"], files, family.name),
        "text_encoder": model_entry(found.name, encoders, files, family.name) if encoders else None,
        "adapters": [],
        "noise": {**settings.noise.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, settings.noise))},
        "sampling": {
            "sampler": str(scheduler.get("_class_name", "unknown")),
            "scheduler": str(scheduler.get("timestep_spacing") or scheduler.get("time_shift_type") or "its own"),
            "steps": settings.steps,
            "cfg": settings.guidance if with_guidance else 1.0,
            "guidance": settings.guidance,
            "shift": float(shift) if isinstance(shift, (int, float)) else None,
            "denoise": 1.0,
            "negative_prompt": settings.negative,
            "width": settings.width,
            "height": settings.height,
        },
        "diffusers": {
            "model": found.name,
            "revision": found.revision,
            "class": found.class_name,
            "scheduler": {key: value for key, value in scheduler.items() if value is not None},
            "step_noise": "a CPU generator of each picture's seed, after the draw of its initial noise",
            "dtype": settings.dtype,
            "device": device_name(device),
            "batch": settings.batch,
            "batch_mates": "computed together; alone, a picture may differ by rounding: 1 of 255 here and there",
            "versions": {name: version_of(name) for name in ("diffusers", "transformers")},
            "files": files,
        },
    }
