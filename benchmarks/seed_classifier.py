"""How often a seed is told from a picture of a new prompt, for 64, 256 and 1,024 seeds: `… seed_classifier.py STUDY`.

STUDY is the folder of a finished study that kept small pictures, such as benchmarks/racing.py --out makes of the demo
model. The paper's network, trained on 9,000 pictures a seed, tells 1,024 seeds in 99.994 % (SD 2.0) and 99.956 % (SDXL
Turbo); this is probabilistic linear discriminant analysis, learned from as many pictures a seed as it has prompts, and
so shown for fewer prompts as well. Then: how often one seed stands out for a picture, and rightly (`goodseed classify
IMAGE --study STUDY`), where half of the seeds were learned. Intervals are 95 %, over held-out prompts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goodseed.stats import Interval
from goodseed.study.classifier import feature_names, features_of, told
from goodseed.study.ledger import read_ledger
from goodseed.study.plan import SETS
from goodseed.study.recognize import calibrate

SIZES = (64, 256, 1024)
FEWER = (4, 8, 16, 32, 64)


def main(study: Annotated[Path, typer.Argument()]) -> None:
    ledger = read_ledger(study)
    learn, test = (features_of(ledger, prompt_set) for prompt_set in SETS)
    total, prompts = learn.shape[:2]
    sizes = [size for size in SIZES if size < total] + [total]
    print(f"by {', '.join(feature_names(ledger))}\n")
    print("| seeds | learned from, a seed | told from, a seed | told | chance | among five | chance |")
    print("|---|---|---|---|---|---|---|")
    for seeds in sizes:
        for few in [count for count in FEWER if count < prompts] + [prompts]:
            found = told(learn[:seeds, :few], test[:seeds])
            right, five = shown(found.accuracy), shown(found.among_five)
            counts = f"{found.seeds:,} | {found.learned} | {found.tested}"
            print(f"| {counts} | {right} | {found.chance:.2%} | {five} | {found.chance_five:.2%} |", flush=True)
    print(
        "\n| seeds learned | the right one stands out | a wrong one | one stands out for seeds that were not learned |"
    )
    print("|---|---|---|---|")
    for seeds in sizes:
        known = calibrate(learn[:seeds], test[:seeds])
        shares = " | ".join(map(shown, (known.named_right, known.named_wrong, known.named_strangers)))
        print(f"| {known.seeds} | {shares} |", flush=True)


def shown(share: Interval) -> str:
    return f"{share.value:.2%} [{share.low:.2%}, {share.high:.2%}]"


if __name__ == "__main__":
    typer.run(main)
