"""The metrics by name: what each measures and needs, and how it is made. Nothing heavy is imported before that."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from goodseed.errors import StudyError
from goodseed.study.metrics.parts import CombinedJudge, Part, SetPart
from goodseed.study.metrics.source import Source
from goodseed.study.metrics.weights import WeightsFile

_HERE = "goodseed.study.metrics"


@dataclass(frozen=True)
class Entry:
    """One metric, by the module that makes it."""

    kind: str
    """score, set (one number for a seed's set of images), traits or feature."""
    about: str
    place: str
    """`module:class` of the part that measures it; `files` are places of the weights that it needs."""
    given: tuple[str, ...] = ()
    """What the class is made with."""
    files: tuple[str, ...] = ()
    extra: str = ""
    """The extra of pyproject.toml that holds what it needs."""
    licence: str = ""
    """Of the weights."""
    of_source: bool = False
    """Whether it is made with a source, which it measures against."""

    def make(self, source: Source | None) -> Part:
        """Make the part; the module is imported by this."""
        part: Part = _at(self.place)(*((source,) if self.of_source else self.given))
        return part

    def weights(self) -> tuple[WeightsFile, ...]:
        """Return the files of weights: a place holds one, several, or some for each of what the class is made with."""
        found = (_at(place) for place in self.files)
        chosen = (one[self.given[0]] if isinstance(one, dict) else one for one in found)
        return tuple(file for one in chosen for file in (one if isinstance(one, tuple) else (one,)))


def _at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"{_HERE}.{module}"), name)


_HPS, _DEMO = "preference:HumanPreference", "demo:DemoRole"
_OF_HPS, _OF_OBJECTS = ("preference:HPS_FILES",), ("composition:MASK2FORMER_FILES", "composition:DEPTH_FILES")

# fmt: off
CATALOGUE: dict[str, Entry] = {
    "fid": Entry(
        "set", "Fréchet distance to a reference on Inception features",
        "inception:InceptionDistance", (), ("inception:INCEPTION",), "metrics", "Apache-2.0", of_source=True,
    ),
    "cmmd": Entry(
        "set", "maximum mean discrepancy to a reference on CLIP features; needs fewer images than fid",
        "clip:ClipDiscrepancy", (), ("clip:CLIP_FILES",), "metrics", "MIT", of_source=True,
    ),
    "hps": Entry("score", "human preference score v2.1", _HPS, ("hps",), _OF_HPS, "metrics", "Apache-2.0"),
    "hps-v2": Entry(
        "score", "human preference score v2, as in the paper", _HPS, ("hps-v2",), _OF_HPS, "metrics", "Apache-2.0"
    ),
    "pickscore": Entry(
        "score", "PickScore v1", "preference:PickScore", (), ("preference:PICKSCORE_FILES",), "metrics", "MIT"
    ),
    "style": Entry(
        "feature", "Gram matrices of VGG19", "style:GramStyle", (), ("style:VGG19",), licence="BSD-3-Clause"
    ),
    "composition": Entry(
        "feature", "place, size and nearness of the main object, by Mask2Former and Depth Anything V2 Small",
        "composition:ObjectComposition", (), _OF_OBJECTS, "metrics", "MIT, Apache-2.0",
    ),
    "traits": Entry(
        "traits", "grayscale, border, sky, saturation and sharpness, by pixels alone", "pixels:PixelTraits"
    ),
    "small": Entry(
        "feature", "the picture scaled down to 8×8: what tells seeds best; it stays with the study",
        "small:SmallPicture",
    ),
    "text": Entry("traits", "share of the picture under text", "text:TextShare", extra="inpaint"),
    "demo": Entry("all", "everything that the demo model's own judge measures", _DEMO, ("",)),
    "demo-score": Entry("score", "the demo judge's score of the prompt", _DEMO, ("score",)),
    "demo-fid": Entry("set", "Fréchet distance to drawn scenes of the same prompts", _DEMO, ("fid",)),
    "demo-style": Entry("feature", "style by the demo judge", _DEMO, ("style",)),
    "demo-composition": Entry("feature", "composition by the demo judge", _DEMO, ("composition",)),
    "demo-traits": Entry("traits", "traits by the demo judge", _DEMO, ("traits",)),
}
# fmt: on


def make_judge(names: Sequence[str], source: Source | None = None) -> CombinedJudge:
    """Make a judge of the metrics of these names; weights are loaded when it measures.

    Raises:
        StudyError: for a name that is unknown or named twice.
        MissingExtraError: when what a metric needs is not installed.
    """
    check_names(names)
    return CombinedJudge({name: CATALOGUE[name].make(source) for name in names})


def make_set_part(name: str) -> SetPart:
    """Make the part that measures a metric of sets.

    Raises:
        StudyError: for another metric.
    """
    if not needs_reference([name]):
        raise StudyError(
            f"metric {name}: is none that reads a reference; these are {', '.join(needs_reference(list(CATALOGUE)))}"
        )
    part: Any = CATALOGUE[name].make(None)
    return part  # type: ignore[no-any-return]


def check_names(names: Sequence[str]) -> None:
    """Return if all names are known and different.

    Raises:
        StudyError: otherwise.
    """
    for name in names:
        if name not in CATALOGUE:
            raise StudyError(f"metrics: '{name[:40]}' is unknown; use {', '.join(CATALOGUE)}")
    repeated = [name for name in names if list(names).count(name) > 1]
    if repeated:
        raise StudyError(f"metrics: {repeated[0]} is named twice; name each once")


def needs_reference(names: Sequence[str]) -> list[str]:
    """Return those of the metrics that are a distance to a reference of the user's."""
    found = (name for name in names if name in CATALOGUE and not name.startswith("demo"))
    return [name for name in found if CATALOGUE[name].kind == "set"]


def weights_of(names: Sequence[str]) -> list[WeightsFile]:
    """Return the files of weights that the metrics need, each once."""
    return list(dict.fromkeys(file for name in names for file in CATALOGUE[name].weights()))
