"""Tables 1 and 2 of "Good Seed Makes a Good Crop" on the demo model: `python benchmarks/paper_tables.py STUDY`.

STUDY is the folder of a finished study of the demo model with its bank, such as benchmarks/racing.py --out makes. All
figures are of held-out prompts; seeds were chosen on the others. Intervals are 95 %, percentiles of a bootstrap where
nothing else is said.

Table 1: golden seeds against random ones. FID is that of all their held-out pictures together, at equal numbers of
pictures, beside the mean of random sets of seeds; its interval is normal, from a bootstrap over the golden seeds and a
jackknife over prompts. "FID of one" is the mean of the FIDs of single seeds, each of as many pictures as there are
held-out prompts, with the bank's interval. Paper, SD 2.0: FID 19.334 → 19.045, HPS v2 .250 → .257.

Table 2: mean pairwise cosine of style and of composition in sets of four pictures of one prompt, less is more varied:
random seeds, diverse seeds (farthest point sampling on the selection prompts), and Particle Guidance on the random
seeds, whose pictures are made here. The same sets of random seeds stand in all rows that use them; resampled are sets
and prompts. Paper, SD 2.0: style .981, .970 and .980; composition .971, .961 and .972. Particle Guidance's strength is
chosen on selection prompts: of those asked for, the one with the least cosine of style whose score is not below that of
plain sampling. Its other strengths are printed as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from goodseed.banks import Bank, read_bank
from goodseed.banks.diverse import farthest_point_sampling
from goodseed.banks.golden import golden_positions
from goodseed.demo.generator import DemoGenerator
from goodseed.demo.judge import DemoJudge
from goodseed.errors import StudyError
from goodseed.stats import bootstrap_gain
from goodseed.study.frechet import Reference, frechet_distances
from goodseed.study.ledger import Ledger, read_ledger
from goodseed.study.plan import QUALITY
from goodseed.study.registry import one_torch_thread

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RESAMPLES, RANDOM_SETS = 200, 24
Z = 1.96
SET = 4
MEASURES = ("style", "composition", "score")


@dataclass(frozen=True)
class Pictures:
    """Held-out pictures of all seeds: quality features [S, Q, d], scores [S, Q], and what FID is the distance to."""

    quality: FloatArray
    score: FloatArray
    reference: Reference

    def fid(self, seeds: IntArray, prompts: IntArray) -> float:
        """Return the FID of these seeds' pictures of these prompts, all together."""
        rows = self.quality[np.ix_(seeds, prompts)]
        return float(frechet_distances(rows.reshape(1, -1, rows.shape[2]), self.reference)[0])

    def without_each_prompt(self, seeds: IntArray) -> FloatArray:
        """Return the FID of these seeds' pictures with each prompt left out in its turn: [Q]."""
        prompts = np.arange(self.score.shape[1])
        return np.array([self.fid(seeds, np.delete(prompts, prompt)) for prompt in prompts])


