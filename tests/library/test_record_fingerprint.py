"""Fingerprints: the same bytes at distance 0, float noise near 1e-6, another picture near 1.4."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodseed.canonical import canonical_json
from goodseed.provenance.fingerprint import distance, fingerprint, fingerprint_of_many, pixels_of

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
SHAPES = [(1, 4, 8, 8), (4, 64, 64), (64, 48, 3), (3,), (1, 77, 768), (5000,)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sketch_tells_float_noise_from_another_tensor(shape: tuple[int, ...]) -> None:
    noise, other = np.random.default_rng(0), np.random.default_rng(1)
    near, far = [], []
    for _ in range(40):
        tensor = noise.standard_normal(shape).astype(np.float32)
        changed = tensor * (1 + 1e-6 * other.standard_normal(shape))
        near.append(distance(fingerprint(tensor), fingerprint(changed.astype(np.float32))))
        far.append(distance(fingerprint(tensor), fingerprint(other.standard_normal(shape).astype(np.float32))))
    assert 3e-7 < np.median(near) < 3e-6
    assert 1.1 < np.median(far) < 1.7
    assert min(far) > 0.3
    assert max(near) < 1e-5


def test_the_estimate_is_unbiased_within_a_few_percent() -> None:
    """E[‖sketch‖²] = ‖tensor‖²; 400 draws of 16 rows leave a standard error of about 2 %."""
    random = np.random.default_rng(2)
    ratios = []
    for _ in range(400):
        found = fingerprint(random.standard_normal((4, 16, 16)))
        ratios.append((np.linalg.norm(found["sketch"]) / found["norm"]) ** 2)
    assert abs(np.mean(ratios) - 1) < 0.08


def test_only_the_same_bytes_dtype_and_shape_are_at_distance_0() -> None:
    tensor = torch.arange(24.0).reshape(2, 3, 4)
    first = fingerprint(tensor)
    assert distance(first, fingerprint(tensor.clone())) == 0
    assert distance(first, fingerprint(tensor.numpy())) == 0
    assert 0 < (distance(first, fingerprint(tensor.double())) or 0) < 1e-9
    assert distance(first, fingerprint(tensor.reshape(2, 12))) is None
    assert distance(first, None) is None
    tensor[1, 2, 3] = float(np.nextafter(np.float32(23), np.float32(24)))
    assert 0 < (distance(first, fingerprint(tensor)) or 0) < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_memory_layout_has_a_fingerprint(dtype: torch.dtype) -> None:
    tensor = (torch.arange(60).reshape(3, 4, 5) % 7).to(dtype)
    found = fingerprint(tensor)
    assert found["dtype"] == str(dtype).removeprefix("torch.")
    assert found["shape"] == [3, 4, 5]
    assert found["norm"] == pytest.approx(float(tensor.double().norm()), rel=1e-6)
    turned = tensor.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert not turned.is_contiguous()
    assert fingerprint(turned) == found


def test_values_that_are_not_finite_still_make_json() -> None:
    found = fingerprint(torch.tensor([1.0, float("nan"), float("inf"), -float("inf")]))
    assert found["finite"] is False
    assert found["norm"] == 1
    canonical_json(found)
    assert distance(found, fingerprint(torch.zeros(4))) == pytest.approx(2**0.5, rel=1e-6)


def test_a_tensor_without_elements_and_one_without_axes() -> None:
    assert fingerprint(torch.zeros(0, 4))["norm"] == 0
    assert fingerprint(torch.tensor(3.0))["shape"] == []


def test_a_conditioning_of_several_tensors_numbers_and_texts_has_one_fingerprint() -> None:
    parts = [("a", torch.ones(2, 3)), ("b", 512), ("c", "text")]
    first = fingerprint_of_many(parts)
    assert distance(first, fingerprint_of_many(parts)) == 0
    for changed in (("a", torch.zeros(2, 3)), ("b", 513), ("c", "other")):
        again = fingerprint_of_many([changed if name == changed[0] else (name, part) for name, part in parts])
        assert (distance(first, again) or 0) > 0
    assert fingerprint_of_many([]) is None


def test_pixels_are_hashed_by_their_raw_bytes() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert pixels_of(image)["shape"] == [2, 4, 3]
    assert pixels_of(image[:, ::-1])["sha256"] != pixels_of(image)["sha256"]
    assert pixels_of(np.asfortranarray(image)) == pixels_of(image)
    with pytest.raises(ValueError, match="uint8"):
        pixels_of(image.astype(np.float32))
