"""DiverseSeedSampler's NOISE: item i of a batch starts from seed i's own noise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.host.comfyui import ComfyUI, GraphFailed
from tests.host.graphs import Graph, custom_sampling, demo, diverse, ksampler, node, shown
from tests.host.test_nodes import BANK

DIVERSE = diverse(BANK, by="both")


def test_a_batch_of_four_starts_from_the_noise_of_four_single_runs_bit_for_bit(comfyui: ComfyUI) -> None:
    seeds = _seeds(comfyui)
    batch = (
        demo(batch=4)
        | custom_sampling(["diverse", 1], model=["start", 0])
        | {
            "diverse": DIVERSE,
            "start": node("ProbeStart", model=["demo", 0], name="batch"),
            "end": node("ProbeLatent", latent=["sampled", 0], name="batch-end"),
        }
    )
    comfyui.run(batch)
    single = demo()
    for i, seed in enumerate(seeds):
        single[f"start {i}"] = node("ProbeStart", model=["demo", 0], name=f"single-{i}")
        single[f"sampled {i}"] = ksampler(seed, model=[f"start {i}", 0])
        single[f"end {i}"] = node("ProbeLatent", latent=[f"sampled {i}", 0], name=f"single-end-{i}")
    comfyui.run(single)
    noises, ends = ([np.load(comfyui.output / f"single{what}-{i}.npy") for i in range(4)] for what in ("", "-end"))
    assert np.load(comfyui.output / "batch.npy").tobytes() == np.concatenate(noises).tobytes()
    assert np.abs(np.load(comfyui.output / "batch-end.npy") - np.concatenate(ends)).max() < 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("size", [128, 104])
def test_it_follows_the_host_in_every_dtype_and_touches_no_global_random_state(
    comfyui: ComfyUI, dtype: str, size: int
) -> None:
    seeds = _seeds(comfyui)
    graph: Graph = {"diverse": DIVERSE}
    for batch in (1, 4):
        graph[f"empty {batch}"] = node("EmptyLatentImage", width=size, height=size, batch_size=batch)
        graph[f"latent {batch}"] = node("ProbeCast", latent=[f"empty {batch}", 0], dtype=dtype)
    for i, seed in enumerate(seeds):
        graph[f"host {i}"] = node("ProbeHostNoise", seed=seed, latent=["latent 1", 0])
    graph["ours"] = node("ProbeNoise", noise=["diverse", 1], latent=["latent 4", 0])
    output = comfyui.run(graph)
    assert output["ours"]["hashes"] == [output[f"host {i}"]["hashes"][0] for i in range(4)]
    assert output["ours"]["dtype"] == output["host 0"]["dtype"] == [f"torch.{dtype}"]
    assert output["ours"]["kept"] == [True]


def test_one_item_taken_from_the_batch_keeps_its_own_seeds_noise(comfyui: ComfyUI) -> None:
    graph = demo(batch=4) | {
        "diverse": DIVERSE,
        "third": node("LatentFromBatch", samples=["latent", 0], batch_index=2, length=2),
        "whole": node("ProbeNoise", noise=["diverse", 1], latent=["latent", 0]),
        "part": node("ProbeNoise", noise=["diverse", 1], latent=["third", 0]),
    }
    output = comfyui.run(graph)
    assert output["part"]["hashes"] == output["whole"]["hashes"][2:]


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_a_batch_that_has_not_one_item_for_each_seed_is_an_error(comfyui: ComfyUI, batch: int) -> None:
    graph = demo(batch=batch) | {"diverse": DIVERSE} | custom_sampling(["diverse", 1])
    graph["end"] = node("ProbeLatent", latent=["sampled", 0])
    with pytest.raises(
        GraphFailed, match=rf"^noise: 4 seeds for a latent batch of {batch}; set the latent's batch_size to 4$"
    ):
        comfyui.run(graph)


def test_a_place_in_the_batch_without_a_seed_is_an_error(comfyui: ComfyUI) -> None:
    graph = demo(batch=8) | {
        "diverse": DIVERSE,
        "sixth": node("LatentFromBatch", samples=["latent", 0], batch_index=5, length=1),
        "noise": node("ProbeNoise", noise=["diverse", 1], latent=["sixth", 0]),
    }
    with pytest.raises(GraphFailed, match=r"^noise: the latent's batch_index asks for seed 5 of 4"):
        comfyui.run(graph)


def _seeds(comfyui: ComfyUI) -> list[int]:
    graph = {"diverse": DIVERSE, "seeds": shown("diverse", 0)}
    return [int(text) for text in comfyui.run(graph)["seeds"]["text"]]
