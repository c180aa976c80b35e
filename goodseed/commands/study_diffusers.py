"""What `goodseed study --generator diffusers` asks for besides: a pipeline, and what to make with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from goodseed.commands.output import console, escaped
from goodseed.commands.study_kind import Cells, Ready
from goodseed.errors import StudyError

if TYPE_CHECKING:
    from goodseed.study.plan import Plan

ModelOption = Annotated[
    str | None, typer.Option("--model", help="diffusers: folder of a pipeline, or its name on the hub (owner/name).")
]
RevisionOption = Annotated[str, typer.Option("--revision", help="diffusers: branch, tag or commit on the hub.")]
VariantOption = Annotated[str, typer.Option("--variant", help="diffusers: which of the weight files, such as fp16.")]
GuidanceOption = Annotated[
    float | None, typer.Option("--guidance", min=0, help="diffusers: guidance scale; by default the pipeline's own.")
]
WidthOption = Annotated[
    int | None,
    typer.Option("--width", min=1, max=16384, help="diffusers: of the pictures; by default the model's own."),
]
HeightOption = Annotated[
    int | None,
    typer.Option("--height", min=1, max=16384, help="diffusers: of the pictures; by default the model's own."),
]
NoiseOption = Annotated[
    str,
    typer.Option(
        "--noise",
        help="diffusers: comfy (the default), as ComfyUI draws it; cpu or cuda, as diffusers itself draws it.",
    ),
]
CardOption = Annotated[
    str, typer.Option("--card", help="diffusers: with --noise cuda, whose noise: 'RTX 4090' (the default), A100, …")
]
BatchOption = Annotated[
    int | None, typer.Option("--batch", min=1, max=4096, help="diffusers: pictures made at once, 4 if not given.")
]
DeviceOption = Annotated[
    list[str] | None,
    typer.Option("--device", help="diffusers: cuda, cuda:1, mps or cpu; repeat it to share the work among several."),
]
OffloadOption = Annotated[
    bool,
    typer.Option("--offload", help="diffusers: keep each part of the model off the GPU until it is needed (slower)."),
]

_SHARED = ("steps", "dtype", "negative")
"""Options that other kinds have as well."""


@dataclass(frozen=True, kw_only=True)
class Diffusers:
    """A pipeline of diffusers, with the options of the same names."""

    metrics: ClassVar[tuple[str, ...]] = ("traits",)

    model: str | None
    revision: str
    variant: str
    guidance: float | None
    width: int | None
    height: int | None
    noise: str
    card: str
    batch: int | None
    device: Sequence[str] | None
    offload: bool
    steps: int | None
    dtype: str | None
    negative: str | None

    def check(self, generator: str) -> None:
        """Return if these options fit `generator`.

        Raises:
            StudyError: for one that is for no other with another generator, and for diffusers without a model.
        """
        given = self._given()
        if generator != "diffusers":
            for name in given:
                if name not in _SHARED:
                    raise StudyError(f"generator {generator[:40]}: takes no --{name}; use --generator diffusers")
        elif "model" not in given:
            raise StudyError(
                "generator diffusers: needs a pipeline; name its folder, or owner/name on the hub, by --model"
            )

    def unseen(self, cells: Cells, workers: int | None) -> tuple[Plan, int]:
        """Return a plan for which nothing is fetched, and the number of workers: by default one a device.

        Raises:
            StudyError: as `Cells.unseen_plan`.
        """
        from goodseed.study.diffusers.generator import DiffusersGenerator

        return cells.unseen_plan(DiffusersGenerator), workers or len(self.device or ("",))

    def prepare(self, cells: Cells, workers: int | None, only_plan: bool) -> Ready:
        """Fetch what is missing of the pipeline and read its files.

        Raises:
            StudyError: for a pipeline, or settings for it, that cannot be used.
            MissingExtraError: when diffusers is not installed.
            WeightsError: when the pipeline cannot be had.
        """
        from goodseed.study.diffusers.prepare import Wanted, prepare

        screen = console()
        with screen.status("Reading the pipeline's files for their hashes…"):
            wanted = Wanted(**self._given())
            return Ready(*prepare(wanted, workers, lambda line: screen.print(escaped(line), soft_wrap=True)))

    def _given(self) -> dict[str, Any]:
        """Return the options that were given."""
        options = vars(self).items()
        return {name: value for name, value in options if value is not None and value is not False and value != ""}
