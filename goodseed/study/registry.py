"""Generators and judges by name, imported only when asked for."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator

from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import StudyError
from goodseed.prompts import PromptSet
from goodseed.study.interfaces import Generator, Judge

NAMES = ("demo",)
_REFERENCE = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


def make_pair(name: str) -> tuple[Generator, Judge]:
    """Make the generator called `name`, and its judge; the global random state stays as it was.

    `name` is one of `NAMES`, or `module:function` of a function that takes nothing and returns both.

    Raises:
        StudyError: for an unknown name, and for a module or function that does not exist.
    """
    with random_state_kept():
        if name == "demo":
            return _make_demo()
        if not _REFERENCE.match(name):
            known = ", ".join(NAMES)
            raise StudyError(f"generator: '{name[:60]}' is unknown; use {known}, or module:function of your own")
        module_name, _, function = name.partition(":")
        try:
            maker = getattr(importlib.import_module(module_name), function)
        except (ImportError, AttributeError) as error:
            raise StudyError(f"generator: {name} cannot be imported ({error}); is it on PYTHONPATH?") from error
        generator, judge = maker()
        return generator, judge


def default_prompts(name: str) -> tuple[PromptSet, PromptSet] | None:
    """Return the selection set and the held-out set that come with a generator, if any do."""
    if name != "demo":
        return None
    from goodseed.demo.prompts import HELD_OUT, SELECTION

    return SELECTION, HELD_OUT


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


def _make_demo() -> tuple[Generator, Judge]:
    from goodseed.demo.generator import DemoGenerator
    from goodseed.demo.judge import DemoJudge

    return DemoGenerator(), DemoJudge()
