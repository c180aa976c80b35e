"""DiverseSeedSampler's NOISE: item i of a batch starts from seed i's own noise."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from goodseed.banks import write_bank
from goodseed.noise import CARDS, CudaGenerator, cuda_spec, initial_noise, step_stream
from tests.host.banks import cuda_bank
from tests.host.comfyui import ComfyUI, GraphFailed
from tests.host.graphs import Graph, custom_sampling, demo, diverse, ksampler, node, picker, seed_noise, shown
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


DTYPES = ["float32", "float16", "bfloat16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_spec_comfy_gives_the_bits_of_random_noise(comfyui: ComfyUI, dtype: str) -> None:
    graph: Graph = {
        "ours": seed_noise(2**64 - 1),
        "theirs": node("RandomNoise", noise_seed=2**64 - 1),
        "empty": node("EmptyLatentImage", width=104, height=104, batch_size=4),
        "batch": node("ProbeCast", latent=["empty", 0], dtype=dtype),
        "part": node("LatentFromBatch", samples=["batch", 0], batch_index=1, length=2),
        "two": node("LatentBatch", samples1=["batch", 0], samples2=["part", 0]),
    }
    for latent in ("batch", "part", "two"):
        for noise in ("ours", "theirs"):
            graph[f"{noise} {latent}"] = node("ProbeNoise", noise=[noise, 0], latent=[latent, 0])
    output = comfyui.run(graph)
    for latent in ("batch", "part", "two"):
        ours, theirs = output[f"ours {latent}"], output[f"theirs {latent}"]
        assert (ours["hashes"], ours["dtype"]) == (theirs["hashes"], theirs["dtype"])
        assert ours["kept"] == [True]


@pytest.mark.parametrize("drawn_in", DTYPES)
def test_specs_cpu_and_cuda_give_what_the_library_draws(comfyui: ComfyUI, drawn_in: str) -> None:
    graph = demo(batch=3, width=768, height=768)
    graph["part"] = node("LatentFromBatch", samples=["latent", 0], batch_index=1, length=1)
    for spec in ("cpu", "cuda"):
        for per_item in ("one draw", "next seeds", "listed seeds"):
            name = f"{spec} {per_item}"
            options = {"per_item": per_item, "seeds": "469, 7,2", "drawn_in": drawn_in, "card": "RTX 2060"}
            graph[name] = seed_noise(469, spec, **options)
            graph[f"{name} whole"] = node("ProbeNoise", noise=[name, 0], latent=["latent", 0])
            graph[f"{name} part"] = node("ProbeNoise", noise=[name, 0], latent=["part", 0])
    output = comfyui.run(graph)
    dtype = getattr(torch, drawn_in)
    for spec in ("cpu", "cuda"):

        def drawn(seed: int, batch: int = 1, spec: str = spec) -> list[str]:
            noise = step_stream(seed, spec, CARDS["RTX 2060"]).randn((batch, 4, 96, 96), dtype).float()
            return [hashlib.sha256(item.numpy().tobytes()).hexdigest() for item in noise]

        found = {name: output[f"{spec} {name} whole"]["hashes"] for name in ("one draw", "next seeds", "listed seeds")}
        assert found["one draw"] == drawn(469, 3)
        assert found["next seeds"] == drawn(469) + drawn(470) + drawn(471)
        assert found["listed seeds"] == drawn(469) + drawn(7) + drawn(2)
        assert output[f"{spec} one draw part"]["hashes"] == drawn(469, 2)[1:]
        assert output[f"{spec} next seeds part"]["hashes"] == drawn(470)
        assert output[f"{spec} listed seeds part"]["hashes"] == drawn(7)


def test_a_latent_of_several_tensors_gets_one_stream_for_all_of_them(comfyui: ComfyUI) -> None:
    if comfyui.version == "floor":
        pytest.skip("this ComfyUI has no such latents")
    graph: Graph = demo(batch=2) | {"theirs": node("RandomNoise", noise_seed=3)}
    graph |= {"comfy": seed_noise(3), "cuda": seed_noise(3, "cuda", per_item="next seeds")}
    for noise in ("theirs", "comfy", "cuda"):
        graph[f"{noise} drawn"] = node("ProbeNestedNoise", noise=[noise, 0], latent=["latent", 0])
    output = comfyui.run(graph)
    assert output["comfy drawn"] == output["theirs drawn"]
    streams = [CudaGenerator(seed) for seed in (3, 4)]
    drawn = [[stream.randn(shape).numpy().tobytes() for stream in streams] for shape in ((4, 16, 16), (2, 5, 16))]
    expected = [[hashlib.sha256(item).hexdigest() for item in part] for part in drawn]
    assert output["cuda drawn"]["hashes"] == expected


def test_the_sampler_starts_from_the_specs_noise(comfyui: ComfyUI) -> None:
    graph = demo() | {
        "noise": seed_noise(469, "cuda"),
        "report": shown("noise", 1),
        "start": node("ProbeStart", model=["demo", 0], name="cuda"),
        **custom_sampling(["noise", 0], model=["start", 0]),
        "end": node("ProbeLatent", latent=["sampled", 0]),
    }
    output = comfyui.run(graph)
    assert output["end"]["finite"] == [True]
    started = np.load(comfyui.output / "cuda.npy")
    assert np.array_equal(started, CudaGenerator(469).randn((1, 4, 16, 16)).numpy())
    assert output["report"]["text"][0].startswith("**Noise of spec cuda**: seed 469, one draw for the whole batch.")


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (seed_noise(per_item="listed seeds", seeds=" "), "seeds: is empty; list the seeds, such as 469, 696, or set"),
        (seed_noise(per_item="listed seeds", seeds="a"), "seeds: 'a' is no seed and no range"),
        (
            seed_noise(per_item="listed seeds", seeds="1,2,3"),
            "noise: 3 seeds for a latent batch of 2; set the latent's",
        ),
        (seed_noise(2**64 - 1, per_item="next seeds"), "noise: 18446744073709551616 is outside"),
    ],
)
def test_what_a_batch_cannot_be_given_is_one_clear_line(
    comfyui: ComfyUI, noise: dict[str, object], message: str
) -> None:
    graph: Graph = demo(batch=2) | {"noise": noise}
    graph["end"] = node("ProbeNoise", noise=["noise", 0], latent=["latent", 0])
    with pytest.raises(GraphFailed) as failed:
        comfyui.run(graph)
    assert str(failed.value).startswith(message)
    assert "\n" not in str(failed.value)


ON_A_T4 = {"drawn_in": "float16", "card": "T4"}


@pytest.fixture
def cuda(comfyui: ComfyUI, demo_weights: Path) -> str:
    """The name of a bank that was measured with a T4's noise in half precision."""
    path = comfyui.banks / "cuda.safetensors"
    if not path.exists():
        write_bank(cuda_bank(demo_weights), path)
    return path.name


