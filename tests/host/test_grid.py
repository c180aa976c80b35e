"""The figure of a seed swap: one run for each list entry, and its grid shows the pixels of the single runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.host.comfyui import ComfyUI, GraphFailed
from tests.host.graphs import Graph, Node, demo, ksampler, node, shown

SEEDS, OTHERS, STEPS = (3, 2**64 - 9), (70, 80), 4


def swapped(seed: Any, swap_seed: Any, swap_at: Any, initial_seed: Any) -> Node:
    return node(
        "GoodSeedSeedSwapKSampler", model=["demo", 0], seed=seed, swap_seed=swap_seed, swap_at=swap_at,
        swap_unit="fraction", steps=STEPS, cfg=3.0, sampler_name="euler_ancestral", scheduler="simple",
        positive=["positive", 0], negative=["negative", 0], latent_image=["latent", 0], denoise=1.0,
        initial_seed=initial_seed,
    )  # fmt: skip


def swap_grid(**changes: Any) -> Node:
    inputs = {
        "seeds": ",".join(map(str, SEEDS)), "swap_seeds": ",".join(map(str, OTHERS)), "fractions": "0.5, 0",
        "alone": True, "first_noise": True, "other_alone": True,
    }  # fmt: skip
    return node("GoodSeedSeedSwapGrid", **{**inputs, **changes})


def grid(images: Any, labels: Any = "", **changes: Any) -> Node:
    inputs = {"images": images, "labels": labels, "columns": 0, "cell_size": 0, "background": "light"}
    return node("GoodSeedLabelledGrid", **{**inputs, **changes})


def saved(latent: str, name: str) -> Graph:
    return {
        f"{name} image": node("VAEDecode", samples=[latent, 0], vae=["demo", 2]),
        f"{name} saved": node("SaveImage", images=[f"{name} image", 0], filename_prefix=f"grid/{name}"),
    }


def pixels(comfyui: ComfyUI, outputs: dict[str, Any], name: str) -> list[np.ndarray]:
    return [np.asarray(Image.open(comfyui.image(image))) for image in outputs[name]["images"]]


def place_of(whole: np.ndarray, part: np.ndarray) -> tuple[int, int]:
    """Return the (y, x) at which a picture stands in a grid, bit for bit, and only there."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, part.shape)[:, :, 0]
    starts = np.argwhere((windows[..., 0, 0, :] == part[0, 0]).all(axis=2))
    (found,) = [(int(y), int(x)) for y, x in starts if np.array_equal(windows[y, x], part)]
    return found


def test_the_grid_shows_the_pixels_of_the_single_runs_each_in_its_place(comfyui: ComfyUI) -> None:
    graph = demo(width=64, height=64) | {
        "plan": swap_grid(),
        "swapped": swapped(*(["plan", slot] for slot in range(4))),
        "image": node("VAEDecode", samples=["swapped", 0], vae=["demo", 2]),
        "grid": grid(["image", 0], ["plan", 4]),
        "figure": node("SaveImage", images=["grid", 0], filename_prefix="grid/figure"),
        "labels": shown("plan", 4),
    }
    for seed, other in zip(SEEDS, OTHERS, strict=True):
        runs = {
            "a": ksampler(seed, "euler_ancestral", STEPS),
            "b": swapped(seed, other, 0.5, -1),
            "c": swapped(seed, other, 0.0, -1),
            "d": swapped(seed, seed, 0.0, other),
            "e": ksampler(other, "euler_ancestral", STEPS),
        }
        for name, run in runs.items():
            graph |= {f"{seed} {name}": run} | saved(f"{seed} {name}", f"{seed}{name}")
    outputs = comfyui.run(graph)
    (figure,) = pixels(comfyui, outputs, "figure")
    singles = [pixels(comfyui, outputs, f"{seed}{name} saved")[0] for seed in SEEDS for name in "abcde"]
    places = [place_of(figure, single) for single in singles]
    assert places == sorted(places)
    assert len({y for y, _ in places}) == 2
    assert len({x for _, x in places}) == 5
    rows = [f"{seed} to {other}" for seed, other in zip(SEEDS, OTHERS, strict=True)]
    columns = ["first seed alone", "swap at 50 %", "swap at 0 %", "second seed's first noise", "second seed alone"]
    assert outputs["labels"]["text"] == [f"{row} | {column}" for row in rows for column in columns]


def test_batches_and_lists_go_into_one_grid(comfyui: ComfyUI) -> None:
    """A batch of three with a typed label for each, wider than high, scaled to half."""
    graph = {
        "image": node("EmptyImage", width=80, height=40, batch_size=3, color=0x808080),
        "grid": grid(["image", 0], "one\ntwo\nthree", columns=3, cell_size=40, background="dark"),
        "figure": node("SaveImage", images=["grid", 0], filename_prefix="grid/batch"),
    }
    (figure,) = pixels(comfyui, comfyui.run(graph), "figure")
    gray = (figure == 128).all(axis=2)
    assert gray.sum() == 3 * 40 * 20
    assert np.median(figure) < 40


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "one\ntwo"}, "labels: 2 for 3 images; give one for each"),
        (
            {"cell_size": 4096},
            r"grid: 2 × 2 cells of 4096×4096 are more than 64 million pixels; set cell_size to \d+ or less",
        ),
    ],
)
def test_what_makes_no_grid_fails_in_one_line(comfyui: ComfyUI, changes: dict[str, Any], message: str) -> None:
    graph = {
        "image": node("EmptyImage", width=64, height=64, batch_size=3, color=0),
        "grid": grid(["image", 0], **{"cell_size": 64, **changes}),
        "figure": node("PreviewImage", images=["grid", 0]),
    }
    with pytest.raises(GraphFailed, match=message) as failed:
        comfyui.run(graph)
    assert "\n" not in str(failed.value)


def test_seeds_that_make_no_pairs_fail_in_one_line(comfyui: ComfyUI) -> None:
    graph = {"plan": swap_grid(seeds="0-2"), "label": shown("plan", 4)}
    with pytest.raises(GraphFailed, match=r"^swap_seeds: 2 for 3 seeds; name as many") as failed:
        comfyui.run(graph)
    assert "\n" not in str(failed.value)
