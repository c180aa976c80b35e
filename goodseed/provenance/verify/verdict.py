"""What a run says about an image: the same pixels, the same to the eye, or another picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from goodseed.provenance.fingerprint import pixels_of
from goodseed.provenance.verify.images import Difference, Pixels, difference

IDENTICAL, SAME_TO_THE_EYE, DIFFERENT = "identical", "same-to-the-eye", "different"
VERDICTS = (IDENTICAL, SAME_TO_THE_EYE, DIFFERENT)
"""From best to worst."""


@dataclass(frozen=True)
class Outcome:
    """One picture held against the reference; `difference` is None where their sizes differ."""

    verdict: str
    sha256: str
    difference: Difference | None
    index: int = 0
    record: Mapping[str, Any] | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """Order outcomes from best to worst."""
        return VERDICTS.index(self.verdict), -self.difference.psnr if self.difference is not None else 0.0

    def as_dict(self) -> dict[str, Any]:
        apart = self.difference.as_dict() if self.difference is not None else None
        return {"verdict": self.verdict, "pixels": self.sha256, "index": self.index, "difference": apart}


@dataclass(frozen=True)
class Reference:
    """The pixels of an image file, and hash and shape of those that were encoded where the format changes them."""

    pixels: Pixels
    encoded: Mapping[str, Any] | None = None

    def judge(self, pixels: Pixels, index: int = 0, record: Mapping[str, Any] | None = None) -> Outcome:
        """Hold a picture against the reference: hash first, then how far they are apart."""
        found, apart = pixels_of(pixels), difference(self.pixels, pixels)
        sha256 = found["sha256"]
        if found in (pixels_of(self.pixels), self.encoded):
            return Outcome(IDENTICAL, sha256, apart, index, record)
        close = apart is not None and apart.same_to_the_eye
        return Outcome(SAME_TO_THE_EYE if close else DIFFERENT, sha256, apart, index, record)


@dataclass
class Verification:
    """The answer of `goodseed verify`."""

    verdict: str
    runs: list[Outcome]
    causes: list[dict[str, Any]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    perturbed: list[dict[str, Any]] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def repeatable(self) -> bool | None:
        """Whether the runs give the same pixels among themselves; None for a single run."""
        return len({run.sha256 for run in self.runs}) == 1 if len(self.runs) > 1 else None

    @property
    def computed(self) -> bool | None:
        """Whether the picture changes with a parameter; None where that was not asked."""
        return any(found["changed"] for found in self.perturbed) if self.perturbed is not None else None

    @property
    def good(self) -> bool:
        """Whether the image is reproduced: the same pixels in every run, and computed."""
        return self.verdict == IDENTICAL and self.computed is not False

    def as_dict(self) -> dict[str, Any]:
        worst = max(self.runs, key=lambda run: run.rank)
        return {
            "verdict": self.verdict,
            "causes": self.causes,
            "difference": worst.as_dict()["difference"],
            "stages": self.stages,
            "runs": [run.as_dict() for run in self.runs],
            "repeatable": self.repeatable,
            "perturbed": self.perturbed,
            "computed": self.computed,
            "notes": self.notes,
        }
