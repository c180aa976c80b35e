"""A sampler's step noise: the host's own streams, of other seeds from some step on, or drawn on another device.

A sampler of comfy.k_diffusion takes its noise from a `noise_sampler`, which it makes itself where none is given. Here
it is given one, made by the host's own factories, so that what the host changes there is inherited. Nothing of the
host's is replaced: the change lies in a copy of the SAMPLER.
"""

from __future__ import annotations

import copy
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from comfy.k_diffusion import sampling
from torch import Tensor

from goodseed.determinism import known
from goodseed.errors import SeedError
from goodseed.noise import DEFAULT_CARD, Card, CudaGenerator
from goodseed.noise.swap import Plan
from goodseed.seeds import MAX_SEED

Draw = Callable[[Tensor, Tensor], Tensor]
"""A noise_sampler: from sigma and the next sigma to noise of the latent's shape."""


@dataclass(frozen=True)
class StepNoise:
    """Where a sampler's step noise comes from; `card` is whose noise cuda is.

    `draws` counts, for each of the run's steps, what was drawn.
    """

    plan: Plan = field(default_factory=Plan)
    where: str = "comfy"
    portable: bool = False
    card: Card = DEFAULT_CARD
    draws: Counter[int] = field(default_factory=Counter, compare=False)

    def device(self) -> str:
        """Return comfy, cpu or cuda."""
        return "cpu" if self.portable and self.where == "comfy" else self.where

    def described(self) -> dict[str, Any]:
        """Return what a node asked for, as values; nothing where no node did."""
        asked: dict[str, Any] = {"seed_swaps": self.plan.as_list()} if self.plan.swaps else {}
        if self.where != "comfy":
            asked["step_noise"] = self.where
        if self.where == "cuda":
            asked["step_noise_card"] = self.card.name
        return asked


def step_noise_of(sampler: Any) -> StepNoise:
    """Return where a SAMPLER's step noise comes from."""
    function = getattr(sampler, "sampler_function", None)
    return function.noise if isinstance(function, _WithNoise) else StepNoise()


def with_step_noise(sampler: Any, **changes: Any) -> Any:
    """Return a copy of a SAMPLER with its StepNoise changed; a sampler whose step noise is not known, as it is."""
    kind = _kind(sampler)
    if kind is None:
        return sampler
    function = sampler.sampler_function
    changed = copy.copy(sampler)
    changed.sampler_function = _WithNoise(
        function.__wrapped__ if isinstance(function, _WithNoise) else function,
        kind,
        replace(step_noise_of(sampler), **changes),
    )
    return changed


def portable(sampler: Any) -> Any:
    """Return a copy of a SAMPLER that draws on the CPU what it would draw on the latent's device; others as they are.

    On the CPU the copy gives the sampler's own bits.
    """
    return with_step_noise(sampler, portable=True) if _kind(sampler) in ("stream", "gpu_tree") else sampler


def _kind(sampler: Any) -> str | None:
    """Return how a SAMPLER makes its step noise; None where it makes none, or none that is known."""
    function = getattr(sampler, "sampler_function", None)
    name = getattr(function, "__name__", "").removeprefix("sample_")
    if getattr(function, "__module__", None) != sampling.__name__:
        return None
    groups = {"stream": known.STREAM_SAMPLERS, "tree": known.TREE_SAMPLERS, "gpu_tree": known.GPU_TREE_SAMPLERS}
    return next((kind for kind, names in groups.items() if name in names), None)


class _WithNoise:
    """A sampler's function under its own name, given its noise."""

    __wrapped__: Callable[..., Tensor]

    def __init__(self, function: Callable[..., Tensor], kind: str, noise: StepNoise) -> None:
        functools.update_wrapper(self, function)
        self.kind = kind
        self.noise = noise

    def __call__(
        self,
        model: Any,
        x: Tensor,
        sigmas: Tensor,
        extra_args: Any = None,
        callback: Any = None,
        *rest: Any,
        **options: Any,
    ) -> Tensor:
        if options.get("noise_sampler") is None and len(sigmas) > 1:
            seed = (extra_args or {}).get("seed")
            place = _Place(sigmas, callback)
            callback = place.note
            options["noise_sampler"] = self._noise_sampler(x, sigmas, seed, place)
        return self.__wrapped__(model, x, sigmas, extra_args, callback, *rest, **options)

    def _noise_sampler(self, x: Tensor, sigmas: Tensor, first: int | None, place: _Place) -> Draw:
        """Draw from the streams of all seeds at every call, so that a stream stands where its sampler would have it.

        A Brownian tree has no place to stand at: it gives the same between two sigmas whatever was asked before.
        """
        plan, draws = self.noise.plan, self.noise.draws
        streams = {seed: _stream(self.kind, x, sigmas, seed, self.noise) for seed in plan.seeds(first)}

        def draw(sigma: Tensor, sigma_next: Tensor) -> Tensor:
            step = place.of(sigma, sigma_next)
            draws[step] += 1
            chosen = plan.seed_at(step, first)
            if self.kind != "stream":
                return streams[chosen](sigma, sigma_next)
            return {seed: stream(sigma, sigma_next) for seed, stream in streams.items()}[chosen]

        return draw


class _Place:
    """Tells which of a run's steps asks for noise: the one whose sigma it names, or else the one last called back."""

    def __init__(self, sigmas: Tensor, callback: Any) -> None:
        values = sigmas.tolist()
        counts = Counter(values)
        self._places = {value: place for place, value in enumerate(values) if counts[value] == 1}
        self._callback = callback
        self._last = 0

    def note(self, info: Any) -> None:
        self._last = info["i"]
        if self._callback is not None:
            self._callback(info)

    def of(self, sigma: Tensor, sigma_next: Tensor) -> int:
        """Samplers that ask more than once a step name sigmas between, which may round to the end of their step."""
        start = float(sigma)
        return self._last if start == float(sigma_next) else self._places.get(start, self._last)


def _stream(kind: str, x: Tensor, sigmas: Tensor, seed: int | None, noise: StepNoise) -> Draw:
    """Return the noise that a sampler of this kind would draw with a seed, as it begins with latent `x`.

    Raises:
        SeedError: for seed 2^64−1 where ComfyUI adds one to it.
    """
    where = noise.device()
    if kind != "stream":  # the ends of the tree are those of dpmpp_sde, dpmpp_2m_sde and dpmpp_3m_sde
        on_cpu = kind == "tree" or where != "comfy"
        low, high = sigmas[sigmas > 0].min(), sigmas.max()
        tree: Draw = sampling.BrownianTreeNoiseSampler(x, low, high, seed=seed, cpu=on_cpu)
        return tree
    if where == "cuda" and seed is not None:
        return _as_cuda(x, seed, noise.card)
    if where == "cpu":
        draw = _default_stream(x.cpu(), seed)
        return lambda sigma, sigma_next: draw(sigma, sigma_next).to(x)
    return _default_stream(x, seed)


def _default_stream(x: Tensor, seed: int | None) -> Draw:
    try:
        draw: Draw = sampling.default_noise_sampler(x, seed=seed)
    except (OverflowError, RuntimeError, ValueError) as error:
        if seed != MAX_SEED:
            raise
        raise SeedError(f"seed {seed}: ComfyUI adds one to it for step noise on the CPU; use a smaller seed") from error
    return draw


def _as_cuda(x: Tensor, seed: int, card: Card) -> Draw:
    """Draw what a new generator on that card would, as ComfyUI's default_noise_sampler makes one there."""
    generator = CudaGenerator(seed, card)
    return lambda sigma, sigma_next: generator.randn(tuple(x.shape), x.dtype).to(x)
