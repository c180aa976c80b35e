"""The stages of two images side by side: where they part first, and how far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from goodseed.provenance.diff.places import DECODED, LATENT, PIXELS, RUN_STAGES
from goodseed.provenance.diff.runs import RunPair
from goodseed.provenance.fingerprint import distance

INPUTS = tuple(stage for stage in RUN_STAGES if stage != LATENT)
"""What a run starts from; none of them follows from another."""
FLOAT_NOISE = 0.02
"""The largest relative distance that other arithmetic alone is blamed for; half precision stays below it."""


@dataclass(frozen=True)
class Stage:
    """`same` is None where one of the two was not observed, `apart` the relative distance where it can be told."""

    stage: str
    run: int | None
    same: bool | None
    apart: float | None

    def as_dict(self) -> dict[str, Any]:
        return {"stage": self.stage, "run": self.run, "same": self.same, "distance": self.apart}


def compare_stages(
    a: Mapping[str, Any], b: Mapping[str, Any], pairs: Iterable[RunPair], encoded_alike: bool
) -> list[Stage]:
    """Return each stage of each pair of runs, then the decoded image and the pixels, in the order of the work.

    `encoded_alike` says whether both files were written in one format and quality. A lossy file's record holds the
    pixels before encoding.
    """
    found: list[Stage] = []
    for number, (first, second) in enumerate(pairs, 1):
        for stage in RUN_STAGES:
            found.append(_compared(stage, number, *_prints(stage, a, b, first, second)))
    found.append(_compared(DECODED, None, a.get("decoded"), b.get("decoded")))
    pixels = _compared(PIXELS, None, a.get("pixels"), b.get("pixels"))
    if pixels.same and not encoded_alike and (a.get("lossy") or b.get("lossy")):
        pixels = Stage(PIXELS, None, False, None)
    return [*found, pixels]


def first_apart(stages: Iterable[Stage]) -> list[Stage]:
    """Return the stages where two images part: those that differ while all that they follow from agree.

    What a run starts from follows from no other stage. A latent, the decoded image and the pixels follow from all
    before them.
    """
    found: list[Stage] = []
    parted = False
    for stage in stages:
        if stage.same is not False:
            continue
        if stage.stage in INPUTS or not parted:
            found.append(stage)
        parted = True
    return found


def agreeing(stages: Iterable[Stage]) -> set[str]:
    """Return the names of the stages that were observed, in every run, and are the same."""
    seen: dict[str, bool] = {}
    for stage in stages:
        seen[stage.stage] = seen.get(stage.stage, True) and stage.same is True
    return {name for name, agrees in seen.items() if agrees}


def is_same_image(stages: Iterable[Stage]) -> bool | None:
    """Say whether the saved pixels are the same, or the decoded images where no pixels are known; None if unknown."""
    known = {stage.stage: stage.same for stage in stages if stage.run is None and stage.same is not None}
    return known.get(PIXELS, known.get(DECODED))


def _prints(
    stage: str, a: Mapping[str, Any], b: Mapping[str, Any], first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return a stage's fingerprints: of the records' own items where both have them, or of the whole batches."""
    items = _item(stage, a, first), _item(stage, b, second)
    if all(items):
        return items
    return tuple(_inner(run, "stages").get(stage) for run in (first, second))  # type: ignore[return-value]


def _item(stage: str, record: Mapping[str, Any], run: Mapping[str, Any]) -> Any:
    prints, index = _inner(run, "item_stages").get(stage), run.get("item", _inner(record, "batch").get("index"))
    if isinstance(prints, list) and isinstance(index, int) and 0 <= index < len(prints):
        return prints[index]
    return None


def _inner(part: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = part.get(name)
    return value if isinstance(value, Mapping) else {}


def _compared(stage: str, run: int | None, a: Any, b: Any) -> Stage:
    if not isinstance(a, Mapping) or not isinstance(b, Mapping):
        return Stage(stage, run, None, None)
    same = a.get("sha256") == b.get("sha256") and a.get("shape") == b.get("shape")
    if same:
        return Stage(stage, run, True, 0.0)
    return Stage(stage, run, False, distance(a, b) if "sketch" in a and "sketch" in b else None)
