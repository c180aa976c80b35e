"""What `goodseed study --generator demo` asks for besides: the sampler's steps and cfg, and in what it computes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from goodseed.errors import StudyError

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


def demo_options(generator: str, steps: int | None, cfg: float | None, dtype: str | None) -> dict[str, Any]:
    """Return the options of a demo generator; of diffusers, which shares some of them, none.

    Raises:
        StudyError: for one of them with another generator.
    """
    from goodseed.study.registry import DEMOS

    given = {name: value for name, value in (("steps", steps), ("cfg", cfg), ("dtype", dtype)) if value is not None}
    if generator == "diffusers":
        if cfg is not None:
            raise StudyError("generator diffusers: takes no --cfg; its pipelines call it --guidance")
        return {}
    if given and generator not in DEMOS:
        raise StudyError(f"generator {generator[:40]}: takes no --{next(iter(given))}; use --generator demo")
    return given
