"""Other seeds for the step noise in mid-run: around any sampler of a MODEL, and as a KSampler of its own.

The wrapper goes before all others of the model, so that a Guard and the observer see the sampling as it is done.
"""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import comfy.samplers
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

import nodes
from goodseed.errors import ChoiceError, SeedError
from goodseed.noise import CARDS, DEFAULT_CARD
from goodseed.noise.streams import NAMES
from goodseed.noise.swap import Swap, make_plan, parse_swaps
from goodseed.noise.swap_report import Told, obstacle
from goodseed.seeds import MAX_SEED, check_seed

from .sampling import ARGUMENTS, arguments
from .sampling import sampler_name as name_of
from .show import tell_node
from .step_noise import step_noise_of, with_step_noise

KEY = "goodseed.seed_swap"
SAMPLERS = comfy.samplers.KSampler.SAMPLERS
SCHEDULERS = comfy.samplers.KSampler.SCHEDULERS


@dataclass
class SeedSwap:
    """Swaps for the samplings of one MODEL.

    Fractions are of `steps`, or of the steps that a sampling runs where that is None; `start` is the number of the
    first step run. `seed` is that of the step noise before any swap, where it is not the sampling's own. `card` is
    whose noise `step_noise` cuda is.
    """

    swaps: tuple[Swap, ...]
    step_noise: str = "comfy"
    steps: int | None = None
    start: int = 0
    seed: int | None = None
    card: str = DEFAULT_CARD.name
    tell: Callable[[str], None] | None = None
    told: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check it; older ComfyUI lets any text through.

        Raises:
            ChoiceError: when step noise is drawn nowhere that is known, or the card is not.
        """
        _check_choice("step_noise", self.step_noise, NAMES)
        _check_choice("step_noise_card", self.card, list(CARDS))

    def on(self, model: ModelPatcher) -> ModelPatcher:
        """Return a clone whose samplings are swapped; a swap that the model had is replaced."""
        model = model.clone()
        model.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
        others = model.wrappers.get(WrappersMP.OUTER_SAMPLE, {})
        model.wrappers[WrappersMP.OUTER_SAMPLE] = {KEY: [self._around], **others}
        return model

    def report(self) -> str:
        """Return what was done, as text."""
        return "\n".join(line for told in self.told for line in told.lines()) or "No step was run."

    def _around(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        """OUTER_SAMPLE: the sampler gets its noise, and the seed that is to be its own."""
        given = arguments(args, kwargs)
        seed = given.get("seed") if self.seed is None else self.seed
        sampler, told = self._swapped(given["sampler"], max(len(given["sigmas"]) - 1, 0), seed)
        changes = {"sampler": sampler, "seed": seed}
        known = tuple(changes.pop(name, value) for name, value in zip(ARGUMENTS, args, strict=False))
        args = known + args[len(known) :]
        output = executor(*args, **{**kwargs, **changes})
        self.told.append(told)
        if self.tell is not None:
            self.tell("\n".join(told.lines()))
        return output

    def _swapped(self, sampler: Any, steps: int, seed: int | None) -> tuple[Any, Told]:
        """Return the SAMPLER with its noise swapped where that can be, and what is to be told of it.

        Raises:
            SwapError: when two swaps lie at the same step.
            SeedError: for ddim with seed 2^64−1, to which ComfyUI adds one.
        """
        name = name_of(sampler)
        if seed == MAX_SEED and getattr(sampler, "inpaint_options", {}).get("random"):
            raise SeedError(f"seed {seed}: ComfyUI adds one to it for {name}; use a smaller seed")
        plan = make_plan(self.swaps, steps if self.steps is None else self.steps, self.start)
        told = Told(name, steps, plan, seed, self.step_noise, self.card)
        function = inspect.unwrap(getattr(sampler, "sampler_function", type(sampler)))
        of_host = str(getattr(function, "__module__", "")).startswith("comfy.")
        told.obstacle = obstacle(name, of_host, getattr(sampler, "extra_options", {}), SAMPLERS)
        if told.obstacle:
            return sampler, told
        changes = {"plan": plan, "where": self.step_noise, "card": CARDS[self.card], "draws": Counter()}
        swapped = with_step_noise(sampler, **changes)
        told.draws = step_noise_of(swapped).draws
        return swapped, told


def read_swaps(swap_seed: int, swap_at: float, swap_unit: str, swaps: str) -> tuple[Swap, ...]:
    """Return the swaps that a node's inputs ask for; `swaps`, where it says something, instead of the others.

    Raises:
        SwapError, SeedError: for inputs that are no swap.
    """
    return parse_swaps(swaps) if swaps.strip() else (Swap(swap_at, swap_unit, swap_seed),)


def sample(
    swap: SeedSwap,
    model: ModelPatcher,
    initial_seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    *sampling: Any,
    **options: Any,
) -> tuple[dict[str, Any], str]:
    """Sample as ComfyUI's KSampler and KSamplerAdvanced do, with swaps; return the latent and the report.

    The arguments from `steps` on are those of nodes.common_ksampler behind its seed, which is that of the first noise.

    Raises:
        ChoiceError: for a sampler, scheduler or place of noise that there is not; older ComfyUI lets any text through.
        SeedError: for a seed outside 0…2^64−1.
    """
    _check_choice("sampler_name", sampler_name, SAMPLERS)
    _check_choice("scheduler", scheduler, SCHEDULERS)
    check_seed(swap.seed or 0, "seed")
    check_seed(initial_seed, "initial_seed")
    (latent,) = nodes.common_ksampler(
        swap.on(model), initial_seed, steps, cfg, sampler_name, scheduler, *sampling, **options
    )
    return latent, swap.report()


def _check_choice(where: str, value: str, options: Sequence[str]) -> None:
    if value not in options:
        raise ChoiceError(f"{where}: '{value[:60]}' is none of {', '.join(options[:3])} …; choose from the list")


def teller(node: str | None) -> Callable[[str], None]:
    """Return what tells a text in the log and on a node."""

    def tell(text: str) -> None:
        logging.info("Good Seed: Seed Swap: %s", text)
        tell_node(text, node)

    return tell
