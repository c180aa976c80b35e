"""What the shipped bank says of seeds, as Markdown: `python benchmarks/bank_findings.py [BANK]`.

Prints ICC, rank correlation between the two prompt sets, overlap of the top lists beside chance, and what golden and
diverse seeds gain on held-out prompts, each with its 95 % interval. The figures are those that the study put into
the bank (goodseed/study/evidence.py says how); the README's findings are this script's output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from goodseed.banks import Bank, read_bank, resolve_bank


def interval(found: Mapping[str, float], value: str = "value", digits: int = 3) -> str:
    return f"{found[value]:.{digits}f} [{found['low']:.{digits}f}, {found['high']:.{digits}f}]"


def reliability_rows(bank: Bank) -> list[str]:
    found: Mapping[str, Any] = bank.info["reliability"]
    rows = ["| | ICC: the seed's share of the variance | rank correlation of the two prompt sets |", "|---|---|---|"]
    for name, icc in sorted(found["icc"].items(), key=lambda item: -item[1]["value"]):
        between = found["rank_correlation"].get(name)
        rows.append(f"| {name} | {interval(icc)} | {interval(between) if between else ''} |")
    return rows


def overlap_rows(bank: Bank) -> list[str]:
    found = bank.info["reliability"]["overlap"]
    rows = [f"| top {found['top']} of {len(bank.seeds)} | seeds in both | chance |", "|---|---|---|"]
    lists = {" and ".join(found["metrics"]): found}
    lists |= {f"{name}, selection and held-out prompts": both for name, both in found["between_sets"].items()}
    for name, both in lists.items():
        rows.append(
            f"| {name} | {both['both']} | {both['chance']:.0f} [{both['chance_low']:.0f}, {both['chance_high']:.0f}] |"
        )
    return rows


def gain_rows(bank: Bank) -> list[str]:
    found = bank.info["reliability"]
    rows = ["| on held-out prompts | chosen | all or random | gain |", "|---|---|---|---|"]
    for rule, gains in found["golden_gain"].items():
        for metric, gain in gains.items():
            what = f"{gain['k']} golden seeds by {rule}, {metric} ({bank.metrics[metric]['direction']} is better)"
            rows.append(f"| {what} | {gain['golden']:.4f} | {gain['all']:.4f} | {interval(gain, 'gain', 4)} |")
    for feature, gain in found["diverse_gain"].items():
        what = f"{gain['n']} diverse seeds, similarity in {feature} (lower is more varied)"
        rows.append(f"| {what} | {gain['diverse']:.4f} | {gain['random']:.4f} | {interval(gain, 'gain', 4)} |")
    return rows


def main(bank: Annotated[str, typer.Argument()] = "goodseed-demo") -> None:
    found = read_bank(resolve_bank(bank))
    prompts = found.info["prompts"]
    print(
        f"{len(found.seeds)} seeds, {prompts['selection']['count']} prompts to select on and "
        f"{prompts['held_out']['count']} held out, {found.info['design']['images']} images.\n"
    )
    for rows in (reliability_rows(found), overlap_rows(found), gain_rows(found)):
        print("\n".join(rows) + "\n")


if __name__ == "__main__":
    typer.run(main)
