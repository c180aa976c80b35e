"""A loaded pipeline: prompts encoded once, latents handed in, pictures out."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodseed.determinism.flags import DETERMINISTIC, numerics
from goodseed.determinism.ops import catching
from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import StudyError, WeightsError
from goodseed.noise import initial_noise
from goodseed.study.diffusers.families import Family, packed
from goodseed.study.diffusers.packages import library, quiet
from goodseed.study.diffusers.settings import Settings, dtype_of

Embeds = dict[str, torch.Tensor]
"""The arguments of a pipeline's call that stand for one prompt, each [1, …]."""


class LoadedPipeline:
    """A pipeline on its device, and the prompt that it has encoded last.

    Args:
        offload: keep the parts in the CPU's memory until each is needed, for models larger than the GPU's memory.

    Raises:
        WeightsError: when the folder's files are damaged or do not fit each other.
    """

    def __init__(
        self, family: Family, folder: Path, settings: Settings, device: torch.device, offload: bool = False
    ) -> None:
        self._family, self._settings, self._device = family, settings, device
        self._pipe = _load(family, folder, settings, device, offload)
        self._encoded: tuple[str, Embeds] | None = None
        self.remarks: list[str] = []
        """What a user should know of the pictures so far; taken from here by whoever says it."""
        self._remarked: set[str] = set()

    @torch.no_grad()
    def paint(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one picture a seed, made in one batch: uint8 [B, H, W, 3], rounded as diffusers does it.

        Raises:
            StudyError: when a picture holds NaN, or the scheduler draws from the random state that all share.
        """
        settings = self._settings
        with quiet(), numerics(DETERMINISTIC), catching() as unrepeatable, self._own_randomness():
            embeds = {name: value.repeat_interleave(len(seeds), dim=0) for name, value in self._embeds(prompt).items()}
            noise = torch.stack([initial_noise(seed, settings.noise) for seed in seeds])
            latents = (packed(noise) if self._family.packed else noise).to(dtype_of(settings.dtype))
            pictures = self._pipe(
                **embeds,
                latents=latents.to(self._device),
                generator=[_step_generator(seed, settings) for seed in seeds],
                num_inference_steps=settings.steps,
                guidance_scale=settings.guidance,
                width=settings.width,
                height=settings.height,
                output_type="np",
                return_dict=False,
            )[0]
        if unrepeatable:
            self._remark(
                "unrepeatable",
                f"{', '.join(unrepeatable)} cannot be computed the same way twice here; "
                "a picture may differ by rounding when it is made again",
            )
        return self._checked(pictures)

    def _embeds(self, prompt: str) -> Embeds:
        """Encode a prompt, or take what it was encoded to before."""
        if self._encoded is None or self._encoded[0] != prompt:
            family, settings = self._family, self._settings
            more: dict[str, Any] = dict(family.encode)
            if family.guided:
                more |= {
                    "do_classifier_free_guidance": settings.guidance > 1,
                    "negative_prompt": settings.negative or None,
                }
            found = self._pipe.encode_prompt(prompt=prompt, device=self._device, num_images_per_prompt=1, **more)
            named = zip(family.embeds, found, strict=True)
            if not self._reads_all_of(prompt):
                self._remark(
                    "long", f"prompt '{prompt[:40]}…' is longer than this pipeline reads; it leaves the rest out"
                )
            self._encoded = prompt, {name: value for name, value in named if name and value is not None}
        return self._encoded[1]

    def _reads_all_of(self, prompt: str) -> bool:
        """Say whether a text encoder is given all of a prompt: CLIP's are given 77 tokens at most."""
        names = [encoder.replace("text_encoder", "tokenizer") for encoder in self._family.encoders]
        tokenizers = [found for name in names if (found := getattr(self._pipe, name, None)) is not None]
        return any(len(found(prompt).input_ids) <= found.model_max_length for found in tokenizers)

    def _remark(self, kind: str, line: str) -> None:
        """Keep a remark, the first of its kind."""
        if kind not in self._remarked:
            self._remarked.add(kind)
            self.remarks.append(line)

    @contextlib.contextmanager
    def _own_randomness(self) -> Iterator[None]:
        with random_state_kept():
            before = self._shared_state()
            yield
            if any(not torch.equal(old, new) for old, new in zip(before, self._shared_state(), strict=True)):
                raise StudyError(
                    f"scheduler: {type(self._pipe.scheduler).__name__} draws noise that no seed decides about; "
                    "put another one into the pipeline's folder"
                )

    def _shared_state(self) -> list[torch.Tensor]:
        states = [torch.get_rng_state()]
        return [*states, torch.cuda.get_rng_state(self._device)] if self._device.type == "cuda" else states

    def _checked(self, pictures: np.ndarray) -> np.ndarray:
        settings = self._settings
        if not np.isfinite(pictures).all():
            raise StudyError(
                f"the pipeline gave NaN in {settings.dtype}; use --dtype "
                + ("bfloat16 or float32" if settings.dtype == "float16" else "float32")
            )
        height, width = pictures.shape[1:3]
        if (width, height) != (settings.width, settings.height):
            raise StudyError(
                f"the pipeline gave {width}×{height} where the study has {settings.width}×{settings.height}; "
                "a study has one resolution: does its VAE fit its configuration?"
            )
        pixels: np.ndarray = (pictures * 255).round().astype(np.uint8)
        return pixels


def _load(family: Family, folder: Path, settings: Settings, device: torch.device, offload: bool) -> Any:
    diffusers = library()
    _use_a_lock_of_this_process()
    with quiet(), random_state_kept(), warnings.catch_warnings():
        # Of old configurations, and of torch_dtype, beside which older versions know no other name.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            pipe = diffusers.DiffusionPipeline.from_pretrained(
                folder,
                torch_dtype=dtype_of(settings.dtype),
                variant=settings.variant or None,
                local_files_only=True,
                **family.load,
            )
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            why = " ".join(str(error).split())[:160]
            raise WeightsError(f"{folder}: cannot be loaded ({why}); fetch or save the pipeline again") from error
        pipe.set_progress_bar_config(disable=True)
        pipe.vae.enable_slicing()  # pictures are decoded one by one: in less memory, and none depends on the others
        if offload:
            pipe.enable_model_cpu_offload(device=device)
        else:
            pipe.to(device)
    return pipe


def _use_a_lock_of_this_process() -> None:
    """Let progress bars share a lock among threads only: theirs among processes is left behind by a stopped worker."""
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())


def _step_generator(seed: int, settings: Settings) -> torch.Generator:
    """Return what a picture's scheduler draws from: a CPU generator that has drawn the initial noise, as diffusers'."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    torch.randn((1, *settings.noise.shape), generator=generator)
    return generator


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error of torch means that memory is short, on a GPU or on the CPU."""
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in text for word in ("out of memory", "can't allocate memory"))
