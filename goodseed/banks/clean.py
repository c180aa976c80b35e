"""Clean seeds: those that leave the least text in holes, "Good Seed Makes a Good Crop", section 4.3."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.choice import IntArray, quality, ranks_of
from goodseed.banks.format import Bank, listed
from goodseed.errors import ChoiceError
from goodseed.stats import measured_gain

CLEAN = "clean"
"""The rule's name."""


def check_tasks(bank: Bank, task: str | None) -> list[str]:
    """Return the inpainting tasks that a question is about: the one named, or all of the bank's.

    Raises:
        ChoiceError: for a bank without an inpainting part, and for a task that it does not hold.
    """
    if not bank.tasks:
        raise ChoiceError(
            f"rule {CLEAN}: the bank has no inpainting part, so it knows nothing of text in holes; measure it with "
            "goodseed study --inpaint"
        )
    if task is not None and task not in bank.tasks:
        raise ChoiceError(f"task '{task}': the bank holds the tasks {listed(bank.tasks)}; name one, or none for all")
    return bank.tasks if task is None else [task]


def clean_positions(bank: Bank, task: str | None = None, worst: bool = False) -> IntArray:
    """Return all positions of the bank, those with the smallest share of text first (with `worst`: the largest).

    The share is the mean over the tasks, on the selection pairs. Ties go by the sum of the seed's places in the
    bank's metrics, then by the bank's order.

    Raises:
        ChoiceError: for a bank without an inpainting part, and for a task that it does not hold.
    """
    tasks = check_tasks(bank, task)
    shares = np.mean([bank.text_share(name).astype(np.float64) for name in tasks], axis=0)
    places = np.zeros(len(bank.seeds), np.int64)
    for name in bank.metrics:
        places += ranks_of(quality(bank, name, worst))
    return np.lexsort((places, -shares if worst else shares))


def clean_evidence(bank: Bank, tasks: list[str], positions: IntArray, worst: bool) -> tuple[dict[str, Any], list[str]]:
    """Return figures for the seeds at `positions` by task, as `inpaint.<task>`, and remarks.

    `held_out`: their mean share of text beside all seeds', on the held-out pairs, with the gain's interval; `icc`
    and `rank_correlation` as measured; `study`: the gain of the study's own clean seeds.
    """
    measured = bank.info["reliability"].get("inpaint", {})
    gains: dict[str, Any] = {}
    found: dict[str, dict[str, Any]] = {"icc": {}, "rank_correlation": {}, "study": {}}
    remarks: list[str] = []
    for task in tasks:
        shares, errors = (bank.text_share(task, held_out=True, part=part) for part in ("text_share", "stderr"))
        gain = measured_gain(shares, errors, [int(position) for position in positions], "lower")
        gains[f"inpaint.{task}"] = gain.as_dict()
        entries = measured.get(task, {})
        for part, key in (("icc", "icc"), ("rank_correlation", "rank_correlation"), ("study", "gain")):
            if isinstance(entries, dict) and isinstance(entries.get(key), dict):
                found[part][f"inpaint.{task}"] = entries[key]
        remarks += _remarks(task, found["icc"].get(f"inpaint.{task}", {}), gain.low, gain.high, worst)
    remarks += _ties(bank, tasks, positions, worst)
    return {"held_out": gains, **found}, remarks


def _remarks(task: str, icc: dict[str, Any], low: float, high: float, worst: bool) -> list[str]:
    found = []
    if not worst and low <= 0 <= high:
        found.append(f"On the held-out pairs the gain in {task} cannot be told from none.")
    if icc.get("low", 1) <= 0:
        found.append(f"The study found no sure effect of the seed on text in {task} (its ICC's interval reaches 0).")
    return found


def _ties(bank: Bank, tasks: list[str], positions: IntArray, worst: bool) -> list[str]:
    """Say when more seeds are as clean as the last one chosen: then their other metrics decided."""
    shares: npt.NDArray[np.float64] = np.mean([bank.text_share(name).astype(np.float64) for name in tasks], axis=0)
    alike = int((shares == shares[positions[-1]]).sum())
    chosen = int((shares[positions] == shares[positions[-1]]).sum())
    if worst or alike == chosen:
        return []
    by = "their other metrics" if bank.metrics else "the bank's order"
    return [f"{alike} seeds have as little text as the last one chosen ({shares[positions[-1]]:.2%}); {by} decided."]
