"""`goodseed study --plan`: what a study would cost, said before it is begun; nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goodseed.commands.output import console, escaped, print_json
from goodseed.commands.study_engine import Hands
from goodseed.commands.study_kind import Cells, Kind
from goodseed.commands.study_run import Contest
from goodseed.errors import StudyError

if TYPE_CHECKING:
    from goodseed.study.engines import Engine
    from goodseed.study.forecast import Forecast
    from goodseed.study.plan import Plan
    from goodseed.study.race_plan import RacePlan

PlanOption = Annotated[
    bool,
    typer.Option("--plan", help="Only say what the study would cost: images, hours, storage, and what racing saves."),
]
RateOption = Annotated[
    float | None,
    typer.Option("--rate", help="With --plan: images a second of one worker, where you know it; else a few are made."),
]
IccOption = Annotated[
    str,
    typer.Option("--icc", help="With --plan: the ICC to estimate a race by: a number, or a bank that measured it."),
]


@dataclass(frozen=True)
class Asked:
    """What is wanted to be known, and how it is said."""

    out: Path
    rate: float | None
    icc: str
    keeps_pictures: bool
    as_json: bool


def check_plan_options(only_plan: bool, rate: float | None, icc: str) -> None:
    """Return if --rate and --icc come with --plan.

    Raises:
        StudyError: otherwise.
    """
    if not only_plan and (rate is not None or icc):
        raise StudyError(f"{'rate' if rate is not None else 'icc'}: is for --plan; add that, or leave it away")


def show_plan(kind: Kind, cells: Cells, hands: Hands, contest: Contest, asked: Asked) -> int:
    """Say what a study would cost. Without a rate a few images are made and measured for that.

    Raises:
        GoodSeedError: for options, a rate or an ICC that cannot be used, and when a worker fails.
    """
    unseen = None if asked.rate is None else kind.unseen(cells, hands.workers)
    if unseen is not None:
        return _show_forecast(unseen[0], None, unseen[1], contest, asked)
    ready = kind.prepare(cells, hands.workers, only_plan=True)
    plan = cells.plan(ready.options)
    return _show_forecast(plan, *hands.at(cells, ready.places), contest, asked)


def _show_forecast(plan: Plan, engine: Engine | None, workers: int | None, contest: Contest, asked: Asked) -> int:
    from goodseed.study.forecast import forecast, given_rate, known_iccs, measure_rate

    race = _race(plan, contest)
    shares = {} if isinstance(race, str) else known_iccs(asked.icc, race, asked.out)
    if asked.rate is not None:
        rate = given_rate(plan, asked.rate)
    else:
        assert engine is not None
        with console().status("Making a few images, to see how long they take…"):
            rate = measure_rate(plan, engine, workers or 1, lambda line: console().print(escaped(line), soft_wrap=True))
    found = forecast(plan, rate, workers, race, shares)
    if asked.as_json:
        print_json({"plan": found.as_dict()})
    else:
        for line in sentences(found, asked.keeps_pictures):
            console().print(escaped(line), soft_wrap=True)
    return 0


def sentences(found: Forecast, keeps_pictures: bool) -> list[str]:
    """Return a forecast in words, a line each."""
    from goodseed.study.metrics.weights import in_words

    plan, rate = found.plan, found.rate
    filled = plan.images - plan.without_inpainting.images
    holes = f", {filled:,} of them filled holes, taken to be as quick as pictures" if filled else ""
    prompts = f"{len(plan.selection):,} + {len(plan.held_out):,} prompts"
    how = f"measured on {rate.sampled} images" if rate.sampled else "as given"
    several = "" if found.hours_of_all is None else f"; {_hours(found.hours_of_all)} with {_workers(found.workers)}"
    without = f", without {', '.join(rate.unknown)}, whose width is not known" if rate.unknown else ""
    size = f"{found.bytes_a_cell:.0f} bytes a cell, {in_words(found.ledger_bytes)} in all{without}"
    lines = [
        f"{len(plan.seeds):,} seeds × {prompts}: {plan.images:,} images{holes}.",
        f"One worker makes and measures {rate.images_per_second:.3g} images/s ({how}): "
        f"{_hours(found.hours(plan.images))} of one worker (GPU hours, where each has a GPU){several}.",
        f"The ledger takes about {size}.",
    ]
    if keeps_pictures and found.picture_bytes is not None:
        lines.append(f"The pictures, kept on the servers, take about {in_words(found.picture_bytes)} as PNG.")
    if found.race is None:
        return [*lines, f"No race: {found.no_race}."]
    lines.append(f"A race for the best {found.race.top} seeds by {found.race.metric} (--racing), simulated by its ICC:")
    whole = found.race.study.images
    for race in found.races:
        lines.append(
            f"  ICC {race.icc:.3g} ({race.how}): {race.images:,} images, {race.images / whole:.0%} of all; "
            f"{_hours(found.hours(race.images))} of one worker; keeps {min(race.quality, 1):.1%} of the gain."
        )
    return lines


def _race(plan: Plan, contest: Contest) -> RacePlan | str:
    """Return the race that could take the study's place, or why there is none."""
    try:
        return contest.plan(plan.without_inpainting)
    except StudyError as error:
        if contest.metric or contest.top is not None:
            raise
        return str(error)


def _workers(count: int | None) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _hours(hours: float) -> str:
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"
