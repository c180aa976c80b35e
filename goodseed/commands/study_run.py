"""Running what `goodseed study` has planned: a study, a race, and a pilot before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goodseed.commands.output import console, escaped, print_json
from goodseed.commands.study_bar import StudyBar
from goodseed.errors import StudyError

if TYPE_CHECKING:
    from goodseed.study.engines import Engine
    from goodseed.study.metrics.source import Source
    from goodseed.study.pilot import Pilot
    from goodseed.study.plan import Plan
    from goodseed.study.race_plan import RacePlan
    from goodseed.study.runner import StudyResult


@dataclass(frozen=True)
class Contest:
    """How the best seeds are looked for, with the options of the same names."""

    racing: bool
    pilot: bool
    force: bool
    metric: str
    top: int | None
    rule: str

    def check(self, only_plan: bool) -> None:
        """Return if each of these options comes with the one that it is for.

        Raises:
            StudyError: otherwise: without --racing a study would be far longer than its user thinks.
        """
        given = {"top": self.top is not None, "race-metric": bool(self.metric), "race-rule": self.rule != "gain"}
        if not (self.racing or self.pilot or only_plan):
            for name in (name for name, there in given.items() if there):
                raise StudyError(f"{name}: is for --racing and --pilot; add one of them, or leave it away")
        if self.force and not self.pilot:
            raise StudyError("force: is for --pilot; add that, or leave it away")

    def plan(self, study: Plan) -> RacePlan:
        """Return the race of a study's seeds.

        Raises:
            StudyError: for options that do not fit the study.
        """
        from goodseed.study.race_plan import make_race

        return make_race(study, self.metric, self.top, self.rule)


def run_plan(
    out: Path, name: str, plan: Plan, source: Source | None, contest: Contest, engine: Engine, as_json: bool
) -> int:
    """Run `plan` in the folder `out`, or go on with it, and say what it has come to; return the exit code.

    Raises:
        StudyError: for a race that cannot be, a folder that holds another study, and when a worker fails.
        OutputError: when the folder cannot be written or the disk is full; what was written stays.
    """
    from goodseed.study.pilot import run_pilot
    from goodseed.study.race_run import run_race
    from goodseed.study.runner import Running, run_study

    whole = plan if contest.racing else plan.without_inpainting
    raced = contest.plan(whole) if contest.racing or contest.pilot else None
    found: Pilot | None = None
    with StudyBar() as bar:
        how = Running(progress=bar, engine=engine)
        try:
            if contest.pilot and raced is not None:
                found = run_pilot(out / "pilot", raced, how)
                bar.say(found.sentences(raced.top))
                if not (found.promise.worth or contest.force):
                    return _not_worth_it(found, bar, as_json)
            if contest.racing and raced is not None:
                result = run_race(out, raced, how, name, source)
            else:
                result = run_study(out, plan, how, name, source)
        except KeyboardInterrupt:
            return bar.stopped(out, as_json)
    _say(result, raced if contest.racing else None, found, as_json)
    return 0


def _not_worth_it(found: Pilot, bar: StudyBar, as_json: bool) -> int:
    if as_json:
        print_json({"pilot": found.as_dict()})
    bar.say(["Nothing more was measured; --force goes on."])
    return 1


def _say(result: StudyResult, raced: RacePlan | None, found: Pilot | None, as_json: bool) -> None:
    if as_json:
        more = {} if raced is None else {"racing": {"metric": raced.metric, "top": raced.top}}
        more |= {} if found is None else {"pilot": found.as_dict()}
        print_json(
            {
                "bank": str(result.bank),
                "id": result.bank_id,
                "images": result.images,
                "seeds": result.seeds,
                "computed": result.computed,
                "damaged": list(result.damaged),
                **more,
            }
        )
    else:
        console().print(f"[bold]{escaped(str(result.bank))}[/bold]: {result.seeds} seeds, {result.images} images")
        if raced is not None:
            share = f"{result.images / raced.study.images:.0%} of what every seed on every prompt would be"
            console().print(f"A race for the best {raced.top} seeds by {raced.metric}: {share}")
        console().print(f"id {result.bank_id}")
