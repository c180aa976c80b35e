"""How often a seed is told from a picture of a new prompt, for 64, 256 and 1,024 seeds: `… seed_classifier.py STUDY`.

STUDY is the folder of a finished study, such as `goodseed study --generator demo --seeds 0-1023 --out STUDY` makes.
The paper's network, trained on 9,000 pictures a seed, tells 1,024 seeds in 99.994 % (SD 2.0) and 99.956 % (SDXL Turbo);
this is linear discriminant analysis on a study's features, learned from as many pictures a seed as it has prompts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goodseed.stats import Interval
from goodseed.study.classifier import classify_study
from goodseed.study.plan import read_plan

SIZES = (64, 256, 1024)


def main(study: Annotated[Path, typer.Argument()]) -> None:
    total = len(read_plan(study).seeds)
    print("| seeds | learned from, a seed | told from, a seed | told | chance | among five | chance |")
    print("|---|---|---|---|---|---|---|")
    for seeds in [size for size in SIZES if size < total] + [total]:
        found = classify_study(study, seeds)
        told, five = shown(found.accuracy), shown(found.among_five)
        sizes = f"{found.seeds:,} | {found.learned} | {found.tested}"
        print(f"| {sizes} | {told} | {found.chance:.2%} | {five} | {found.chance_five:.2%} |", flush=True)


def shown(share: Interval) -> str:
    return f"{share.value:.2%} [{share.low:.2%}, {share.high:.2%}]"


if __name__ == "__main__":
    typer.run(main)
