"""The loop that every stage of training shares: schedule, average of weights, checkpoints, progress."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from goodseed.files import atomic_writer


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage trains: AdamW, linear warm-up, cosine decay to zero.

    Each step's batch is cut into `parts` that are worked on side by side, one thread each: on a CPU two
    threads that each do one part are faster than one part done by two threads. `rounded` multiplies in bfloat16, which
    takes half to two thirds of the time on CPUs that have instructions for it.
    """

    steps: int
    batch: int
    rate: float
    warm_up: int = 100
    average: float = 0.999
    weight_decay: float = 0.01
    save_seconds: float = 120.0
    parts: int = 2
    rounded: bool = False

    def rate_at(self, step: int) -> float:
        rising = min(1.0, (step + 1) / self.warm_up)
        return self.rate * rising * 0.5 * (1 + math.cos(math.pi * step / self.steps))


def generator_for(stage: str, step: int, part: int) -> torch.Generator:
    """Return the random state of one part of a step, so that a resumed run draws what an uninterrupted one does.

    It lives on the CPU, so that every machine trains on the same draws.
    """
    return torch.Generator().manual_seed((sum(stage.encode()) * 1_000_003 + step) * 64 + part)


def train(
    stage: str,
    model: nn.Module,
    loss_of: Callable[[nn.Module, torch.Generator, int], Tensor],
    schedule: Schedule,
    folder: Path,
    device: torch.device,
) -> nn.Module:
    """Train `model` and return the running average of its weights; continues from `folder`'s checkpoint.

    `loss_of(model, generator, count)` gives the loss of `count` examples, drawing all chance from `generator`.
    """
    model.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    average = copy.deepcopy(model).requires_grad_(False)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.98)
    )
    checkpoint = folder / f"{stage}.ckpt"
    start = _load(checkpoint, device, model=model, average=average, optimiser=optimiser)
    saved, running = time.monotonic(), 0.0
    columns = (
        TextColumn(stage),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    each = schedule.batch // schedule.parts
    pool = ThreadPoolExecutor(schedule.parts, initializer=torch.set_num_threads, initargs=(1,))
    # In bfloat16, torch's fused attention is the slow one on a CPU.
    attention = sdpa_kernel(SDPBackend.MATH) if schedule.rounded else contextlib.nullcontext()
    with pool, attention, Progress(*columns) as progress:
        bar = progress.add_task(stage, total=schedule.steps, completed=start, loss="")
        for step in range(start, schedule.steps):
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate_at(step)
            generators = [generator_for(stage, step, part) for part in range(schedule.parts)]
            losses = [partial(loss_of, model, generator, each) for generator in generators]
            loss = _gradients(pool, model, losses, rounded(device, schedule.rounded))
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            _blend(average, model, min(schedule.average, (step + 1) / (step + 10)))
            running = loss if step == start else 0.98 * running + 0.02 * loss
            progress.update(bar, completed=step + 1, loss=f"loss {running:.4f}")
            if step + 1 == schedule.steps or time.monotonic() - saved > schedule.save_seconds:
                _save(checkpoint, model, average, optimiser, step + 1)
                _log(folder / f"{stage}.log", f"{step + 1} {running:.5f}")
                saved = time.monotonic()
    return average.eval()


def rounded(device: torch.device, yes: bool) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return what makes a context in which this thread multiplies in bfloat16, if `yes`."""
    return partial(torch.autocast, device.type, torch.bfloat16, enabled=yes)


def _gradients(
    pool: ThreadPoolExecutor,
    model: nn.Module,
    losses: Sequence[Callable[[], Tensor]],
    precision: Callable[[], contextlib.AbstractContextManager[None]],
) -> float:
    """Put the mean gradient of all parts into the parameters' `.grad`; return the mean loss."""
    parameters = [p for p in model.parameters() if p.requires_grad]

    def work(loss_of_part: Callable[[], Tensor]) -> tuple[float, tuple[Tensor, ...]]:
        with precision():
            loss = loss_of_part()
        return loss.item(), torch.autograd.grad(loss, parameters)

    results = list(pool.map(work, losses))
    for index, parameter in enumerate(parameters):
        parameter.grad = torch.stack([gradients[index] for _, gradients in results]).mean(0)
    return sum(loss for loss, _ in results) / len(results)


@torch.no_grad()
def _blend(average: nn.Module, model: nn.Module, keep: float) -> None:
    for kept, new in zip(average.parameters(), model.parameters(), strict=True):
        kept.lerp_(new, 1 - keep)
    for old, latest in zip(average.buffers(), model.buffers(), strict=True):
        old.copy_(latest)


def _load(path: Path, device: torch.device, **parts: nn.Module | torch.optim.Optimizer) -> int:
    """Load a checkpoint's parts, where there is one; return the step that it was saved after."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def _save(path: Path, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    state = {
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
    }
    with atomic_writer(path) as file:
        torch.save(state, file)


def _log(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
