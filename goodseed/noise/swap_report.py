"""What a seed swap does to a sampler, in words: whether it can act, and what it did."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from goodseed.determinism import known
from goodseed.noise.cards import DEFAULT_CARD
from goodseed.noise.swap import Plan

NOISY = known.STREAM_SAMPLERS | known.TREE_SAMPLERS | known.GPU_TREE_SAMPLERS


def obstacle(sampler: str, of_host: bool, options: Mapping[str, Any], offered: Collection[str]) -> str:
    """Say why a swap cannot act on a sampler of this name and options, or nothing where it can.

    `of_host`: whether the sampler is ComfyUI's own, and not only named so. `offered`: the samplers that ComfyUI has.
    """
    if not of_host or sampler not in NOISY | known.QUIET_SAMPLERS:
        return f"{sampler} is not one of the samplers whose step noise is known: it ran unswapped."
    if options.get("noise_sampler") is not None:
        return f"{sampler} was given step noise by another node: it ran unswapped."
    if sampler in known.QUIET_SAMPLERS:
        return _obstacle_of_quiet(sampler, options, offered)
    for name in ("eta", "s_noise"):
        if options.get(name, 1) == 0 and not options.get(f"{name}_end"):
            return f"{name} is 0, so {sampler} adds no noise between its steps: the swap has no effect."
    return ""


def _obstacle_of_quiet(sampler: str, options: Mapping[str, Any], offered: Collection[str]) -> str:
    if options.get("s_churn", 0) > 0:
        return f"{sampler} with s_churn draws noise that no seed sets: it ran unswapped."
    if sampler in ("dpm_fast", "dpm_adaptive") and options.get("eta", 0) > 0:
        return f"{sampler} makes steps of its own, which are not those of the swap: it ran unswapped."
    near = [name for name in known.STOCHASTIC_SIBLINGS.get(sampler, ()) if name in offered] or ["euler_ancestral"]
    return (
        f"{sampler} adds no noise between its steps: the swap has no effect. Sample with {' or '.join(near)} to swap."
    )


@dataclass
class Told:
    """What is known of one swapped sampling. `draws` counts what was drawn for each of the run's steps."""

    sampler: str
    steps: int
    plan: Plan
    seed: int | None = None
    where: str = "comfy"
    card: str = DEFAULT_CARD.name
    obstacle: str = ""
    draws: dict[int, int] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield the report, line by line."""
        start, end = self.plan.start, self.plan.start + self.steps
        yield f"{self.sampler}, steps {start} to {end - 1}."
        if self.obstacle:
            yield self.obstacle
            return
        yield "Step noise: " + ", ".join(self._parts(start, end)) + "."
        yield from self._without_effect(start, end)
        if self.where != "comfy":
            yield _WHERE[self.where, self.sampler in known.STREAM_SAMPLERS].format(card=self.card)

    def _parts(self, start: int, end: int) -> Iterator[str]:
        """Yield the seeds in order with the step from which each counts."""
        changes = [start, *(step for step, _ in self.plan.swaps if start < step < end)]
        for step in changes:
            yield f"seed {self.plan.seed_at(step - start, self.seed)} from step {step}"

    def _without_effect(self, start: int, end: int) -> Iterator[str]:
        swaps = self.plan.swaps
        for place, (step, _) in enumerate(swaps):
            until = min(swaps[place + 1][0] if place + 1 < len(swaps) else end, end)
            if step >= end:
                yield f"The swap at step {step} is past the last step, {end - 1}: it has no effect."
            elif until <= start:
                yield f"The swap at step {step} lies before the first step, {start}: a later one takes its place."
            elif not any(self.draws.get(k - start) for k in range(max(step, start), until)):
                yield f"No noise was added from step {step} to {until - 1}: the swap has no effect."


_WHERE = {
    ("cpu", True): "Step noise was drawn on the CPU: the same on every GPU.",
    ("cpu", False): "Step noise is a Brownian tree on the CPU: the same on every GPU.",
    ("cuda", True): "Step noise is that of an NVIDIA {card}, computed on the CPU.",
    ("cuda", False): (
        "Step noise is a Brownian tree, which CUDA's generator has no part in; the tree is on the CPU, the same"
        " everywhere."
    ),
}
