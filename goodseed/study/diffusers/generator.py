"""A pipeline of diffusers as a study's generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodseed.errors import StudyError
from goodseed.study.diffusers.families import FAMILIES
from goodseed.study.diffusers.identity import check_files
from goodseed.study.diffusers.pipeline import LoadedPipeline, is_out_of_memory
from goodseed.study.diffusers.settings import BATCH, Settings, check_device, device_name
from goodseed.study.engines.interface import Place

_SMALLER = "use --dtype float16 or bfloat16, --offload, or a smaller --width and --height"


class DiffusersGenerator:
    """Makes a batch of pictures a call; the pipeline is loaded by the first.

    Args:
        options: `settings` (see `Settings.as_dict`), `class`, the pipeline's, and `info`, what a bank says of it.
        place: `folder`, where the pipeline is, `device`, and `offload`. Without it nothing can be generated.
    """

    batch = BATCH
    shard_images = 32

    def __init__(self, options: Mapping[str, Any], place: Place | None = None) -> None:
        self._settings = Settings.from_dict(options["settings"])
        self._family = FAMILIES[options["class"]]
        self._info = dict(options["info"])
        self._place = place
        self._pipeline: LoadedPipeline | None = None
        self.batch = self._fits = self._settings.batch
        self.say: Callable[[str], None] = lambda line: None

    def describe(self) -> dict[str, Any]:
        """Return the parts of a bank's info, as they were found when the study was planned."""
        return dict(self._info)

    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one picture a seed: uint8 [B, H, W, 3]. Where memory is short, the batch is halved, once and for all.

        Raises:
            WeightsError: when the pipeline cannot be loaded.
            StudyError: when one picture does not fit into memory, or the pipeline gives something else than planned.
        """
        before = self._fits
        pictures: list[np.ndarray] = []
        first = 0
        while first < len(seeds):
            some = seeds[first : first + self._fits]
            made = self._painted(prompt, some)
            if made is not None:
                pictures.append(made)
                first += len(some)
            elif len(some) == 1:
                raise StudyError(f"{self._device}: has too little memory for one picture; {_SMALLER}")
            else:
                self._fits = len(some) // 2
        if self._fits < before:
            self.say(
                f"{self._device}: has too little memory for batches of {before}; goes on with {self._fits}, whose "
                f"pictures may differ by rounding: with --batch {self._fits} the bank is the same wherever it is made"
            )
        while self._pipeline is not None and self._pipeline.remarks:
            self.say(f"{self._device}: {self._pipeline.remarks.pop(0)}")
        return np.concatenate(pictures)

    def _painted(self, prompt: str, seeds: Sequence[int]) -> np.ndarray | None:
        """Return the pictures of one batch, or None where memory is short."""
        if self._pipeline is None:
            self._pipeline = self._load()
        try:
            return self._pipeline.paint(prompt, seeds)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        if self._device.type == "cuda":  # after the error has let go of what it held
            torch.cuda.empty_cache()
        return None

    def _load(self) -> LoadedPipeline:
        settings = self._place.settings if self._place is not None else {}
        if "folder" not in settings:
            raise StudyError("generator diffusers: no folder is named; give a pipeline with --model")
        folder, device, planned = Path(settings["folder"]), self._device, self._info["diffusers"]
        if device_name(device) != planned["device"]:
            raise StudyError(
                f"device: {device} is {device_name(device)}, the study was planned on {planned['device']}; "
                "pictures of different devices differ: use the same everywhere"
            )
        check_files(folder, planned["files"])
        try:
            return LoadedPipeline(self._family, folder, self._settings, device, bool(settings.get("offload")))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise StudyError(f"{device}: has too little memory for {planned['model']}; {_SMALLER}") from error

    @property
    def _device(self) -> torch.device:
        return check_device(str(self._place.settings.get("device", "cpu")) if self._place is not None else "cpu")
