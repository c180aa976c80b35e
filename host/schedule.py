"""Which scheduler, steps and denoise the sigmas of a sampling come from, held against the host's own schedulers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import comfy.samplers
import torch
from torch import Tensor

from goodseed.provenance.asked import Asked, asked_in_prompt
from goodseed.provenance.record import GRAPH, OBSERVED, Known, known, unknown

_MOST_STEPS = 10_000


def schedule_of(
    sigmas: Tensor, model_sampling: Any, sampler: str, prompt: Mapping[str, Any], key: str
) -> dict[str, Known]:
    """Return steps, scheduler and denoise of a sampling in node `key`.

    They are observed where the host makes the very same sigmas of them; what the graph says and the sigmas do not
    confirm is only read from the graph. Steps are those asked for, of which KSamplerAdvanced may run a part.
    """
    asked = asked_in_prompt(prompt, key)
    run = max(len(sigmas) - 1, 0)
    observed = sigmas.detach().cpu().float()
    for scheduler, steps, denoise in _guesses(asked, run):
        if _makes(observed, model_sampling, sampler, scheduler, _total(steps, denoise)):
            return {
                "steps": known(steps, OBSERVED),
                "scheduler": known(scheduler, OBSERVED),
                "denoise": known(denoise, OBSERVED),
            }
    return {
        "steps": known(run, OBSERVED),
        "scheduler": _from_graph(asked["scheduler"]),
        "denoise": _from_graph(asked["denoise"]),
    }


def _from_graph(asked: Asked) -> Known:
    return known(asked.value, GRAPH) if asked.literal else unknown()


def _guesses(asked: Mapping[str, Asked], run: int) -> Iterator[tuple[str, int, float]]:
    """Yield scheduler, steps and denoise as the graph asks for them; where it does not say, those of a whole run."""
    names = comfy.samplers.SCHEDULER_NAMES
    schedulers = [asked["scheduler"].value] if asked["scheduler"].value in names else list(names)
    steps = run if asked["steps"].value is None else asked["steps"].value
    denoise = 1.0 if asked["denoise"].value is None else asked["denoise"].value
    if isinstance(steps, int) and isinstance(denoise, (int, float)) and 0 < denoise <= 1 and 0 < steps <= _MOST_STEPS:
        yield from ((scheduler, steps, float(denoise)) for scheduler in schedulers)


def _total(steps: int, denoise: float) -> int:
    """Return how many steps a whole run has of which the last `steps` are `denoise` (KSampler and BasicScheduler)."""
    return steps if denoise > 0.9999 else int(steps / denoise)


def _makes(observed: Tensor, model_sampling: Any, sampler: str, scheduler: str, total: int) -> bool:
    """Say whether the observed sigmas are a part of a scheduler's, whole or with the end set to zero."""
    if total > _MOST_STEPS or len(observed) < 2:
        return False
    if sampler in comfy.samplers.KSampler.DISCARD_PENULTIMATE_SIGMA_SAMPLERS:
        longer = comfy.samplers.calculate_sigmas(model_sampling, scheduler, total + 1).cpu().float()
        if _part_of(observed, torch.cat([longer[:-2], longer[-1:]])):
            return True
    return _part_of(observed, comfy.samplers.calculate_sigmas(model_sampling, scheduler, total).cpu().float())


def _part_of(part: Tensor, whole: Tensor) -> bool:
    length = len(part)
    for start in range(len(whole) - length + 1):
        candidate = whole[start : start + length]
        if torch.equal(candidate[:-1], part[:-1]) and (candidate[-1] == part[-1] or part[-1] == 0):
            return True
    return False
