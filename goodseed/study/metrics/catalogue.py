"""The metrics by name: what each measures and needs, and how it is made. Nothing heavy is imported before that."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
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
    make: Callable[[Source | None], Part]
    weights: Callable[[], tuple[WeightsFile, ...]] = tuple
    extra: str = ""
    """The extra of pyproject.toml that holds what it needs."""
    licence: str = ""
    """Of the weights."""


def _at(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"{_HERE}.{module}"), name)


CATALOGUE: dict[str, Entry] = {
    "fid": Entry(
        "set",
        "Fréchet distance to a reference on Inception features",
        lambda source: _at("inception", "InceptionDistance")(source),
        lambda: (_at("inception", "INCEPTION"),),
        "metrics",
        "Apache-2.0",
    ),
    "cmmd": Entry(
        "set",
        "maximum mean discrepancy to a reference on CLIP features; needs fewer images than fid",
        lambda source: _at("clip", "ClipDiscrepancy")(source),
        lambda: _at("clip", "CLIP_FILES"),
        "metrics",
        "MIT",
    ),
    "hps": Entry(
        "score",
        "human preference score v2.1",
        lambda source: _at("preference", "HumanPreference")("hps"),
        lambda: (_at("preference", "HPS_FILES")["hps"],),
        "metrics",
        "Apache-2.0",
    ),
    "hps-v2": Entry(
        "score",
        "human preference score v2, as in the paper",
        lambda source: _at("preference", "HumanPreference")("hps-v2"),
        lambda: (_at("preference", "HPS_FILES")["hps-v2"],),
        "metrics",
        "Apache-2.0",
    ),
    "pickscore": Entry(
        "score",
        "PickScore v1",
        lambda source: _at("preference", "PickScore")(),
        lambda: _at("preference", "PICKSCORE_FILES"),
        "metrics",
        "MIT",
    ),
    "style": Entry(
        "feature",
        "Gram matrices of VGG19",
        lambda source: _at("style", "GramStyle")(),
        lambda: (_at("style", "VGG19"),),
        "",
        "BSD-3-Clause",
    ),
    "composition": Entry(
        "feature",
        "place, size and nearness of the main object, by Mask2Former and Depth Anything V2 Small",
        lambda source: _at("composition", "ObjectComposition")(),
        lambda: (*_at("composition", "MASK2FORMER_FILES"), *_at("composition", "DEPTH_FILES")),
        "metrics",
        "MIT, Apache-2.0",
    ),
    "traits": Entry(
        "traits",
        "grayscale, border, sky, saturation and sharpness, by pixels alone",
        lambda source: _at("pixels", "PixelTraits")(),
    ),
    "small": Entry(
        "feature",
        "the picture scaled down to 8×8: what tells seeds best; it stays with the study",
        lambda source: _at("small", "SmallPicture")(),
    ),
    "text": Entry(
        "traits", "share of the picture under text", lambda source: _at("text", "TextShare")(), extra="inpaint"
    ),
    "demo": Entry("all", "everything that the demo model's own judge measures", lambda source: _demo("")),
    "demo-score": Entry("score", "the demo judge's score of the prompt", lambda source: _demo("score")),
    "demo-fid": Entry("set", "Fréchet distance to drawn scenes of the same prompts", lambda source: _demo("fid")),
    "demo-style": Entry("feature", "style by the demo judge", lambda source: _demo("style")),
    "demo-composition": Entry("feature", "composition by the demo judge", lambda source: _demo("composition")),
    "demo-traits": Entry("traits", "traits by the demo judge", lambda source: _demo("traits")),
}


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


def _demo(role: str) -> Part:
    from goodseed.study.metrics.demo import DemoRole

    return DemoRole(role)