def interval(value: float, resampled: FloatArray, digits: int) -> str:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def table_1(bank: Bank, pictures: Pictures) -> list[str]:
    """Return table 1: the paper's rule, the two-sided rank sum, and the worst seeds by it, against random ones."""
    draw = np.random.default_rng(0)
    paper = golden_positions(bank, "paper")
    count = len(paper) or max(1, len(bank.seeds) // 16)
    by_rule = {
        ("golden by the paper's rule (in the top quarter of both)", "paper"): paper,
        ("golden by rank sum", "rank-sum"): golden_positions(bank, "rank-sum", count),
        ("worst by rank sum", ""): golden_positions(bank, "rank-sum", count, worst=True),
    }
    prompts = np.arange(pictures.score.shape[1])
    sets = [draw.choice(len(bank.seeds), count, replace=False) for _ in range(RANDOM_SETS)]
    plain = float(np.mean([pictures.fid(some, prompts) for some in sets]))
    without = np.mean([pictures.without_each_prompt(some) for some in sets], axis=0)
    of_one = bank.metric("fid", held_out=True).mean()
    rows = [f"| seeds, {count} each | FID of all | better by | FID of one | better by | score | better by |"]
    rows += ["|---|" + "---|" * 6, f"| random | {plain:.2f} | | {of_one:.1f} | | {pictures.score.mean():.3f} | |"]
    for (name, rule), chosen in by_rule.items():
        if not len(chosen):
            rows.append(f"| {name} | none | | | | | |")
            continue
        fid, score = pictures.fid(chosen, prompts), bootstrap_gain(pictures.score, chosen.tolist())
        left_out = without - pictures.without_each_prompt(chosen)
        of_seeds = [pictures.fid(draw.choice(chosen, count), prompts) for _ in range(RESAMPLES)]
        error = (np.var(of_seeds) + (len(prompts) - 1) * np.var(left_out)) ** 0.5
        better = f"{plain - fid:.2f} [{plain - fid - Z * error:.2f}, {plain - fid + Z * error:.2f}]"
        gain = f"{score.gain:.3f} [{score.low:.3f}, {score.high:.3f}]"
        known = bank.info["reliability"]["golden_gain"].get(rule, {}).get("fid")
        single = f"{bank.metric('fid', held_out=True)[chosen].mean():.1f} | "
        single += "" if known is None else f"{known['gain']:.1f} [{known['low']:.1f}, {known['high']:.1f}]"
        rows.append(f"| {name} | {fid:.2f} | {better} | {single} | {score.golden:.3f} | {gain} |")
    return rows


def alike(features: npt.ArrayLike) -> FloatArray:
    """Return the mean pairwise cosine of sets of vectors: [..., C, d] → [...]. Equation 2 of the paper."""
    values = np.asarray(features, np.float64)
    lengths = np.linalg.norm(values, axis=-1, keepdims=True)
    units = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    count = units.shape[-2]
    pairs: FloatArray = (units.sum(axis=-2) ** 2).sum(axis=-1) - (units**2).sum(axis=(-2, -1))
    return pairs / (count * (count - 1))


def of_study(ledger: Ledger, prompt_set: str, sets: IntArray, prompts: int) -> dict[str, FloatArray]:
    """Return the measures of sets of seeds [G, 4] on the first prompts: [G, P] each."""
    cells = ledger.cells(prompt_set)
    assert cells.style is not None
    assert cells.composition is not None
    found = {
        name: alike(np.swapaxes(values[sets, :prompts], 1, 2))
        for name, values in (("style", cells.style), ("composition", cells.composition))
    }
    return {**found, "score": cells.metrics["score"][sets, :prompts].astype(np.float64).mean(axis=1)}


def guided(
    maker: DemoGenerator, judge: DemoJudge, sets: IntArray, prompts: Sequence[str], strength: float
) -> dict[str, FloatArray]:
    """Make pictures of sets of seeds [G, 4] by Particle Guidance, and return their measures: [G, P] each."""
    found = {name: np.empty((len(sets), len(prompts))) for name in MEASURES}
    with one_torch_thread():
        for place in np.ndindex(len(sets), len(prompts)):
            prompt = prompts[place[1]]
            images = maker.generate_apart(prompt, [int(seed) for seed in sets[place[0]]], strength)
            measured = judge.measure(images, prompt)
            assert measured.style is not None
            assert measured.composition is not None
            found["style"][place], found["composition"][place] = alike(measured.style), alike(measured.composition)
            found["score"][place] = measured.metrics["score"].mean()
    return found


def table_2(bank: Bank, ledger: Ledger, sets: int, prompts: int, draws: int, strengths: Sequence[float]) -> list[str]:
    """Measure the rows of table 2, and write them down."""
    draw = np.random.default_rng(0)
    random = np.stack([draw.choice(len(bank.seeds), SET, replace=False) for _ in range(draws)])
    held_out, selection = ledger.plan.held_out.prompts[:prompts], ledger.plan.selection.prompts[: prompts // 2]
    starts = draw.choice(len(bank.seeds), min(draws, len(bank.seeds)), replace=False)
    rows = {"random seeds": of_study(ledger, "held_out", random, prompts)}
    for by in ("style", "composition"):
        features = bank.tensors[f"feature.{by}"]
        diverse = np.stack([farthest_point_sampling(features, SET, int(start)) for start in starts])
        rows[f"diverse seeds by {by}"] = of_study(ledger, "held_out", diverse, prompts)
    maker, judge = DemoGenerator(**ledger.plan.options), DemoJudge()
    seeds = np.array(bank.seeds)
    few, plain = random[:sets], of_study(ledger, "selection", random[:sets], len(selection))
    tried = {strength: guided(maker, judge, seeds[few], selection, strength) for strength in strengths}
    harmless = [s for s in strengths if tried[s]["score"].mean() >= plain["score"].mean()] or [min(strengths)]
    chosen = min(harmless, key=lambda s: float(tried[s]["style"].mean()))
    for strength in sorted(strengths, key=lambda s: (s != chosen, s)):
        name = f"Particle Guidance, strength {strength:g}{' (chosen)' if strength == chosen else ''}"
        rows[name] = guided(maker, judge, seeds[few], held_out, strength)

    lines = ["| pictures | sets × prompts | style | less by | composition | less by | score |"]
    lines.append("|---|---|---|---|---|---|---|")
    return lines + [_row(name, row, rows["random seeds"]) for name, row in rows.items()]


def _row(name: str, row: dict[str, FloatArray], random: dict[str, FloatArray]) -> str:
    """Return a line. Particle Guidance's sets are the first random ones, and compare with these alone."""
    draw = np.random.default_rng(1)
    paired = len(row["style"]) < len(random["style"])
    size = row["style"].shape
    cells = []
    for measure in MEASURES:
        values, others = row[measure], random[measure][: size[0]] if paired else random[measure]
        means, differences = np.empty(RESAMPLES * 5), np.empty(RESAMPLES * 5)
        for index in range(len(means)):
            prompts, first = draw.integers(size[1], size=size[1]), draw.integers(size[0], size=size[0])
            second = first if paired else draw.integers(len(others), size=len(others))
            means[index] = values[np.ix_(first, prompts)].mean()
            differences[index] = others[np.ix_(second, prompts)].mean() - means[index]
        cells.append(interval(float(values.mean()), means, 3 if measure != "score" else 2))
        if measure != "score":
            found = "" if values is others else interval(float(others.mean() - values.mean()), differences, 3)
            cells.append(found)
    return f"| {name} | {size[0]} × {size[1]} | {' | '.join(cells)} |"


def main(
    study: Annotated[Path, typer.Argument(help="Folder of a finished study of the demo model.")],
    draws: Annotated[int, typer.Option(min=200, help="Sets of random and of diverse seeds.")] = 256,
    sets: Annotated[int, typer.Option(help="Of these, sets that Particle Guidance makes anew.")] = 16,
    prompts: Annotated[int, typer.Option(help="Held-out prompts of table 2.")] = 16,
    strengths: Annotated[str, typer.Option(help="Strengths of Particle Guidance.")] = "100,200,400",
) -> None:
    ledger = read_ledger(study)
    files = sorted(study.glob("*.safetensors"))
    if len(files) != 1 or ledger.plan.generator != "demo":
        raise StudyError(f"{study}: holds {len(files)} banks of {ledger.plan.generator}; give one study of demo")
    bank = read_bank(files[0])
    with one_torch_thread():
        reference = Reference.of(DemoJudge().reference(ledger.plan.held_out.prompts))
    quality = np.concatenate(list(ledger.blocks("held_out", QUALITY))).astype(np.float64)
    pictures = Pictures(quality, ledger.held_out.metrics["score"].astype(np.float64), reference)
    sizes = f"{len(ledger.plan.selection)} prompts to choose on, {len(ledger.plan.held_out)} held out"
    print(f"{len(bank.seeds):,} seeds, {sizes}\n\n" + "\n".join(table_1(bank, pictures)) + "\n", flush=True)
    prompts = min(prompts, len(ledger.plan.held_out))
    print("\n".join(table_2(bank, ledger, sets, prompts, draws, [float(s) for s in strengths.split(",")])))


if __name__ == "__main__":
    typer.run(main)
