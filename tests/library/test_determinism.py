"""Fixed arithmetic: flags and random state come back as they were, and operations are caught by name."""

from __future__ import annotations

import random
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from goodseed.determinism import flags
from goodseed.determinism.ops import catching, caught, operation_of
from goodseed.determinism.randomness import random_state_kept

ROOT = Path(__file__).resolve().parents[2]
ALL = {
    "algorithms": "warn", "fill_uninitialized": False, "cudnn_deterministic": True, "cudnn_benchmark": True,
    "cudnn_allow_tf32": False, "float32_matmul_precision": "high",
}  # fmt: skip


class Cancelled(BaseException):
    """As ComfyUI's InterruptProcessingException in its newer versions."""


def test_all_flags_are_set_and_put_back() -> None:
    before = flags.read()
    with flags.numerics(ALL):
        assert flags.read() == ALL
    assert flags.read() == before != ALL


@pytest.mark.parametrize("trouble", [ValueError, Cancelled, KeyboardInterrupt])
def test_flags_are_put_back_after_an_error_and_a_cancel(trouble: type[BaseException]) -> None:
    before = flags.read()
    with pytest.raises(trouble), flags.numerics(ALL):
        raise trouble
    assert flags.read() == before


def test_flags_are_put_back_where_one_of_them_cannot_be_set() -> None:
    before = flags.read()
    with pytest.raises(KeyError), flags.numerics({**ALL, "no such flag": 1}):
        pass
    assert flags.read() == before


def test_blocks_within_blocks_put_back_what_each_found() -> None:
    before = flags.read()
    with flags.numerics(flags.DETERMINISTIC):
        outer = flags.read()
        with flags.numerics({"algorithms": "off", "float32_matmul_precision": "medium"}):
            assert flags.read()["algorithms"] == "off"
        assert flags.read() == outer
    assert flags.read() == before


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_a_matmul_precision_comes_back_whatever_it_was(precision: str) -> None:
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        with flags.numerics({"float32_matmul_precision": "highest"}):
            assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)


