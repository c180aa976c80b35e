"""Which images to keep: those without text, or those with the least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goodseed.errors import ScanError
from goodseed.inpaint.scan import Found, texts_of

MODES = ("keep", "best", "sort")
WHEN_NONE = ("stop", "least bad")


@dataclass(frozen=True)
class Sorted:
    """Places of the images that are kept and of those that are not, in the order to give them; and a note."""

    kept: tuple[int, ...]
    rejected: tuple[int, ...]
    note: str = ""


def sort_images(
    found: Sequence[Found], mode: str = "keep", threshold: float = 0.0, count: int = 1, when_none: str = "stop"
) -> Sorted:
    """Return which images to keep.

    mode: keep: all whose share of text is `threshold` or less, in their order; best: the `count` with the least text,
    sort: all, the least text first. when_none: what keep does when no image is clean.

    Raises:
        ScanError: for an unknown mode, a threshold that is no share, or when no image is clean and that is to stop.
    """
    if mode not in MODES or when_none not in WHEN_NONE:
        raise ScanError(f"mode '{mode}', when none '{when_none}': use {'/'.join(MODES)} and {'/'.join(WHEN_NONE)}")
    check_threshold(threshold)
    if count < 1:
        raise ScanError(f"count {count}: keep at least one image")
    ranked = [int(place) for place in np.argsort([one.share for one in found], kind="stable")]
    clean = [place for place, one in enumerate(found) if one.share <= threshold]
    note = ""
    if mode == "keep":
        kept = clean
        if not kept:
            note = _none_clean(found, ranked[0], threshold)
            if when_none == "stop":
                raise ScanError(f"{note}; try other seeds, raise threshold, or set when_none to 'least bad'")
            kept = ranked[:1]
    else:
        kept = ranked[:count] if mode == "best" else ranked
        dirty = len(set(kept) - set(clean))
        note = f"{dirty} of the images that are kept {'has' if dirty == 1 else 'have'} text" if dirty else ""
    rejected = [place for place in range(len(found)) if place not in set(kept)]
    return Sorted(tuple(kept), tuple(rejected), note)


def check_threshold(threshold: float) -> float:
    """Return a threshold if it is a share.

    Raises:
        ScanError: otherwise.
    """
    if not 0 <= threshold <= 1:
        raise ScanError(f"threshold {threshold}: is no share of the mask; give 0 to 1")
    return threshold


def summary(found: Sequence[Found], seeds: Sequence[int] | None, chosen: Sorted, warning: str = "") -> str:
    """Return what was found, for people: a line for each image."""
    kept = len(chosen.kept)
    lines = [f"**Inpaint Artifact Filter**: {kept} of {len(found)} images kept"]
    lines += [f"{note}." for note in (chosen.note, warning) if note]
    for place, one in enumerate(found):
        seed = f", seed {seeds[place]}" if seeds else ""
        own = f"; {one.mimicry:.0%} of the letters are the prompt's" if one.boxes and one.mimicry is not None else ""
        said = f"text on {percent(one.share)} of the mask: {texts_of(one.boxes)}{own}" if one.boxes else "no text"
        lines.append(f"- {'kept' if place in chosen.kept else 'rejected'}: image {place}{seed}: {said}")
    return "\n".join(lines)


def percent(share: float) -> str:
    """Return a share as per cent, with three digits."""
    return f"{100 * share:.3g} %"


def _none_clean(found: Sequence[Found], least: int, threshold: float) -> str:
    one = found[least]
    return (
        f"no image is clean: the least text is in image {least}, on {percent(one.share)} of the mask "
        f"(threshold {percent(threshold)}): {texts_of(one.boxes)}"
    )
