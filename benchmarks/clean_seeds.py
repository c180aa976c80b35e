"""Do clean seeds leave less text when inpainting than random ones, and the filter? `python benchmarks/clean_seeds.py`.

Runs the inpainting study on the demo model's inpainting variant (it can be stopped and continued; with --generator demo
on the model itself, whose VAE cannot write) and prints for each task: the share of the hole under text by seed, its
ICC, the rank correlation of the selection and the held-out pairs beside chance, and, on the held-out pairs only, how
much text four ways leave:

    random          one picture from any seed
    clean           one picture from a clean seed (a sixteenth of the seeds, chosen on the selection pairs)
    filter          the picture with the least text of --tries from any seeds: the Inpaint Artifact Filter, mode best
    clean + filter  the same among clean seeds

Each as the mean share of the hole under text and as the share of pictures with any, and its difference to `random`,
with 95 % intervals: percentiles of a bootstrap over seeds and pairs. The filter judges with the reader that the
result is measured with: text that it does not see counts for nobody. `--out` keeps the study; all seeds go to
text-by-seed.csv there, and some of their pictures to text-by-seed.jpg.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.clean_seeds_figure import draw  # noqa: E402
from goodseed.banks import Bank, read_bank  # noqa: E402
from goodseed.demo.prompts import prompt_set  # noqa: E402
from goodseed.seeds import parse_seeds  # noqa: E402
from goodseed.study.interfaces import Inpaints  # noqa: E402
from goodseed.study.ledger import Ledger, read_ledger  # noqa: E402
from goodseed.study.plan import make_plan  # noqa: E402
from goodseed.study.registry import make_pair  # noqa: E402
from goodseed.study.runner import Running, run_study  # noqa: E402
from goodseed.study.text_evidence import clean_seeds  # noqa: E402

WAYS = ("random", "clean", "filter", "clean + filter")
RESAMPLES = 1000


def least_of(values: np.ndarray, tries: int) -> float:
    """Return the mean, over pairs, of the least of `tries` seeds drawn at random: [S, Q] → number, exact."""
    count = len(values)
    left = (1 - np.arange(count + 1) / count) ** tries
    return float((np.sort(values, axis=0) * (left[:-1] - left[1:])[:, None]).sum(axis=0).mean())


def ways(table: np.ndarray, chosen: np.ndarray, tries: int) -> np.ndarray:
    """Return what each of `WAYS` leaves, from a table [S, Q] of all seeds and the chosen seeds' rows."""
    return np.array([least_of(rows, n) for n in (1, tries) for rows in (table, chosen)])


def with_intervals(table: np.ndarray, chosen: list[int], tries: int) -> list[str]:
    """Return a line for each way: its value, and what it leaves less than `random`, with the interval."""
    draw = np.random.default_rng(0)
    found = ways(table, table[chosen], tries)
    resampled = np.empty((RESAMPLES, len(WAYS)))
    for index in range(RESAMPLES):
        pairs = draw.integers(table.shape[1], size=table.shape[1])
        seeds, clean = draw.integers(len(table), size=len(table)), draw.choice(chosen, len(chosen))
        resampled[index] = ways(table[np.ix_(seeds, pairs)], table[np.ix_(clean, pairs)], tries)
    lines = []
    for place, way in enumerate(WAYS):
        low, high = np.quantile(resampled[:, place], [0.025, 0.975])
        line = f"  {way:15} {found[place]:8.3%}  [{low:.3%}, {high:.3%}]"
        if place:
            less = resampled[:, 0] - resampled[:, place]
            low, high = np.quantile(less, [0.025, 0.975])
            line += f"   less than random by {found[0] - found[place]:.3%} [{low:.3%}, {high:.3%}]"
        lines.append(line)
    return lines


def interval(found: dict[str, float]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def say_task(bank: Bank, ledger: Ledger, task: str, tries: int) -> None:
    found = bank.info["reliability"]["inpaint"][task]
    shares, held_out = bank.text_share(task), bank.text_share(task, held_out=True)
    order = np.argsort(shares, kind="stable")
    table = ledger.text[task][1].astype(np.float64)
    print(f"\n{task}: {bank.info['inpaint']['tasks'][task]['about']}")
    print(f"  share of the hole under text, mean of all seeds: {shares.mean():.3%} on the selection pairs,", end=" ")
    print(f"{held_out.mean():.3%} on the held-out ones; pictures with any: {(table > 0).mean():.1%} of the held-out")
    for name, places in (("least text", order[:5]), ("most text", order[::-1][:5])):
        print(f"  {name}: " + ", ".join(f"seed {bank.seeds[i]} {shares[i]:.3%} → {held_out[i]:.3%}" for i in places))
    between = found["rank_correlation"]
    chance = f"chance: {between['chance']:.0f} [{between['chance_low']:.3f}, {between['chance_high']:.3f}]"
    print(f"  ICC {interval(found['icc'])}" + ("" if found["icc"]["low"] > 0 else ": no sure effect of the seed"))
    print(f"  rank correlation of the two sets {interval(between)}; {chance}")
    chosen = clean_seeds(bank, task)
    print(f"  on the held-out pairs, {len(chosen)} clean seeds, {tries} tries for the filter; share of the hole:")
    print("\n".join(with_intervals(table, chosen, tries)))
    print("  pictures with text:")
    print("\n".join(with_intervals((table > 0).astype(np.float64), chosen, tries)))


def write_table(bank: Bank, path: Path) -> None:
    columns = [("seed", [str(seed) for seed in bank.seeds])]
    for task in bank.tasks:
        for name, held_out in (("selection", False), ("held-out", True)):
            columns.append((f"{task} {name}", [f"{share:.6f}" for share in bank.text_share(task, held_out)]))
    rows = zip(*(values for _, values in columns), strict=True)
    lines = [",".join(name for name, _ in columns), *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-255")
    parser.add_argument("--pairs", type=int, default=40, help="half of them held out")
    parser.add_argument("--prompts", type=int, default=4, help="prompts a set for the other metrics, which break ties")
    parser.add_argument("--tries", type=int, default=4, help="pictures that the filter chooses from")
    parser.add_argument("--reader", default="rapidocr")
    parser.add_argument("--generator", default="demo-inpaint")
    parser.add_argument("--name", default="", help="the bank's name; the folder's by default")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--out", type=Path, default=Path("out/clean-seeds"))
    options = parser.parse_args()
    sets = (prompt_set(half, options.prompts) for half in (0, 1))
    plan = make_plan(options.generator, parse_seeds(options.seeds), *sets, options.reader, options.pairs)
    result = run_study(options.out, plan, Running(workers=options.workers), name=options.name)
    bank, ledger = read_bank(result.bank), read_ledger(options.out)
    reader, pictures = bank.info["inpaint"]["reader"], bank.info["inpaint"]["images"]
    print(f"{len(bank.seeds)} seeds × {options.pairs} pairs × {len(bank.tasks)} tasks, {pictures} pictures;", end=" ")
    print(f"read by {reader['name']} ({reader['version']}); bank {bank.id[:12]}; {result.busy_seconds:.0f} s of work")
    for task in bank.tasks:
        say_task(bank, ledger, task, options.tries)
    write_table(bank, options.out / "text-by-seed.csv")
    maker, _ = make_pair(options.generator)
    if isinstance(maker, Inpaints):
        draw(bank, maker, options.out / "text-by-seed.jpg")


if __name__ == "__main__":
    main()