def test_flags_set_by_torchs_newer_words_are_read_and_put_back() -> None:
    """In a process of its own: torch then refuses the older words, also to others."""
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip("this torch has only the older words")
    program = """
import torch
from goodseed.determinism import flags
torch.backends.cuda.matmul.fp32_precision = "tf32"
before = flags.read()
assert before["float32_matmul_precision"] == "tf32", before
with flags.numerics({**flags.DETERMINISTIC, "float32_matmul_precision": "ieee"}):
    assert torch.backends.cuda.matmul.fp32_precision == "ieee"
assert flags.read() == before
with flags.numerics({"float32_matmul_precision": "highest"}):
    assert torch.backends.cuda.matmul.fp32_precision == "ieee"
assert torch.backends.cuda.matmul.fp32_precision == "tf32"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_recorded_tf32_is_asked_for_and_nothing_else() -> None:
    told = {"precision": {"value": {"float32_matmul_precision": "high", "cudnn_allow_tf32": False}}}
    assert flags.recorded(told) == {"float32_matmul_precision": "high", "cudnn_allow_tf32": False}
    assert flags.recorded({"precision": {"value": {"matmul_allow_tf32": True}}}) == {"float32_matmul_precision": "high"}
    for nothing in (None, {}, {"precision": None}, {"precision": {"value": None, "known": "unknown"}}):
        assert flags.recorded(nothing) == {}
    assert flags.recorded({"precision": {"value": {"float32_matmul_precision": ["x"], "cudnn_allow_tf32": 1}}}) == {}


@pytest.mark.parametrize(
    ("device", "variables", "trouble"),
    [
        ("cpu", {}, None),
        ("mps", {}, None),
        ("cuda:0", {}, "not set"),
        ("cuda:0", {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}, None),
        ("cuda", {"CUBLAS_WORKSPACE_CONFIG": ":16:8"}, None),
        ("cuda:1", {"CUBLAS_WORKSPACE_CONFIG": ":0:0"}, "is :0:0"),
        ("cuda:0", {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "GOODSEED_CUBLAS_TOO_LATE": "1"}, "after cuBLAS had read it"),
    ],
)
def test_a_missing_a_wrong_and_a_late_cublas_variable_are_told_apart(
    device: str, variables: dict[str, str], trouble: str | None
) -> None:
    found = flags.cublas_trouble(device, variables)
    assert found is None if trouble is None else trouble in (found or "")


@pytest.mark.parametrize(
    ("variables", "cuda", "expected"),
    [
        ({}, None, {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}),
        ({}, False, {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}),
        ({}, True, {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "GOODSEED_CUBLAS_TOO_LATE": "1"}),
        ({"CUBLAS_WORKSPACE_CONFIG": ":16:8"}, True, {"CUBLAS_WORKSPACE_CONFIG": ":16:8"}),
    ],
    ids=["before torch", "before CUDA", "after CUDA", "set by the user"],
)
def test_the_start_sets_the_cublas_variable_and_marks_when_it_is_too_late(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], cuda: bool | None, expected: dict[str, str]
) -> None:
    environment = dict(variables)
    if cuda is None:
        monkeypatch.delitem(sys.modules, "torch")
    else:
        started = SimpleNamespace(is_initialized=lambda: cuda)
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=started))
    monkeypatch.setattr("os.environ", environment)
    runpy.run_path(str(ROOT / "prestartup_script.py"))
    assert environment == expected


def test_an_operation_without_a_deterministic_form_is_caught_by_name_and_runs() -> None:
    with flags.numerics(flags.DETERMINISTIC), catching() as operations:
        total = _put()
        assert caught() == operations == ["put_"]
        _put()
    assert operations == ["put_"]
    assert caught() == []
    assert float(total.sum()) == 3.0


def test_nothing_is_caught_without_the_flag() -> None:
    with flags.numerics({"algorithms": "off"}), catching() as operations:
        _put()
    assert operations == []


def test_other_warnings_go_where_they_went_and_filters_come_back() -> None:
    filters, shown = list(warnings.filters), warnings.showwarning
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with flags.numerics(flags.DETERMINISTIC), catching() as operations:
            warnings.warn("something else", UserWarning, stacklevel=1)
            _put()
    assert [str(warning.message) for warning in seen] == ["something else"]
    assert operations == ["put_"]
    assert (warnings.filters, warnings.showwarning) == (filters, shown)


def test_filters_come_back_after_an_error() -> None:
    filters, shown = list(warnings.filters), warnings.showwarning
    with pytest.raises(Cancelled), catching():
        raise Cancelled
    assert (warnings.filters, warnings.showwarning) == (filters, shown)
    assert caught() == []


def test_inner_blocks_tell_what_they_caught_to_code_inside_only() -> None:
    with flags.numerics(flags.DETERMINISTIC), catching() as outer:
        with catching() as inner:
            _put()
            assert caught() == ["put_"]
        assert (outer, inner) == ([], ["put_"])


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("cumsum_cuda_kernel does not have a deterministic implementation, but you set …", "cumsum_cuda_kernel"),
        (
            "Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` or … but this "
            "operation is not deterministic because it uses CuBLAS and you have CUDA >= 10.2. …",
            "cuBLAS matrix product",
        ),
        ("a deprecated thing", None),
        ("", None),
    ],
)
def test_torchs_messages_are_understood(message: str, name: str | None) -> None:
    assert operation_of(message) == name


@pytest.mark.parametrize("trouble", [None, ValueError, Cancelled])
def test_the_shared_random_state_comes_back_after_success_error_and_cancel(
    trouble: type[BaseException] | None,
) -> None:
    before = _states()
    try:
        with random_state_kept():
            torch.manual_seed(1)
            torch.randn(7), np.random.rand(7), random.random()
            if trouble is not None:
                raise trouble
    except (ValueError, Cancelled):
        pass
    assert _states() == before


def test_a_block_draws_what_it_would_have_drawn() -> None:
    state = torch.get_rng_state()
    plain = torch.randn(5)
    torch.set_rng_state(state)
    with random_state_kept():
        kept = torch.randn(5)
    assert torch.equal(plain, kept)
    assert torch.equal(torch.get_rng_state(), state)


def test_torch_is_not_loaded_to_keep_its_state_and_one_that_a_block_loads_keeps_no_seed_of_it() -> None:
    """In a process of its own, without torch."""
    program = """
import sys
from goodseed.determinism.randomness import random_state_kept
with random_state_kept():
    assert "torch" not in sys.modules
    import torch
    torch.manual_seed(5)
assert torch.initial_seed() != 5
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _put() -> torch.Tensor:
    return torch.zeros(4).put_(torch.tensor([0, 1]), torch.tensor([1.0, 2.0]))


def _states() -> tuple[bytes, bytes, object]:
    numbers = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), numbers[1].tobytes() + bytes([numbers[2] % 256]), random.getstate()
