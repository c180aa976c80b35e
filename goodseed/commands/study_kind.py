"""What `goodseed study` measures, and what it asks of any kind of generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from goodseed.commands.output import console
from goodseed.errors import PromptError, StudyError
from goodseed.prompts import PromptSet, read_prompts

if TYPE_CHECKING:
    from goodseed.study.engines.interface import Place
    from goodseed.study.interfaces import Generator
    from goodseed.study.metrics.source import Source
    from goodseed.study.plan import Plan


@dataclass(frozen=True)
class Cells:
    """Seeds, prompts and metrics, whatever the generator; `reader` and `pairs` where holes are filled as well."""

    generator: str
    seeds: Sequence[int]
    selection: PromptSet
    held_out: PromptSet
    metrics: Sequence[str]
    source: Source | None
    reader: str | None
    pairs: int

    def plan(self, options: Mapping[str, Any]) -> Plan:
        """Return the plan of these cells, of a generator with these options.

        Raises:
            GoodSeedError: as `make_plan`.
        """
        from goodseed.study.plan import make_plan

        return make_plan(
            self.generator,
            self.seeds,
            self.selection,
            self.held_out,
            self.reader,
            self.pairs,
            self.metrics,
            self.source,
            options,
        )

    def unseen_plan(self, maker: type[Generator]) -> Plan:
        """Return a plan that knows its cells, but nothing of what generates them: for that nothing is begun.

        Raises:
            StudyError: for metrics that do not fit together, too few seeds or prompts, and holes that it cannot fill.
        """
        from goodseed.study.inpaint_plan import CANNOT_INPAINT
        from goodseed.study.interfaces import Inpaints
        from goodseed.study.metrics.catalogue import make_judge
        from goodseed.study.plan import plan_of

        if self.reader is not None and not isinstance(maker, Inpaints):
            raise StudyError(CANNOT_INPAINT)
        judge = make_judge(self.metrics, self.source).describe()
        plan = plan_of(self.generator, maker, {}, judge, self.seeds, self.selection, self.held_out)
        return replace(plan, metrics=tuple(self.metrics))


@dataclass(frozen=True)
class Ready:
    """A generator that can begin: its options for the plan, and places of its own to work at, if it has any."""

    options: Mapping[str, Any]
    places: Sequence[Place] = field(default_factory=tuple)


class Kind(Protocol):
    """A kind of generator, with what the command line says of it."""

    metrics: ClassVar[tuple[str, ...]]
    """What is measured where the user names nothing; empty where a judge comes with the generator."""

    def check(self, generator: str) -> None:
        """Return if its options fit `generator`, which may be of another kind.

        Raises:
            StudyError: when another kind has got some of them, or it lacks some itself.
        """
        ...

    def unseen(self, cells: Cells, workers: int | None) -> tuple[Plan, int] | None:
        """Return a plan without looking at the generator, and how many workers it gets; None where it costs nothing.

        Raises:
            StudyError: for options or cells that cannot be used.
        """
        ...

    def prepare(self, cells: Cells, workers: int | None, only_plan: bool) -> Ready:
        """Get everything that is needed to begin; `only_plan` where a few images are made and nothing is kept.

        Raises:
            GoodSeedError: for options that cannot be used, and what cannot be had.
        """
        ...


def prompt_sets(generator: str, prompts: Path | None, held_out: Path | None) -> tuple[PromptSet, PromptSet]:
    """Return the selection set and the held-out set that the options name.

    Raises:
        PromptError: for a file that cannot be used, a missing file, and one that cannot be split.
    """
    from goodseed.study.registry import default_prompts

    if prompts is None:
        brought = default_prompts(generator)
        if held_out is not None or brought is None:
            raise PromptError("prompts: --prompts is missing; name a text file with one prompt a line")
        return brought
    selection = read_prompts(prompts)
    if held_out is not None:
        return selection, read_prompts(held_out)
    if len(selection) < 4:
        raise PromptError(
            f"{prompts}: holds {len(selection)}, and less than 4 prompts cannot be split in two sets; give 4, or "
            "--held-out FILE"
        )
    console().print(f"No --held-out: every second of the {len(selection)} prompts is held out.")
    return (
        PromptSet(selection.prompts[0::2], selection.licence),
        PromptSet(selection.prompts[1::2], selection.licence),
    )
