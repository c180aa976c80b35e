"""What `goodseed study --generator diffusers` asks for besides: a pipeline, and what to make with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.output import console, escaped
from goodseed.errors import StudyError

if TYPE_CHECKING:
    from goodseed.prompts import PromptSet
    from goodseed.study.engines.interface import Place
    from goodseed.study.metrics.source import Source
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


def check_diffusers(generator: str, asked: Mapping[str, Any]) -> bool:
    """Say whether the generator is diffusers; `asked` are options by name that are for no other.

    Raises:
        StudyError: for one of them with another generator, and for diffusers without a model.
    """
    given = _given(asked)
    if generator != "diffusers":
        for name in given:
            raise StudyError(f"generator {generator[:40]}: takes no --{name}; use --generator diffusers")
        return False
    if "model" not in given:
        raise StudyError("generator diffusers: needs a pipeline; name its folder, or owner/name on the hub, by --model")
    return True


def prepare_diffusers(asked: Mapping[str, Any], workers: int | None) -> tuple[dict[str, Any], list[Place]]:
    """Return the generator's options and a place for each worker; `asked` are the command's options by name.

    Raises:
        StudyError: for a pipeline, or settings for it, that cannot be used.
        MissingExtraError: when diffusers is not installed.
        WeightsError: when the pipeline cannot be had.
    """
    from goodseed.study.diffusers.prepare import Wanted, prepare

    screen = console()
    with screen.status("Reading the pipeline's files for their hashes…"):
        return prepare(Wanted(**_given(asked)), workers, lambda line: screen.print(escaped(line), soft_wrap=True))


def plan_without_pipeline(
    seeds: Sequence[int], sets: tuple[PromptSet, PromptSet], metrics: Sequence[str], source: Source | None
) -> Plan:
    """Return a plan that knows its cells, but nothing of the pipeline: nothing is fetched for it.

    Raises:
        StudyError: for metrics that do not fit together, too few seeds or prompts.
    """
    from goodseed.study.diffusers.generator import DiffusersGenerator
    from goodseed.study.metrics.catalogue import make_judge
    from goodseed.study.plan import plan_of

    plan = plan_of("diffusers", DiffusersGenerator, {}, make_judge(metrics, source).describe(), seeds, *sets)
    return replace(plan, metrics=tuple(metrics))


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in asked.items() if value is not None and value is not False and value != ""}
