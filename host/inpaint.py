"""The Inpaint Artifact Filter on the host's lists: tensors in, tensors out, a stop button that works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from goodseed.inpaint.batch import Settings, fitted_pairs, places_of, scan_batches, spread
from goodseed.inpaint.engines import make_engine
from goodseed.inpaint.overlay import draw_overlay
from goodseed.inpaint.rapid import check_packages
from goodseed.inpaint.sorting import sort_images, summary
from goodseed.plain import plain
from goodseed.provenance.embed import to_uint8
from goodseed.provenance.selection import Place

from .observe import note_selection
from .show import MOST_SHOWN, show_pictures

IMAGES, REJECTED, OVERLAY = 0, 2, 5
"""The node's outputs that hold images, by slot."""

NO_SEEDS = "Inpaint Artifact Filter: connect the images' seeds to its input seeds, or disconnect this output."


@dataclass(frozen=True)
class Asked:
    """The node's widgets; an input that is a list of one there is one value here."""

    mode: str
    threshold: float
    count: int
    when_none: str
    prompts: Sequence[str]
    invert: bool
    engine: str

    @classmethod
    def from_lists(cls, inputs: Mapping[str, Sequence[Any]]) -> Asked:
        """Take the first of each list, and every prompt."""
        mode, threshold, count, when_none = (inputs[name][0] for name in ("mode", "threshold", "count", "when_none"))
        invert, engine = (inputs.get(name, [other])[0] for name, other in (("invert", False), ("engine", "rapidocr")))
        return cls(mode, threshold, count, when_none, inputs.get("prompt") or [""], invert, engine)


def filter_images(
    images: Sequence[Tensor],
    masks: Sequence[Tensor],
    originals: Sequence[Tensor] | None,
    seeds: Sequence[int] | None,
    asked: Asked,
) -> tuple[Any, ...]:
    """Return the node's outputs: kept images, their seeds, the others, theirs, shares, overlays, and the report.

    images, originals: lists of [B, H, W, C]; masks: of [B, h, w]. A list that would be empty holds a blocker instead,
    since the host runs no node on an empty list but fails; the nodes below it then do not run.

    Raises:
        ScanError: for inputs that do not go together, or when no image is clean and that is to stop.
        MissingExtraError: when the packages that read text are not installed.
    """
    places = places_of(images)
    seed_of = [seeds[place] for place in spread(len(seeds), images, "seeds")] if seeds else None
    arrays, mask_arrays, before = (
        [batch.detach().cpu().float().numpy() for batch in batches or ()] for batches in (images, masks, originals)
    )
    bar = ProgressBar(len(places))

    def look_up(done: int, total: int) -> None:
        throw_exception_if_processing_interrupted()
        bar.update_absolute(done, total)

    engine, settings = make_engine(asked.engine), Settings(invert=asked.invert)
    found = scan_batches(arrays, mask_arrays, engine, asked.prompts, before, settings, look_up)
    chosen = sort_images(found, asked.mode, asked.threshold, asked.count, asked.when_none)
    drawn = [
        torch.from_numpy(draw_overlay(picture, mask, one)[None].astype("float32") / 255)
        for one, (picture, mask) in zip(found, fitted_pairs(arrays, mask_arrays, settings), strict=True)
    ]
    warning = check_packages() if asked.engine == "rapidocr" else ""
    sides = [(_images(images, places, side), _seeds(seed_of, side)) for side in (chosen.kept, chosen.rejected)]
    report = summary(found, seed_of, chosen, warning)
    origins = [Place(batch, place, len(images[batch])) for batch, place in places]
    note_selection({
        IMAGES: [origins[place] for place in chosen.kept],
        REJECTED: [origins[place] for place in chosen.rejected],
        OVERLAY: origins,
    })  # fmt: skip
    return (*sides[0], *sides[1], [one.share for one in found], drawn, report)


def shown_on_node(overlays: Sequence[Tensor], report: str) -> dict[str, Any]:
    """Return what the node shows: the overlays [1, H, W, C], as many as there is room for, and the report."""
    pictures = [to_uint8(overlay[0].numpy()) for overlay in overlays[:MOST_SHOWN]]
    return {"images": show_pictures(pictures, "goodseed-filter"), "text": [plain(report)]}


def _images(images: Sequence[Tensor], places: Sequence[tuple[int, int]], side: Sequence[int]) -> Any:
    parts = (places[place] for place in side)
    return [images[batch][place : place + 1] for batch, place in parts] or ExecutionBlocker(None)


def _seeds(seeds: Sequence[int] | None, side: Sequence[int]) -> Any:
    if seeds is None:
        return ExecutionBlocker(NO_SEEDS)
    return [seeds[place] for place in side] or ExecutionBlocker(None)
