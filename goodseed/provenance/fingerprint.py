"""Fingerprints of tensors: a hash of the exact bytes, and a sketch from which a distance can be estimated.

The sketch is a random projection (Johnson and Lindenstrauss; Alon, Matias and Szegedy 1996, "The space complexity of
approximating the frequency moments"): the inner products of the flattened tensor with 16 fixed rows of random signs,
divided by 4. The projection is linear and keeps lengths on average, so the distance of two sketches estimates the
distance of the tensors, within about a quarter, without keeping either.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 16
_BLOCK = 4096
_BLOCKS = 64
_DIGITS = 10
"""Significant digits kept of a sketch: more than float noise needs, fewer than the order of a sum changes."""
_LARGEST = 1e150
_LEAST = 1e-10
"""The distance of tensors whose bytes differ but whose sketches do not."""

Fingerprint = dict[str, Any]


def fingerprint(tensor: Any) -> Fingerprint:
    """Return hash, dtype, shape, sketch and Euclidean norm of a torch tensor or an array of any real dtype.

    Values that are not finite (or over 1e150) count as 0 in the sketch and the norm, and the result has `finite` false.
    """
    data, values, dtype = _bytes_and_values(tensor)
    shape = [int(size) for size in tensor.shape]
    digest = hashlib.sha256(json.dumps([dtype, shape]).encode())
    digest.update(data)
    with np.errstate(invalid="ignore", over="ignore"):
        sketch, norm = _sketch(values)
    finite = math.isfinite(norm)
    if not finite:
        wide = values.astype(np.float64)
        sketch, norm = _sketch(np.where(np.abs(wide) < _LARGEST, wide, 0.0))
    result: Fingerprint = {
        "sha256": digest.hexdigest(),
        "dtype": dtype,
        "shape": shape,
        "sketch": [_rounded(value) for value in sketch],
        "norm": _rounded(norm),
    }
    return result if finite else {**result, "finite": False}


def fingerprint_of_many(parts: Iterable[tuple[str, Any]]) -> Fingerprint | None:
    """Return one fingerprint of several named tensors, numbers or texts, or None where there are none.

    The hash is over names and contents; the sketch is that of all tensors and numbers, one after the other.
    """
    digest = hashlib.sha256()
    values: list[NDArray[Any]] = []
    for name, part in parts:
        digest.update(json.dumps(name).encode())
        if isinstance(part, str):
            digest.update(json.dumps(part).encode())
            continue
        part = np.asarray(part, dtype=np.float64) if isinstance(part, (bool, int, float)) else part
        data, flat, dtype = _bytes_and_values(part)
        digest.update(json.dumps([dtype, list(part.shape)]).encode())
        digest.update(data)
        values.append(flat)
    if not values:
        return None
    whole = fingerprint(np.concatenate([flat.astype(np.float32, copy=False) for flat in values]))
    return {**whole, "sha256": digest.hexdigest()}


def distance(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> float | None:
    """Return the estimated distance of two fingerprinted tensors, relative to the root mean square of their norms.

    0 for the same bytes and for nothing else; about 1e-6 for float noise; about 1.4 for two unrelated pictures of
    zero mean. None where the shapes differ or one of the two is missing.
    """
    if a is None or b is None or list(a["shape"]) != list(b["shape"]):
        return None
    if a["sha256"] == b["sha256"]:
        return 0.0
    first, second = np.asarray(a["sketch"], dtype=np.float64), np.asarray(b["sketch"], dtype=np.float64)
    if first.shape != second.shape:
        return None
    scale = math.sqrt((float(a["norm"]) ** 2 + float(b["norm"]) ** 2) / 2)
    if scale == 0:
        return _LEAST
    return max(float(np.linalg.norm(first - second)) / scale, _LEAST)


def pixels_of(image: Any) -> dict[str, Any]:
    """Return hash, shape and dtype of an image uint8 [H, W, C]; the hash is over the raw bytes alone."""
    array = np.ascontiguousarray(image)
    if array.dtype != np.uint8 or array.ndim != 3:
        raise ValueError(f"pixels must be uint8 [H, W, C], not {array.dtype} {list(array.shape)}")
    return {"sha256": hashlib.sha256(array.data).hexdigest(), "shape": list(array.shape), "dtype": "uint8"}


def _bytes_and_values(tensor: Any) -> tuple[Any, NDArray[Any], str]:
    """Return the little-endian bytes, the values as a flat array of floats, and the dtype's name."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(tensor, torch.Tensor):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        dtype = str(flat.dtype).removeprefix("torch.")
        values = flat.numpy() if flat.dtype in (torch.float32, torch.float64) else flat.to(torch.float32).numpy()
        return flat.view(torch.uint8).numpy().data, values, dtype
    array = np.ascontiguousarray(tensor)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1)
    values = array if array.dtype.kind == "f" else array.astype(np.float64)
    return array.tobytes(), values, array.dtype.name


def _sketch(values: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Return the projection and the norm of a flat array.

    The sign at place p of row r is the product of two tables of signs, one of p's place in its block of 4096 and one
    of the block: the first makes a matrix product, so that a megapixel takes milliseconds.
    """
    sums = np.zeros(ROWS, dtype=np.float64)
    square = 0.0
    within = _signs()
    for start in range(0, len(values), _BLOCKS * _BLOCK):
        part = values[start : start + _BLOCKS * _BLOCK]
        padded = np.zeros(-(-len(part) // _BLOCK) * _BLOCK)
        padded[: len(part)] = part
        square += float(padded @ padded)
        products = padded.reshape(-1, _BLOCK) @ within
        first = start // _BLOCK
        sums += (products * _block_signs(first, first + len(products))).sum(axis=0)
    return sums / math.sqrt(ROWS), math.sqrt(square)


@functools.cache
def _signs() -> NDArray[np.float64]:
    """Return the signs of the places in a block, float64 [4096, 16]."""
    return _random_signs(np.arange(_BLOCK, dtype=np.uint64))


def _block_signs(first: int, last: int) -> NDArray[np.float64]:
    """Return the signs of blocks first … last - 1, float64 [last - first, 16]."""
    return _random_signs(np.arange(first, last, dtype=np.uint64) + np.uint64(1 << 32))


def _random_signs(places: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return ±1 [places, 16]: bits of SplitMix64 (Steele, Lea and Flood 2014), the same on every machine."""
    with np.errstate(over="ignore"):
        mixed = (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    bits = (mixed[:, None] >> np.arange(ROWS, dtype=np.uint64)) & np.uint64(1)
    signs: NDArray[np.float64] = bits.astype(np.float64) * 2 - 1
    return signs


def _rounded(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as people write it: 1×4×64×64."""
    return "×".join(str(size) for size in shape)
