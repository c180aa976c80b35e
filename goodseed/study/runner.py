"""Running a study: what is missing is computed, then everything is summed up in a bank."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from goodseed.banks.format import Bank, write_bank
from goodseed.errors import DamagedShardError, StudyError
from goodseed.study.bank import build_bank
from goodseed.study.engines import Engine, make_engine
from goodseed.study.ledger import scan, write_shard
from goodseed.study.lock import locked
from goodseed.study.plan import Plan, differences, read_plan, write_plan
from goodseed.study.references import keep_references

if TYPE_CHECKING:
    from goodseed.study.metrics.source import Source


log = logging.getLogger(__name__)

T = TypeVar("T")


class Progress(Protocol):
    """Hears how a study goes on."""

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        """`done` of `images` are there already; `damaged` shards (name → why) are computed again."""
        ...

    def advanced(self, images: int) -> None:
        """So many more images are safe on the disk."""
        ...

    def said(self, line: str) -> None:
        """Something happened that a user should know, such as a server that has gone."""
        ...

    def summing_up(self) -> None:
        """All images are there; the bank is being built."""
        ...


@dataclass(frozen=True)
class Running:
    """How a study is run, and who hears of it. Its result does not depend on that."""

    workers: int | None = None
    """Processes of this machine, by default one a core; 0: this process does the work."""
    progress: Progress | None = None
    engine: Engine | None = None
    """What runs the workers in the place of this machine's processes; it knows how many."""

    def make_engine(self) -> Engine:
        return self.engine or make_engine("local", self.workers)

    def summing_up(self) -> None:
        if self.progress:
            self.progress.summing_up()


USUAL = Running()
"""On all cores of this machine, and nobody hears of it."""


@dataclass(frozen=True)
class StudyResult:
    """What a study has come to."""

    bank: Path
    bank_id: str
    seeds: int
    images: int
    computed: int
    """Images computed by this run; the others were there already."""
    damaged: tuple[str, ...]
    busy_seconds: float
    """Seconds inside the generator and the judge, summed over the workers."""

    @staticmethod
    def of(file: Path, bank: Bank, images: int, done: Sequence[Filled]) -> StudyResult:
        """Return what a bank of `images` images, written to `file`, took besides what was there already."""
        return StudyResult(
            bank=file,
            bank_id=bank.id,
            seeds=len(bank.seeds),
            images=images,
            computed=sum(part.computed for part in done),
            damaged=tuple(shard for part in done for shard in part.damaged),
            busy_seconds=sum(part.busy_seconds for part in done),
        )


def run_study(
    folder: Path | str, plan: Plan, how: Running = USUAL, name: str = "", source: Source | None = None
) -> StudyResult:
    """Run `plan` in `folder`, or go on with it, and write the bank `<name>.safetensors` there.

    A shard that is whole is never computed again. The result depends on the plan alone: neither on how it is run nor
    on where an earlier run was stopped. `source` is the reference that the plan was made with; the folder keeps what
    metrics need of it, and a later run can do without.

    Raises:
        StudyError: when another study runs there, the folder holds another study, or a worker fails.
        OutputError: when the folder cannot be written or the disk is full; what was written stays.
    """
    folder = Path(folder)
    file = folder / f"{name or default_name(folder)}.safetensors"
    done: list[Filled] = []

    def sum_up(thorough: bool) -> Bank:
        done.append(fill(folder, plan, how, thorough))
        how.summing_up()
        return build_bank(folder)

    with locked(folder):
        plan = _settle_plan(folder, plan)
        keep_references(folder, plan, source)
        bank = write_bank(mended(sum_up), file)
    return StudyResult.of(file, bank, plan.images, done)


def mended(work: Callable[[bool], T]) -> T:
    """Do `work`, which fills ledgers and reads them; where it meets a damaged shard, do it again thoroughly.

    Such a shard has changed on the disk behind the back of its seal. `work` is told whether to be thorough: to read all
    shards before it counts on them (see `scan`).

    Raises:
        StudyError: as `work`; also when it meets a damaged shard again.
    """
    try:
        return work(False)
    except DamagedShardError:
        return work(True)


@dataclass(frozen=True)
class Filled:
    """What it took to have all cells of a plan in its ledger."""

    computed: int
    damaged: tuple[str, ...]
    busy_seconds: float


def fill(folder: Path, plan: Plan, how: Running, thorough: bool = False) -> Filled:
    """Compute the cells of `plan` that are missing in `folder`, which the caller has locked.

    `thorough`: shards are read before they count as there (see `scan`).

    Raises:
        StudyError: when a worker fails.
        OutputError: when the folder cannot be written or the disk is full; what was written stays.
    """
    progress = how.progress
    found = scan(folder, plan, thorough)
    done = sum(shard.images for shard in found.done)
    if progress:
        progress.started(plan.images, done, dict(found.damaged))
    busy = 0.0
    results = how.make_engine().compute(plan, found.pending, progress.said if progress else log.warning)
    try:
        for result in results:
            write_shard(folder, result, plan.key_of(result.shard.prompt_set))
            busy += result.seconds
            if progress:
                progress.advanced(result.shard.images)
    finally:
        results.close()
    return Filled(plan.images - done, tuple(found.damaged), busy)


def default_name(folder: Path) -> str:
    """Return a bank's name made from its folder's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-.") or "bank"


def check_name(name: str) -> str:
    """Return `name` if a bank's file may have it.

    Raises:
        StudyError: for folders, leading dots and characters that some file systems refuse.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        raise StudyError(f"name: '{name[:60]}' cannot name a file; use letters, digits, '.', '_' and '-'")
    return name


def _settle_plan(folder: Path, plan: Plan) -> Plan:
    """Write the plan where there is none, or one that nothing was computed for; otherwise hold this one against it.

    A study goes on with the shards that it was begun with, whatever their size: its result does not depend on that.
    """
    if (folder / "race.json").exists():
        raise StudyError(f"{folder}: holds a race; go on with --racing, or use another --out")
    if not (folder / "study.json").exists() or not any((folder / "shards").glob("*/*.parquet")):
        write_plan(folder, plan)
        return plan
    old = read_plan(folder)
    plan = replace(plan, seed_block=old.seed_block, prompt_block=old.prompt_block)
    if old.inpaint is None and plan.inpaint is not None and not differences(old, plan.without_inpainting):
        write_plan(folder, plan)  # inpainting is added to a study; its other cells stay
        return plan
    differs = differences(old, plan)
    if differs:
        more = f" and {len(differs) - 3} more" if len(differs) > 3 else ""
        raise StudyError(
            f"{folder}: holds a study with other settings: {', '.join(differs[:3])}{more}; "
            "give the same arguments to continue it, or another --out"
        )
    return plan
