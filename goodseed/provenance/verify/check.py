"""Pictures of a running graph held against a picture or a record: what ReproductionCheck says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goodseed.errors import VerifyError
from goodseed.provenance.fingerprint import distance, pixels_of
from goodseed.provenance.recipe import links_of
from goodseed.provenance.verify.images import EYE_PSNR, Pixels
from goodseed.provenance.verify.verdict import DIFFERENT, IDENTICAL, SAME_TO_THE_EYE, VERDICTS, Reference

Record = Mapping[str, Any]

UNCHECKED = "unchecked"
_PICTURES = ("images", "image")
_CAUSES_SHOWN = 5


@dataclass
class Checked:
    """The worst verdict of a batch, and one line for each thing to say."""

    verdict: str = UNCHECKED
    lines: list[str] = field(default_factory=list)
    causes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        return self.verdict == IDENTICAL

    def add(self, item: int, verdict: str, why: str) -> None:
        """Note one picture's verdict."""
        order = (UNCHECKED, *VERDICTS)
        self.verdict = max(self.verdict, verdict, key=order.index)
        self.lines.append(f"image {item}: {verdict.replace('-', ' ')}{f', {why}' if why else ''}")

    def __str__(self) -> str:
        head = "nothing to compare with" if self.verdict == UNCHECKED else self.verdict.replace("-", " ")
        causes = [
            f"{cause['cause']}, {cause['where']}: {cause['why']} To mend it: {cause['fix']}"
            for cause in self.causes[:_CAUSES_SHOWN]
        ]
        return "\n".join([head, *self.lines, *causes])


def check(
    pictures: Sequence[Pixels], records: Sequence[Record], reference: Sequence[Pixels], recorded: Record | None
) -> Checked:
    """Compare a batch of pictures, with the records of their own run, with reference pictures or with a record.

    A batch of one reference stands for every picture. A record stands for the item of the batch that it names; where
    it knows no pixels of its own, its decoded image's fingerprint stands in, which estimates how far they are apart.

    Raises:
        VerifyError: when the reference has another number of pictures.
    """
    found = Checked()
    if len(reference) not in (0, 1, len(pictures)):
        raise VerifyError(f"reference: has {len(reference)} pictures for {len(pictures)} images; give one, or as many")
    for item, picture in enumerate(pictures) if reference else ():
        outcome = Reference(reference[item % len(reference)]).judge(picture)
        said = str(outcome.difference) if outcome.difference is not None else "another size"
        found.add(item, outcome.verdict, said if outcome.verdict != IDENTICAL else "")
    if recorded is not None:
        item = _item_of(recorded, len(pictures))
        own = records[item]
        if not reference:
            found.add(item, *_by_record(pictures[item], own, recorded))
        if not found.identical:
            from goodseed.provenance.diff import diff  # late: it would lengthen ComfyUI's start

            found.causes = diff(_shown(recorded), _shown(own))["causes"]
    return found


def estimated_psnr(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> float | None:
    """Return the PSNR in dB of two fingerprinted pictures with values in 0…1, within about 2 dB; None if unknown."""
    apart = distance(a, b)
    if apart is None or a is None or b is None:
        return None
    squares = apart**2 * (a["norm"] ** 2 + b["norm"] ** 2) / 2
    return 10 * math.log10(math.prod(a["shape"]) / squares) if squares > 0 else math.inf


def _item_of(record: Record, count: int) -> int:
    """Return which picture of a batch a record is of: the item that it names, where the batch is as large."""
    batch = record.get("batch") or {}
    if batch.get("size") == count:
        return int(batch["index"])
    if count == 1:
        return 0
    raise VerifyError(
        f"record: is of a batch of {batch.get('size', 'unknown size')}, and these are {count} images; "
        "run the batch at its size, or pick the image"
    )


def _by_record(picture: Pixels, own: Record, recorded: Record) -> tuple[str, str]:
    saved = recorded.get("pixels")
    if saved is not None and pixels_of(picture) == {name: saved[name] for name in ("sha256", "shape", "dtype")}:
        return IDENTICAL, ""
    estimate = estimated_psnr(own.get("decoded"), recorded.get("decoded"))
    if estimate is None:
        return DIFFERENT, "other pixels; the record does not allow to tell how far they are apart"
    verdict = SAME_TO_THE_EYE if estimate >= EYE_PSNR else DIFFERENT
    return verdict, f"PSNR about {min(estimate, 120.0):.0f} dB, by the fingerprints"


def _shown(record: Record) -> Record:
    """Return a record whose saver is nothing but a place where pictures end, so that savers are no difference."""
    recipe = record.get("recipe")
    saver = recipe["nodes"].get(recipe["saver"]) if recipe else None
    if recipe is None or saver is None:
        return record
    links = links_of(saver)
    name = next((name for name in _PICTURES if name in links), None)
    inputs = {"images": {"link": list(links[name])}} if name is not None else {}
    nodes = {**recipe["nodes"], recipe["saver"]: {"class_type": "SaveImage", "title": None, "inputs": inputs}}
    return {**record, "recipe": {**recipe, "nodes": nodes}}
