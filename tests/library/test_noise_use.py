"""Claims: a seed's noise is told by the nodes that take it, and by those alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodseed.noise.use import Use, noise_uses

PICK = {"class_type": "GoodSeedGoldenSeedPicker", "inputs": {"bank": "b"}}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(["pick", 0]) | st.just(["pick", "0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def graph(**nodes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    made = {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}
    return {"pick": PICK, **made}


def seed_noise(spec: Any = "cuda", **settings: Any) -> tuple[str, dict[str, Any]]:
    return "GoodSeedNoise", {"seed": ["pick", 0], "spec": spec, **settings}


KSAMPLER = ("KSampler", {"seed": ["pick", 1], "steps": 2})
SHOWN = ("PreviewAny", {"source": ["pick", 0]})
TWO_DTYPES = [Use("cuda", "float16", "T4"), Use("cuda", "float32", "")]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({}, [Use()]),
        ({"a": SHOWN}, [Use()]),
        ({"a": KSAMPLER}, [Use()]),
        ({"a": seed_noise("comfy", card="T4", drawn_in="float16")}, [Use()]),
        ({"a": seed_noise("cpu", card="T4", drawn_in="float16")}, [Use("cpu", "float16")]),
        ({"a": seed_noise(drawn_in="float16", card="T4"), "b": seed_noise(), "c": SHOWN}, TWO_DTYPES),
        ({"a": seed_noise(), "b": KSAMPLER}, [Use("cuda"), Use()]),
        ({"a": seed_noise(["x", 0])}, [None]),
        ({"a": seed_noise(drawn_in=["x", 0])}, [None]),
        ({"a": ("GoodSeedNoise", {"seed": ["other", 0], "spec": "cuda"})}, [Use()]),
        ({"a": ("GoodSeedSeedSwapKSampler", {"seed": 1, "initial_seed": ["pick", 0]})}, [Use()]),
    ],
)
def test_the_noise_of_a_seed_is_that_of_the_nodes_that_take_it(
    nodes: dict[str, Any], expected: list[Use | None]
) -> None:
    assert noise_uses(graph(**nodes), "pick") == expected


def test_an_output_that_is_noise_counts_where_it_is_used() -> None:
    own = (1, Use("cuda", "float16"))
    assert noise_uses(graph(), "pick", own) == [Use()]
    assert noise_uses(graph(a=("SamplerCustomAdvanced", {"noise": ["pick", 1]})), "pick", own) == [own[1]]
    assert noise_uses(graph(a=("KSampler", {"seed": ["pick", 0]})), "pick", own) == [Use()]


@given(st.dictionaries(st.sampled_from(["pick", "a", "b"]), ANYTHING, max_size=3), ANYTHING)
def test_any_prompt_has_an_answer(prompt: dict[str, Any], inputs: Any) -> None:
    assert noise_uses({**prompt, "n": {"class_type": "GoodSeedNoise", "inputs": inputs}}, "pick")
