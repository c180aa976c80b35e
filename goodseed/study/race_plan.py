"""What a race will do, fixed before it starts: the content of `race.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goodseed.canonical import canonical_json
from goodseed.errors import StudyError
from goodseed.files import write_bytes
from goodseed.prompts import PromptSet
from goodseed.study.plan import SHARD_IMAGES, Plan, named_differences
from goodseed.study.race_rules import BELIEFS, GAIN, GROWTH, INTERVAL, RULES, SPEND, Rule, first_round, make_rule
from goodseed.study.racing import Z

FILE = "race.json"
ORDER = "by SHA-256"
"""Prompts run in the order of their SHA-256: a file sorted by subject would have a race decided on one subject."""

FEWEST_PROMPTS = 8
COMPARED = 64
"""At most so many seeds, drawn whatever they scored, stand for all seeds on the held-out prompts."""


@dataclass(frozen=True)
class RacePlan:
    """A race: its study's seeds and prompts (in `ORDER`), the metric that decides, and how many seeds are wanted."""

    study: Plan
    metric: str
    top: int
    start: int
    """Prompts of the first round."""
    z: float = Z
    """Of the rule `interval`."""
    rule: str = INTERVAL

    @property
    def higher(self) -> bool:
        return bool(self.study.judge_info["metrics"][self.metric]["direction"] == "higher")

    @property
    def checked(self) -> int:
        """How many of the held-out prompts every seed meets; the finalists meet all."""
        return min(max(3, self.start // 2), len(self.study.held_out))

    @property
    def compared(self) -> tuple[int, ...]:
        """The seeds that stand for all on the held-out prompts: those whose SHA-256 comes first."""
        count = min(len(self.study.seeds), max(16, min(self.top, COMPARED)))
        return tuple(sorted(self.study.seeds, key=lambda seed: _sha256(f"compared {seed}"))[:count])

    @property
    def rule_settings(self) -> dict[str, Any]:
        """What decides. Races by intervals do not name their rule, as when there was no other."""
        return (
            {"rule": GAIN, "spend": SPEND, "growth": GROWTH, "beliefs": BELIEFS} if self.rule == GAIN else {"z": self.z}
        )

    def make_rule(self) -> Rule:
        return make_rule(self.rule, self.top, len(self.study.selection), self.start, self.z)

    def opening(self) -> Plan:
        """Return the first round: a study of all seeds on the first prompts of both sets."""
        held_out = PromptSet(self.study.held_out.prompts[: self.checked], self.study.held_out.licence)
        return replace(self.round(self.study.seeds, 0, self.start), held_out=held_out)

    def round(self, seeds: Sequence[int], first: int, end: int) -> Plan:
        """Return a round: these seeds on the selection prompts `first` … `end`−1."""
        selection = PromptSet(self.study.selection.prompts[first:end], self.study.selection.licence)
        return self._part(seeds, selection, PromptSet(()))

    def final(self, accepted: Sequence[int]) -> Plan:
        """Return the last part: the accepted seeds and the compared ones on the held-out prompts that are left."""
        finalists = sorted({*accepted, *self.compared})
        rest = PromptSet(self.study.held_out.prompts[self.checked :], self.study.held_out.licence)
        return self._part(finalists, PromptSet(()), rest)

    def as_dict(self) -> dict[str, Any]:
        settings = {"metric": self.metric, "top": self.top, "start": self.start, **self.rule_settings, "order": ORDER}
        return {"schema": 1, "race": settings, "study": self.study.as_dict()}

    def _part(self, seeds: Sequence[int], selection: PromptSet, held_out: PromptSet) -> Plan:
        block = max(SHARD_IMAGES // min(self.study.seed_block, len(seeds)), 1)
        return replace(self.study, seeds=tuple(seeds), selection=selection, held_out=held_out, prompt_block=block)


def make_race(plan: Plan, metric: str = "", top: int | None = None, rule: str = GAIN) -> RacePlan:
    """Make a race of a study's plan. `metric` is by default the first one per image, `top` a sixteenth of the seeds.

    Raises:
        StudyError: for a metric that is not one of single images, a top that is no race, an unknown rule, too few
            prompts, and inpainting.
    """
    if rule not in RULES:
        raise StudyError(f"racing: rule '{rule[:40]}' is unknown; use {' or '.join(RULES)}")
    if plan.inpaint is not None:
        raise StudyError("racing: has no part for inpainting; measure that in a study without --racing")
    raced = [name for name, about in plan.judge_info["metrics"].items() if about["per"] == "image"]
    metric = metric or (raced[0] if raced else "")
    if metric not in raced:
        known = ", ".join(raced) or "none"
        raise StudyError(f"racing: '{metric[:40]}' is no metric of single images; the judge has {known}")
    top = max(1, len(plan.seeds) // 16) if top is None else top
    if not 1 <= top < len(plan.seeds):
        raise StudyError(f"top {top}: no race among {len(plan.seeds)} seeds; give top in 1…{len(plan.seeds) - 1}")
    if len(plan.selection) < FEWEST_PROMPTS:
        few = f"{len(plan.selection)} prompts to select on are too few to race; give at least {FEWEST_PROMPTS}"
        raise StudyError(f"racing: {few}, or leave --racing out")
    ordered = replace(plan, selection=_ordered(plan.selection), held_out=_ordered(plan.held_out))
    return RacePlan(ordered, metric, top, first_round(rule, len(plan.selection)), rule=rule)


def settle_race(folder: Path, race: RacePlan) -> None:
    """Write the race's plan where there is none yet; otherwise hold this one against it.

    Raises:
        StudyError: when the folder holds a study of the whole, or another race.
        OutputError: when the folder cannot be written.
    """
    if (folder / "study.json").exists():
        raise StudyError(f"{folder}: holds a study of every seed on every prompt; race in another --out")
    path = folder / FILE
    new = json.loads(canonical_json(race.as_dict()))
    if path.exists() and any((folder / "rounds").rglob("*.parquet")):
        try:
            old = json.loads(path.read_bytes().decode())
        except (OSError, ValueError) as error:
            raise StudyError(f"{path}: is damaged ({error}); start in another folder") from error
        if differs := named_differences(_compared(old), _compared(new)):
            raise StudyError(
                f"{folder}: holds a race with other settings: {', '.join(differs[:3])}; give the same arguments to "
                "continue it, or another --out"
            )
    write_bytes(path, canonical_json(new).encode())


def _compared(race: Any) -> Any:
    """Leave out how many prompts a shard of the whole study would have: rounds have their own."""
    try:
        blocks = {name: size for name, size in race["study"]["blocks"].items() if name != "prompts"}
        return {**race, "study": {**race["study"], "blocks": blocks}}
    except (AttributeError, KeyError, TypeError):
        return race


def _ordered(prompts: PromptSet) -> PromptSet:
    return PromptSet(tuple(sorted(prompts.prompts, key=_sha256)), prompts.licence)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
