"""`goodseed classify`: can the seed be told from the picture?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goodseed.commands.output import JsonOption, console, escaped, print_json


def classify(
    study: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished study.")],
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=2, help="Only so many of its seeds; all if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Say how often the seed can be told from a picture of a new prompt: exit 0 when better than by chance, else 1."""
    from goodseed.study.classifier import classify_study

    found = classify_study(study, seeds)
    if as_json:
        print_json(found.as_dict())
    else:
        out = console()
        for what, share, chance in (
            ("the seed itself", found.accuracy, found.chance),
            ("among the five likeliest", found.among_five, found.chance_five),
        ):
            figures = f"{share.value:.1%} ({share.low:.1%}…{share.high:.1%}), by chance {chance:.1%}"
            out.print(escaped(f"{what}: {figures}"), soft_wrap=True)
        how = (
            f"{found.seeds} seeds, learned from {found.learned} pictures each, told from {found.tested} of new prompts"
        )
        out.print(escaped(f"{how}, by {', '.join(found.features)}"), soft_wrap=True)
    return 0 if found.better_than_chance else 1
