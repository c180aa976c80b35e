"""Generators and judges by name, imported only when asked for."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import StudyError
from goodseed.prompts import PromptSet
from goodseed.study.interfaces import Generator, Judge, Measurements, TextReader

if TYPE_CHECKING:
    from goodseed.study.engines.interface import Place
    from goodseed.study.metrics.source import Source

DEMOS = ("demo", "demo-inpaint")
DEMO_OPTIONS = ("steps", "cfg", "dtype")
NAMES = (*DEMOS, "comfy", "diffusers")
READERS = ("rapidocr", "tesseract")
_REFERENCE = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


def make_pair(
    name: str,
    metrics: Sequence[str] = (),
    source: Source | None = None,
    options: Mapping[str, Any] | None = None,
    place: Place | None = None,
) -> tuple[Generator, Judge]:
    """Make the generator called `name`, and its judge; the global random state stays as it was.

    `name` is one of `NAMES`, or `module:function` of a function that returns both. `options` (JSON) say what is
    generated; a `place`, where. The function is called with both where there is one of them, else with nothing. Where
    `metrics` are named, they judge instead, by the `source` of a reference where they need one to describe themselves.

    Raises:
        StudyError: for an unknown name, for a module or function that does not exist, and for options of a generator
            that has none.
        MissingExtraError: when what a metric needs is not installed.
    """
    with random_state_kept():
        generator, judge = _make_own_pair(name, options or {}, place)
        if metrics:
            from goodseed.study.metrics.catalogue import make_judge

            judge = make_judge(metrics, source)
        return generator, judge


def _make_own_pair(name: str, options: Mapping[str, Any], place: Place | None) -> tuple[Generator, Judge]:
    if name in DEMOS:
        odd = [option for option in options if option not in DEMO_OPTIONS]
        if odd:
            raise StudyError(f"generator {name}: has no option {odd[0]}; leave it away")
        return _make_demo(name, options)
    if name == "comfy":
        return _make_comfy(options, place)
    if name == "diffusers":
        return _make_diffusers(options, place)
    function = _imported("generator", name, NAMES)
    made = _called("generator", name, function, *((dict(options), place) if options or place else ()))
    if not (isinstance(made, tuple) and len(made) == 2):
        raise StudyError(f"generator: {name} returns {type(made).__name__}; let it return a generator and a judge")
    generator, judge = made
    _check_methods("generator", name, generator, ("describe", "generate"))
    _check_methods("judge", name, judge, ("describe", "measure"))
    return generator, judge


def make_reader(name: str) -> TextReader:
    """Make what reads text in holes; the global random state stays as it was.

    `name` is one of `READERS`, or `module:function` of a function that takes nothing and returns a reader.

    Raises:
        StudyError: for an unknown name, and for a module or function that does not exist.
        MissingExtraError: when what the reader needs is not installed.
    """
    with random_state_kept():
        if name in READERS:
            from goodseed.study.text_reader import OcrReader

            return OcrReader(name)
        reader: TextReader = _called("reader", name, _imported("reader", name, READERS))
        _check_methods("reader", name, reader, ("describe", "shares"))
        return reader


def default_prompts(name: str) -> tuple[PromptSet, PromptSet] | None:
    """Return the selection set and the held-out set that come with a generator, if any do."""
    if name not in DEMOS:
        return None
    from goodseed.demo.prompts import HELD_OUT, SELECTION

    return SELECTION, HELD_OUT


def check_generator(name: str) -> None:
    """Return if `name` is one of `NAMES` or written as module:function; nothing is imported.

    Raises:
        StudyError: for another name.
    """
    _check_name("generator", name, NAMES)


def _check_name(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known and not _REFERENCE.match(name):
        raise StudyError(f"{what}: '{name[:60]}' is unknown; use {', '.join(known)}, or module:function of your own")


def _imported(what: str, name: str, known: tuple[str, ...]) -> Any:
    _check_name(what, name, known)
    module_name, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module_name), function)
    except (ImportError, AttributeError) as error:
        raise StudyError(f"{what}: {name} cannot be imported ({error}); is it on PYTHONPATH?") from error


def _called(what: str, name: str, function: Any, *arguments: Any) -> Any:
    """Call a user's function, after looking whether it can be called so: an error within it is its own."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        given = "its options and a place" if arguments else "nothing"
        raise StudyError(f"{what}: {name} cannot be called with {given} ({error}); name a function that can") from error
    except ValueError:
        pass  # some functions in C do not say what they take
    return function(*arguments)


def _check_methods(what: str, name: str, made: object, methods: Sequence[str]) -> None:
    for method in methods:
        if not callable(getattr(made, method, None)):
            raise StudyError(f"{what}: {name} returns one without {method}(), which every {what} has")


@contextlib.contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch use one thread inside the block: its sums then do not depend on the machine's core count."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _make_comfy(options: Mapping[str, Any], place: Place | None) -> tuple[Generator, Judge]:
    if "workflow" not in options:
        raise StudyError("generator comfy: needs a workflow in API format; name it with --workflow")
    from goodseed.study.comfy.generator import ComfyGenerator

    return ComfyGenerator(options, place), NoJudge("comfy")


def _make_diffusers(options: Mapping[str, Any], place: Place | None) -> tuple[Generator, Judge]:
    if "settings" not in options:
        raise StudyError("generator diffusers: needs a pipeline; name its folder, or owner/name on the hub, by --model")
    from goodseed.study.diffusers.generator import DiffusersGenerator

    return DiffusersGenerator(options, place), NoJudge("diffusers")


class NoJudge:
    """The judge of a generator that brings none."""

    def __init__(self, generator: str) -> None:
        self._generator = generator

    def describe(self) -> dict[str, Any]:
        raise StudyError(f"generator {self._generator}: has no judge of its own; say what to measure with --metrics")

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        raise StudyError(f"generator {self._generator}: has no judge of its own")

    def reference(self, prompts: Sequence[str]) -> np.ndarray:
        raise StudyError(f"generator {self._generator}: has no judge of its own")


def _make_demo(name: str, options: Mapping[str, Any]) -> tuple[Generator, Judge]:
    from goodseed.demo.generator import DemoGenerator
    from goodseed.demo.judge import DemoJudge
    from goodseed.demo.weights import INPAINTING, TEXT_TO_IMAGE

    variant = INPAINTING if name == "demo-inpaint" else TEXT_TO_IMAGE
    return DemoGenerator(variant=variant, **options), DemoJudge()
