"""The pictures of benchmarks/seed_swap.py, made inside a ComfyUI: it runs this file with ComfyUI's own Python.

A batch is one sampling of twelve pictures: each has a prompt and noise of its own, so that it is a pair of seeds by
itself. What is to be made stands in $GOODSEED_ASKED as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, os.getcwd())  # ComfyUI's folder, before this one

import comfy.options

comfy.options.enable_args_parsing()
import numpy as np  # noqa: E402
import torch  # noqa: E402
import utils.extra_config  # noqa: E402, F401  # first, as in main.py: nodes.py puts another `utils` in its way

import nodes  # noqa: E402

STEPS, CFG, SIDE = 12, 3.0, 128


class Studio:
    """The demo model and the pack's sampler."""

    def __init__(self, pack: str) -> None:
        asyncio.run(nodes.load_custom_node(pack, set(), module_parent="custom_nodes"))
        offered = nodes.NODE_CLASS_MAPPINGS
        self.sampler = offered["GoodSeedSeedSwapKSampler"]
        self.model, self.clip, self.vae = offered["GoodSeedDemoModel"].execute().result
        self.empty = self.texts([""])

    def texts(self, prompts: list[str]) -> Any:
        """Return one conditioning for a batch of pictures, each with its own prompt."""
        read = [self.clip.encode_from_tokens_scheduled(self.clip.tokenize(prompt))[0] for prompt in prompts]
        return [[torch.cat([tensor for tensor, _ in read]), read[0][1]]]

    def make(
        self, sampler: str, prompts: list[str], seed: int, swap_seed: int, swap_at: float, initial_seed: int
    ) -> np.ndarray:
        """Return pictures uint8 [B,128,128,3], one a prompt, as SaveImage would write them."""
        latent = {"samples": torch.zeros(len(prompts), 4, SIDE // 8, SIDE // 8)}
        made = self.sampler.execute(
            self.model, seed, swap_seed, swap_at, "fraction", STEPS, CFG, sampler, "simple", self.texts(prompts),
            self.empty, latent, 1.0, initial_seed=initial_seed,
        ).result[0]  # fmt: skip
        return (255 * self.vae.decode(made["samples"]).numpy()).clip(0, 255).astype(np.uint8)

    def series(self, sampler: str, prompts: list[str], pair: list[int], swaps: list[float]) -> np.ndarray:
        """Return uint8 [R,B,128,128,3]: seed i, its swaps to j, i's step noise from j's first noise, seed j."""
        i, j = pair
        runs = [(i, i, 0.0, i), *((i, j, at, i) for at in swaps), (i, i, 0.0, j), (j, j, 0.0, j)]
        return np.stack([self.make(sampler, prompts, *run) for run in runs])


def pictures(asked: dict[str, Any], wanted: Callable[[str], bool]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name of each part that is wanted, and its pictures."""
    studio = Studio(asked["pack"])
    listed = nodes.KSampler.INPUT_TYPES()["required"]["sampler_name"][0]
    swaps, first = asked["swaps"], asked["batches"][0]
    if asked["figure"] and wanted("figure"):
        rows = asked["figure"]["rows"]
        made = [studio.series(asked["figure"]["sampler"], [row["prompt"]], row["seeds"], swaps)[:, 0] for row in rows]
        yield "figure", np.stack(made)
    for name in asked["twins"]:
        if f"{name}_gpu" in listed and wanted(f"twins~{name}"):
            alone = [studio.make(kind, first["prompts"][:1], 0, 100, 0.5, 0) for kind in (name, f"{name}_gpu")]
            yield f"twins~{name}", np.stack(alone)
    for number, batch in enumerate(asked["batches"]):
        for name in asked["samplers"]:
            part = f"sampler~{name}~{number:03}-{len(batch['prompts'])}"
            if name in listed and wanted(part):
                yield part, studio.series(name, batch["prompts"], batch["seeds"], swaps)


def main() -> None:
    """Write each part into a file of its own, and pass over those that are there: a stopped run goes on."""
    asked = json.loads(os.environ["GOODSEED_ASKED"])
    folder = Path(asked["out"])
    unfinished = folder / f"unfinished-{os.getpid()}.npy"
    with torch.inference_mode():
        for name, made in pictures(asked, lambda name: not (folder / f"{name}.npy").exists()):
            np.save(unfinished, made)
            unfinished.replace(folder / f"{name}.npy")
            print(f"{name} done", flush=True)


if __name__ == "__main__":
    main()
