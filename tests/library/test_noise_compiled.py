"""Claims: the compiled kernel gives numpy's bits, is never needed, and is left out where it cannot be trusted."""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.noise import Card, CudaGenerator, compiled

SHAPES = [(1,), (12,), (255,), (257,), (1, 4, 64, 64), (1, 4, 128, 128), (2, 16, 90, 51), (3, 4, 128, 128)]


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Say who draws: 0 numpy, 1 the kernel."""
    return lambda wish: monkeypatch.setenv(compiled.VARIABLE, wish)


@pytest.fixture
def anew() -> Iterator[None]:
    compiled.load_kernel.cache_clear()
    yield
    compiled.load_kernel.cache_clear()


def drawn(seed: int, card: Card, offset: int, sizes: list[int], dtype: torch.dtype) -> list[bytes]:
    generator = CudaGenerator(seed, card)
    generator.offset = 4 * offset
    return [generator.randn((size,), dtype).view(torch.uint8).numpy().tobytes() for size in sizes]


def both(*asked: Any) -> list[list[bytes]]:
    found = []
    for wish in "01":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(compiled.VARIABLE, wish)
            found.append(drawn(*asked))
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    card=st.builds(Card, st.just("any"), st.integers(1, 170), st.sampled_from([256, 1024, 1536, 2048])),
    offset=st.one_of(st.integers(0, 9), st.integers(2**32 - 2, 2**32 + 2), st.integers(0, 2**62 - 9)),
    sizes=st.lists(st.integers(1, 90_000), min_size=1, max_size=3),
    dtype=st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.float64]),
)
def test_the_kernel_gives_the_bits_of_numpy(
    seed: int, card: Card, offset: int, sizes: list[int], dtype: torch.dtype
) -> None:
    pytest.importorskip("numba")
    assert compiled.load_kernel() is not None
    numpys, kernels = both(seed, card, offset, sizes, dtype)
    assert numpys == kernels


def test_it_does_for_usual_latents_of_many_seeds_on_every_card() -> None:
    pytest.importorskip("numba")
    from goodseed.noise import CARDS

    for i, card in enumerate(CARDS.values()):
        seed = i * 0x9E3779B97F4A7C15 % 2**64
        numel = int(np.prod(SHAPES[i % len(SHAPES)]))
        numpys, kernels = both(seed, card, i, [numel, 5], torch.float32)
        assert numpys == kernels, card


def test_numpy_draws_until_a_kernel_is_worth_its_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr(compiled, "load_kernel", lambda: loaded.append(1))
    monkeypatch.setattr(compiled._Count, "drawn", 0)
    monkeypatch.delenv(compiled.VARIABLE, raising=False)
    compiled.kernel_for(compiled.WORTH)
    assert not loaded
    compiled.kernel_for(1)
    assert loaded
    monkeypatch.setenv(compiled.VARIABLE, "0")
    compiled.kernel_for(1)
    assert len(loaded) == 1
    monkeypatch.setattr(compiled._Count, "drawn", 0)
    monkeypatch.setenv(compiled.VARIABLE, "1")
    compiled.kernel_for(1)
    assert len(loaded) == 2


def stand_in(njit: Any = None, disabled: bool = False) -> types.ModuleType:
    """A numba whose njit is given."""
    made = types.ModuleType("numba")
    made.config = types.SimpleNamespace(DISABLE_JIT=disabled)  # type: ignore[attr-defined]
    made.njit = njit  # type: ignore[attr-defined]
    made.__version__ = "0.0"  # type: ignore[attr-defined]
    return made


def refuses(*args: Any, **options: Any) -> Any:
    raise TypeError("unknown signature")


def writes_nothing(*args: Any, **options: Any) -> Any:
    return lambda function: lambda seed, block, first, u, angle: (u.fill(0.5), angle.fill(0.5))


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(
    ("numba", "said"),
    [
        (None, "import of numba halted"),
        (stand_in(disabled=True), "NUMBA_DISABLE_JIT is set"),
        (stand_in(refuses), "unknown signature"),
        (stand_in(writes_nothing), "version 0.0 gives other numbers than numpy"),
    ],
)
def test_a_numba_that_cannot_be_trusted_is_left_out_with_a_line_in_the_log(
    numba: Any, said: str, way: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    way("0")
    expected = CudaGenerator(469).randn((1, 4, 64, 64))
    errors = types.ModuleType("numba.core.errors")
    errors.NumbaError = type("NumbaError", (Exception,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "numba", numba)
    monkeypatch.setitem(sys.modules, "numba.core", types.ModuleType("numba.core"))
    monkeypatch.setitem(sys.modules, "numba.core.errors", errors)
    way("1")
    with caplog.at_level(logging.DEBUG, compiled.__name__):
        assert torch.equal(CudaGenerator(469).randn((1, 4, 64, 64)), expected)
        CudaGenerator(469).randn((1, 4, 64, 64))
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    assert said in caplog.text


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize("error", ["ImportError", "AttributeError", "OSError", "SystemError"])
def test_so_is_one_that_cannot_be_imported(
    error: str, way: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "numba.py").write_text(f"raise {error}('built for another numpy')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "numba"]:
        monkeypatch.delitem(sys.modules, name)
    way("1")
    assert CudaGenerator(1).randn((5,)).isfinite().all()
    assert compiled.load_kernel() is None


def test_the_kernel_touches_no_random_state(way: Callable[[str], None]) -> None:
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]
    way("1")
    CudaGenerator(3).randn((1, 4, 64, 64))
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # type: ignore[index]
