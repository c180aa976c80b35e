"""Golden seeds: the best (or the worst) by a stated rule, on the selection prompts alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from goodseed.banks.cautions import cautions
from goodseed.banks.choice import Choice, IntArray, allowed_seeds, check_count, order_of, quality, ranks_of
from goodseed.banks.clean import CLEAN, check_tasks, clean_evidence, clean_positions
from goodseed.banks.evidence import golden_evidence
from goodseed.banks.format import Bank, listed
from goodseed.banks.published import pick_published
from goodseed.errors import ChoiceError

RULES = ("paper", "rank-sum", "pareto")
"""The rules that every bank answers; the name of any of its metrics is a rule too, and so is `clean`."""


def pick(
    bank: Bank,
    rule: str = "paper",
    k: int = 10,
    avoid: Mapping[str, float] | Sequence[str] = (),
    top: int | None = None,
    worst: bool = False,
    task: str | None = None,
) -> Choice:
    """Return up to `k` golden seeds of `bank`, best first; with `worst`, inferior ones, worst first.

    The rules: `paper`, the seeds within the top n of every metric's list (n = `top`, a quarter of the seeds
    by default; "Good Seed Makes a Good Crop", section 4.1), by their summed rank; `rank-sum`; `pareto`,
    front after front of seeds that no other beats in every metric, each front by summed rank; a metric's name;
    `clean`, the smallest share of text in the holes of `task` (None: of all tasks), see `clean_positions`.
    Ties go by the bank's order. `avoid` leaves out seeds whose share of a trait exceeds its limit.

    Raises:
        ChoiceError: for an unknown rule, task or trait, a `k` or `top` that the bank cannot answer, and when no
            seed answers the rule.
    """
    if bank.published and rule != CLEAN:
        return pick_published(bank, rule, RULES, k, avoid, worst)
    allowed, limits = allowed_seeds(bank, avoid)
    left = int(allowed.sum())
    if left == 0:
        raise ChoiceError(f"avoid {listed(limits)}: every seed of the bank exceeds the limits; raise a limit")
    check_count(k, left, "k", "the bank holds" if left == len(bank.seeds) else "the traits to avoid leave")
    top = _list_length(bank, rule, top)
    found = golden_positions(bank, rule, k, top, np.flatnonzero(allowed), worst, task)
    if len(found) == 0:
        raise ChoiceError(f"rule {rule}: no seed stands in every list's top {top}; raise the top, or use rank-sum")
    settings: dict[str, Any] = {"k": k, "avoid": limits, "worst": worst}
    if is_clean(bank, rule):
        settings["tasks"] = check_tasks(bank, task)
    elif rule == "paper":
        settings["top"] = top
    notes = [f"Only {len(found)} seeds stand in every list's top {top}; {k} were asked for."] if len(found) < k else []
    return _chosen(bank, rule, found, settings, notes)


def _chosen(bank: Bank, rule: str, found: IntArray, settings: dict[str, Any], notes: list[str]) -> Choice:
    """Return the seeds at some positions, with what speaks for them and against them."""
    scores = {name: bank.metric(name) for name in sorted(bank.metrics)}
    if "tasks" in settings:
        evidence, remarks = clean_evidence(bank, settings["tasks"], found, settings["worst"])
        scores = {**{f"inpaint.{name}": bank.text_share(name) for name in settings["tasks"]}, **scores}
    else:
        evidence, remarks = golden_evidence(bank, rule, found, settings.get("top"), settings["worst"])
    return Choice(
        seeds=[bank.seeds[position] for position in found],
        rule=rule,
        bank=bank.id,
        settings=settings,
        scores={name: values[found].tolist() for name, values in scores.items()},
        evidence=evidence,
        notes=[*cautions(bank), *notes, *remarks],
    )


def golden_positions(
    bank: Bank,
    rule: str,
    k: int | None = None,
    top: int | None = None,
    allowed_positions: IntArray | None = None,
    worst: bool = False,
    task: str | None = None,
) -> IntArray:
    """Return the positions in the bank of its best `k` seeds (None: all that the rule ranks), best first.

    Ranks are those among all the bank's seeds, also where only some are allowed.

    Raises:
        ChoiceError: for an unknown rule or task, and for a bank without metrics, or for rule clean without inpainting.
    """
    if is_clean(bank, rule):
        order = clean_positions(bank, task, worst)
        return (order if allowed_positions is None else order[np.isin(order, allowed_positions)])[:k]
    if task is not None:
        raise ChoiceError(f"task '{task}': goes with rule {CLEAN}, not with {rule}; leave it out")
    if not bank.metrics:
        raise ChoiceError("rule: the bank holds no metric, so it has no golden seeds; measure one with a metric")
    positions = np.arange(len(bank.seeds)) if allowed_positions is None else allowed_positions
    if rule in bank.metrics:
        values = quality(bank, rule, worst)[positions]
        return positions[order_of(values)][:k]
    ranks = np.stack([ranks_of(quality(bank, name, worst)) for name in sorted(bank.metrics)], axis=1)
    if rule == "paper":
        positions = positions[_in_every_list(bank, _list_length(bank, rule, top), worst)[positions]]
    in_order = _RULES[_check_rule(bank, rule)]
    return positions[in_order(ranks[positions], k)][:k]


def is_clean(bank: Bank, rule: str) -> bool:
    """Say whether a rule is `clean` and no metric of that name."""
    return rule == CLEAN and rule not in bank.metrics


def _check_rule(bank: Bank, rule: str) -> str:
    if rule not in (*RULES, CLEAN) and rule not in bank.metrics:
        known = f"{', '.join((*RULES, CLEAN))}, or a metric of the bank ({listed(bank.metrics)})"
        raise ChoiceError(f"rule '{rule}': there is none of this name; give {known}")
    return rule


def _list_length(bank: Bank, rule: str, top: int | None) -> int:
    _check_rule(bank, rule)
    if top is None:
        return max(1, len(bank.seeds) // 4)
    return check_count(top, len(bank.seeds), "top", "the bank holds")


def _in_every_list(bank: Bank, top: int, worst: bool) -> Any:
    inside = np.ones(len(bank.seeds), dtype=bool)
    for name in bank.metrics:
        listed_here = np.zeros(len(bank.seeds), dtype=bool)
        listed_here[order_of(quality(bank, name, worst))[:top]] = True
        inside &= listed_here
    return inside


def _by_rank_sum(ranks: IntArray, k: int | None) -> IntArray:
    return np.argsort(ranks.sum(axis=1), kind="stable")


def _by_front(ranks: IntArray, k: int | None) -> IntArray:
    """Return rows front after front, until `k` are there: ranks are [seeds, metrics], less is better."""
    # A seed that beats another has the smaller sum, so that walking by sums meets the beater first.
    waiting = _by_rank_sum(ranks, None)
    chosen: list[int] = []
    while len(waiting) and (k is None or len(chosen) < k):
        front: list[int] = []
        rest: list[int] = []
        for row in waiting:
            beaten = (ranks[front] <= ranks[row]).all(axis=1) & (ranks[front] < ranks[row]).any(axis=1)
            (rest if beaten.any() else front).append(int(row))
        chosen.extend(front)
        waiting = np.asarray(rest, dtype=np.int64)
    return np.asarray(chosen, dtype=np.int64)


_RULES: dict[str, Callable[[IntArray, int | None], IntArray]] = {
    "paper": _by_rank_sum,
    "rank-sum": _by_rank_sum,
    "pareto": _by_front,
}
