"""Running a race: rounds of a study in one folder, and the bank that sums them up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goodseed.banks.format import Bank, write_bank
from goodseed.study.ledger import Ledger
from goodseed.study.lock import locked
from goodseed.study.plan import Plan, write_plan
from goodseed.study.race_bank import Finals, Round, race_bank
from goodseed.study.race_plan import RacePlan, settle_race
from goodseed.study.racing import FloatArray, Standing
from goodseed.study.references import keep_references
from goodseed.study.runner import USUAL, Filled, Running, StudyResult, default_name, fill, mended
from goodseed.study.seals import read_seals

if TYPE_CHECKING:
    from goodseed.study.metrics.source import Source


@dataclass
class _Work:
    """What is the same in every round, and what was done so far."""

    folder: Path
    how: Running
    done: list[Filled]
    images: int = 0
    thorough: bool = False
    """Whether shards are read before they count as there."""

    def fill(self, name: str, plan: Plan) -> Path:
        """Have all cells of a round in its own folder, and return that."""
        folder = self.folder / "rounds" / name
        self.done.append(fill(folder, plan, self.how, self.thorough))
        self.images += plan.images
        return folder


def run_race(
    folder: Path | str, race: RacePlan, how: Running = USUAL, name: str = "", source: Source | None = None
) -> StudyResult:
    """Run `race` in `folder`, or go on with it, and write the bank `<name>.safetensors` there.

    Each round's seeds follow from the rounds before it, so that neither how it is run nor a stop in between changes
    what is measured. `source` is the reference that the study's plan was made with.

    Raises:
        StudyError: when another study runs there, the folder holds another study or race, or a worker fails.
        OutputError: when the folder cannot be written or the disk is full; what was written stays.
    """
    folder = Path(folder)
    file = folder / f"{name or default_name(folder)}.safetensors"
    work = _Work(folder, how, [])

    def sum_up(thorough: bool) -> Bank:
        work.images, work.thorough = 0, thorough
        rounds, standing = _rounds(work, race)
        finals = _finals(work, race, standing)
        how.summing_up()
        return race_bank(folder / "rounds" / "00", race, rounds, finals, standing, work.images)

    with locked(folder):
        settle_race(folder, race)
        keep_references(folder / "rounds" / "00", race.opening(), source)
        bank = write_bank(mended(sum_up), file)
    return StudyResult.of(file, bank, work.images, work.done)


def _rounds(work: _Work, race: RacePlan) -> tuple[list[Round], Standing]:
    seeds, prompts = np.array(race.study.seeds, np.uint64), len(race.study.selection)
    seen = np.full((len(seeds), prompts), np.nan)
    standing, rounds, first = Standing.at_start(len(seeds)), [], 0
    rule = race.make_rule()
    for number, end in enumerate(rule.ends):
        running = standing.undecided
        plan = race.round([int(seed) for seed in seeds[running]], first, end) if number else race.opening()
        if number == 0:
            write_plan(work.folder / "rounds" / "00", plan)  # a study of its own, that a bank can be made of
        folder = work.fill(f"{number:02}", plan)
        scores = {metric: read_scores(folder, plan, "selection", metric) for metric in image_metrics(plan)}
        seen[running, first:end] = scores[race.metric] if race.higher else -scores[race.metric]
        standing = rule.after(standing, seen[running, :end])
        rounds.append(Round(end, running, scores, standing))
        first = end
        if not len(standing.undecided):
            break
    return rounds, standing


def _finals(work: _Work, race: RacePlan, standing: Standing) -> Finals:
    opening = race.opening()
    begun = work.folder / "rounds" / "00"
    everyone = {metric: read_scores(begun, opening, "held_out", metric) for metric in image_metrics(opening)}
    plan = race.final([seed for seed, taken in zip(race.study.seeds, standing.accepted, strict=True) if taken])
    place = {seed: position for position, seed in enumerate(race.study.seeds)}
    finalists = np.array([place[seed] for seed in plan.seeds])
    if not len(plan.held_out):
        return Finals(everyone, finalists, {})
    folder = work.fill("held-out", plan)
    rest = {metric: read_scores(folder, plan, "held_out", metric) for metric in everyone}
    return Finals(everyone, finalists, rest)


def image_metrics(plan: Plan) -> list[str]:
    """Return the metrics that are a number for each image."""
    return sorted(name for name, about in plan.judge_info["metrics"].items() if about["per"] == "image")


def read_scores(folder: Path, plan: Plan, prompt_set: str, metric: str) -> FloatArray:
    """Return one metric's scores of a finished part: [S, P].

    Raises:
        StudyError: when a shard is missing or damaged.
    """
    ledger = Ledger(folder, plan, read_seals(folder))
    return np.concatenate(list(ledger.column(prompt_set, f"metric.{metric}")), axis=1).astype(np.float64)