def picked(bank: str, noise: dict[str, object]) -> Graph:
    """A picker that stops where its bank does not fit, and a seed that goes into Seed Noise."""
    graph = demo() | custom_sampling(["noise", 0], steps=1) | {"noise": noise, "report": shown("pick", 2)}
    graph["pick"] = picker(bank, model=["demo", 0], latent=["latent", 0], on_mismatch="stop")
    return graph | {"end": node("ProbeLatent", latent=["sampled", 0])}


def test_a_bank_of_cuda_noise_fits_where_its_seed_goes_into_that_noise_and_nowhere_else(
    comfyui: ComfyUI, cuda: str
) -> None:
    fitting = picked(cuda, seed_noise(["pick", 0], "cuda", **ON_A_T4))
    assert "Warning" not in comfyui.run(fitting)["report"]["text"][0]
    other_dtype = picked(cuda, seed_noise(["pick", 0], "cuda", card="T4"))
    with pytest.raises(GraphFailed, match=r"^The bank was measured with noise dtype float16, not float32\."):
        comfyui.run(other_dtype)
    assert "Warning" not in comfyui.run(fitting)["report"]["text"][0]
    said = (
        r"^The bank was measured with noise of spec cuda \(drawn_in float16, card T4\), not comfy; put its seeds into "
        r"Seed Noise, set so\."
    )
    for graph in (
        picked(cuda, seed_noise(["pick", 0], "comfy")),
        fitting | {"also": ksampler(["pick", 0]), "end too": node("ProbeLatent", latent=["also", 0])},
        demo() | {"pick": fitting["pick"], "sampled": ksampler(["pick", 0]), "end": fitting["end"]},
    ):
        with pytest.raises(GraphFailed, match=said):
            comfyui.run(graph)
    reverse = picked(BANK, seed_noise(["pick", 0], "cuda", **ON_A_T4))
    with pytest.raises(GraphFailed, match=r"of spec comfy, not cuda \(.*T4\); sample with KSampler\."):
        comfyui.run(reverse)


def test_a_picker_is_asked_again_when_its_seed_goes_elsewhere(comfyui: ComfyUI, cuda: str) -> None:
    graph = picked(cuda, seed_noise(["pick", 0], "cuda", **ON_A_T4))
    graph["pick"]["inputs"]["on_mismatch"] = "warn"
    comfyui.run(graph)
    assert "pick" not in comfyui.executed_nodes(graph)
    graph["noise"]["inputs"]["drawn_in"] = "bfloat16"
    assert "noise dtype float16, not bfloat16" in comfyui.run(graph)["report"]["text"][0]


def test_the_noise_of_diverse_seeds_is_drawn_as_the_bank_says(comfyui: ComfyUI, cuda: str) -> None:
    graph = demo(batch=4) | custom_sampling(["diverse", 1], steps=1) | {
        "diverse": diverse(cuda, latent=["latent", 0], on_mismatch="stop"),
        "drawn": node("ProbeNoise", noise=["diverse", 1], latent=["latent", 0]),
        "end": node("ProbeLatent", latent=["sampled", 0]),
        "seeds": shown("diverse", 0),
        "report": shown("diverse", 2),
    }  # fmt: skip
    output = comfyui.run(graph)
    assert "Warning" not in output["report"]["text"][0]
    drawn = [initial_noise(int(seed), cuda_spec((4, 16, 16), "T4", "float16")) for seed in output["seeds"]["text"]]
    assert output["drawn"]["hashes"] == [hashlib.sha256(noise.numpy().tobytes()).hexdigest() for noise in drawn]


def _seeds(comfyui: ComfyUI) -> list[int]:
    graph = {"diverse": DIVERSE, "seeds": shown("diverse", 0)}
    return [int(text) for text in comfyui.run(graph)["seeds"]["text"]]
