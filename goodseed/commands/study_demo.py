"""What `goodseed study --generator demo` asks for besides: the sampler's steps and cfg, and in what it computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from goodseed.commands.study_kind import Cells, Ready
from goodseed.errors import StudyError

if TYPE_CHECKING:
    from goodseed.study.plan import Plan

StepsOption = Annotated[
    int | None,
    typer.Option(
        "--steps", help="demo: the sampler's steps, 12 if not given; diffusers: by default the pipeline's own."
    ),
]
CfgOption = Annotated[
    float | None, typer.Option("--cfg", help="demo: guidance; 3 if not given. At 1, without any, it is twice as fast.")
]
DtypeOption = Annotated[
    str | None,
    typer.Option(
        "--dtype",
        help="demo: float32 or bfloat16, which newer processors do in half the time; diffusers: also float16, by "
        "default half precision on a GPU and float32 on the CPU.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A demo generator with its options; or one of your own, which takes none of them and brings its judge as well."""

    metrics: ClassVar[tuple[str, ...]] = ()

    steps: int | None
    cfg: float | None
    dtype: str | None

    def check(self, generator: str) -> None:
        """Return if these options fit `generator`; diffusers shares some of them.

        Raises:
            StudyError: for one of them with another generator.
        """
        from goodseed.study.registry import DEMOS

        if generator == "diffusers":
            if self.cfg is not None:
                raise StudyError("generator diffusers: takes no --cfg; its pipelines call it --guidance")
        elif generator not in DEMOS:
            for name in self._options():
                raise StudyError(f"generator {generator[:40]}: takes no --{name}; use --generator demo")

    def unseen(self, cells: Cells, workers: int | None) -> tuple[Plan, int] | None:
        """Return None: its plan costs nothing."""
        return None

    def prepare(self, cells: Cells, workers: int | None, only_plan: bool) -> Ready:
        """Return the options; nothing else is needed."""
        return Ready(self._options())

    def _options(self) -> dict[str, Any]:
        options = {"steps": self.steps, "cfg": self.cfg, "dtype": self.dtype}
        return {name: value for name, value in options.items() if value is not None}
