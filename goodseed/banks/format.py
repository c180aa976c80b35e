"""The seed bank: one safetensors file with what a study measured of each seed, and how.

Tensors, all with the seed as first axis (length S): `seeds` int64 (two's complement above 2^63−1);
`metric.<name>.mean|stderr` float32 and `.n` int32 on the selection prompts, `heldout.<name>.mean|stderr|n`
on the held-out ones; `trait.<name>` float32 in 0…1; `feature.<name>` and, where kept,
`heldout.feature.<name>` float32 [S, D]; where there is inpainting `inpaint.<task>.text_share` float32 in 0…1,
`.stderr` and `.n` on the selection pairs, `heldout.inpaint.<task>.…` on the held-out ones.
The metadata key `goodseed.bank` holds canonical JSON, see `schema.py`. A bank of published figures has no tensor but
`seeds`, see `published_schema.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.published_schema import is_published, published_seeds
from goodseed.banks.schema import info_problems
from goodseed.canonical import canonical_json
from goodseed.checks import shown
from goodseed.errors import BankError
from goodseed.files import atomic_writer

METADATA_KEY = "goodseed.bank"
SUFFIX = ".safetensors"
MAX_HEADER_BYTES = 100_000_000
"""The largest header that safetensors itself takes."""

Array = npt.NDArray[Any]
_MEASURES = {"mean": "float32", "stderr": "float32", "n": "int32"}
_TEXT_MEASURES = {"text_share": "float32", "stderr": "float32", "n": "int32"}


@dataclass(frozen=True, eq=False)
class Bank:
    """A sound bank; made by `make_bank` and `read_bank`, which check it. Its arrays are read-only."""

    tensors: Mapping[str, Array]
    info: Mapping[str, Any]
    id: str
    name: str = ""

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds in the bank's order, each in 0…2^64−1."""
        return [int(seed) for seed in self.tensors["seeds"].view(np.uint64)]

    @property
    def published(self) -> bool:
        """Whether the bank holds what others published of a few seeds, and nothing that was measured."""
        return is_published(self.info)

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """Each metric's direction, per, version, weights_sha256 and about."""
        return dict(self.info["metrics"])

    @property
    def traits(self) -> list[str]:
        return sorted(self.info["traits"])

    @property
    def features(self) -> list[str]:
        return sorted(self.info["features"])

    def metric(self, name: str, held_out: bool = False, part: str = "mean") -> Array:
        """Return a metric's `part` (mean, stderr or n) of each seed: [S].

        Raises:
            BankError: for a metric that the bank does not hold.
        """
        if name not in self.info["metrics"]:
            raise BankError(f"metric '{name}': the bank holds {listed(self.info['metrics'])}; name one of these")
        return self.tensors[f"{'heldout' if held_out else 'metric'}.{name}.{part}"]

    @property
    def tasks(self) -> list[str]:
        """The inpainting tasks in which the share of text was measured; none where there is no inpainting part."""
        return sorted(self.info.get("inpaint", {}).get("tasks", {}))

    def text_share(self, task: str, held_out: bool = False, part: str = "text_share") -> Array:
        """Return the share of holes under text (or its stderr, or n) of each seed: [S].

        Raises:
            BankError: for a task that the bank does not hold.
        """
        if task not in self.tasks:
            raise BankError(f"task '{task}': the bank holds {listed(self.tasks)}; name one of these")
        return self.tensors[f"{'heldout.' if held_out else ''}inpaint.{task}.{part}"]


def make_bank(tensors: Mapping[str, Array], info: Mapping[str, Any], name: str = "") -> Bank:
    """Return a checked bank of `tensors` and `info` (without "id").

    Raises:
        BankError: for the first thing that is missing or wrong, naming the part.
    """
    bank, problems = _assemble(tensors, info, name)
    if bank is None:
        raise BankError(problems[0])
    return bank


def write_bank(bank: Bank, path: Path | str) -> Bank:
    """Write `bank` to `path`, whole or not at all; the same bank gives the same bytes.

    Raises:
        OutputError: when the file cannot be written.
    """
    from safetensors.numpy import save

    path = Path(path)
    metadata = {METADATA_KEY: canonical_json({**bank.info, "id": bank.id})}
    with atomic_writer(path) as file:
        file.write(save({key: np.ascontiguousarray(bank.tensors[key]) for key in sorted(bank.tensors)}, metadata))
    return Bank(bank.tensors, bank.info, bank.id, path.stem)


def read_bank(path: Path | str) -> Bank:
    """Read a bank and check all of it, its id included.

    Raises:
        BankError: naming the file, the part and what is wrong with it.
    """
    path = Path(path)
    bank, problems = _read(path)
    if bank is None:
        raise BankError(f"{path}: {problems[0]}")
    return bank


def check_bank(path: Path | str) -> list[str]:
    """Return everything that is wrong with a bank's file, one line each; nothing for a sound bank."""
    return _read(Path(path))[1]


def listed(names: Mapping[str, Any] | list[str]) -> str:
    """Return names for a message."""
    return ", ".join(sorted(names)) or "none"


def bank_id(tensors: Mapping[str, Array], info: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a bank's content: its metadata without "id", and each tensor by name."""
    parts = [
        [name, str(tensors[name].dtype), list(tensors[name].shape), hashlib.sha256(_bytes(tensors[name])).hexdigest()]
        for name in sorted(tensors)
    ]
    return hashlib.sha256(canonical_json({"info": dict(info), "tensors": parts}).encode()).hexdigest()


def _bytes(array: Array) -> bytes:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()


def _assemble(tensors: Mapping[str, Array], info: Mapping[str, Any], name: str) -> tuple[Bank | None, list[str]]:
    """Return a bank, or None and all that is wrong."""
    try:
        text = canonical_json({key: value for key, value in info.items() if key != "id"})
        plain = json.loads(text.encode())  # half of a surrogate pair is no UTF-8 and cannot be hashed
    except (TypeError, ValueError, RecursionError) as error:
        return None, [f"metadata: cannot stand in canonical JSON ({error}); use texts, finite numbers, lists, objects"]
    arrays = {key: np.array(array, order="C") for key, array in tensors.items()}
    problems = list(info_problems(plain))
    problems = problems or list(_tensor_problems(arrays, plain))
    if problems:
        return None, problems
    for array in arrays.values():
        array.setflags(write=False)
    return Bank(arrays, plain, bank_id(arrays, plain), name), []


def _read(path: Path) -> tuple[Bank | None, list[str]]:
    try:
        tensors, text = _load(path)
        info = json.loads(text)
    except BankError as error:
        return None, [str(error)]
    except (ValueError, RecursionError):
        return None, [f"metadata: '{METADATA_KEY}' is no JSON; the file was edited, copy or measure it again"]
    if not isinstance(info, dict):
        return None, [f"metadata: '{METADATA_KEY}' is no object; the file was edited, copy or measure it again"]
    bank, problems = _assemble(tensors, info, path.stem)
    if bank is None:
        return None, problems
    if info.get("id") != bank.id:
        problem = f"id: the content's SHA-256 is {bank.id[:12]}…, the file says {shown(info.get('id'), 15)}"
        return None, [f"{problem}; the file was changed after it was written, copy or measure it again"]
    return bank, []


def _load(path: Path) -> tuple[dict[str, Array], str]:
    """Return a safetensors file's arrays and the bank's JSON.

    Sizes in the file are not trusted: the header's own length is compared with the file's here, and each
    tensor's place with the file's length by safetensors, before anything of that size is read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise BankError(f"cannot be read ({error.strerror}); name a seed bank, a file *{SUFFIX}") from error
    header = int.from_bytes(start, "little")
    if len(start) < 8 or header > min(size - 8, MAX_HEADER_BYTES):
        raise BankError("is no safetensors file, or cut off; name a seed bank, or copy it again")
    try:
        with safe_open(str(path), framework="numpy") as opened:
            text = (opened.metadata() or {}).get(METADATA_KEY)
            if text is None:
                raise BankError(f"is a safetensors file but no seed bank (it has no '{METADATA_KEY}')")
            return {name: opened.get_tensor(name) for name in opened.keys()}, text  # noqa: SIM118
    except (SafetensorError, TypeError, AttributeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise BankError(f"is damaged ({reason}); copy or measure it again") from error


def _tensor_problems(tensors: Mapping[str, Array], info: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each tensor that is missing, unknown or wrong; `info` is sound."""
    seeds = tensors.get("seeds")
    if seeds is None or seeds.dtype != np.int64 or seeds.ndim != 1 or len(seeds) == 0:
        yield "seeds: must be int64 [S] with at least one seed" + ("" if seeds is None else f", is {_kind(seeds)}")
        return
    values, counts = np.unique(seeds, return_counts=True)
    if len(values) < len(seeds):
        repeated = int(values[counts > 1].view(np.uint64)[0])
        yield f"seeds: seed {repeated} stands there {int(counts[counts > 1][0])} times; each seed stands once"
    if is_published(info) and sorted(seeds.view(np.uint64).tolist()) != published_seeds(info):
        yield "seeds: are not those that the published figures name"
    wanted = dict(_wanted(info))
    for name in sorted(wanted.keys() - tensors.keys() - _optional(info)):
        yield f"{name}: is missing"
    for name in sorted(tensors.keys() - {"seeds"}):
        if name in wanted:
            dtype, columns = wanted[name]
            yield from _array_problems(name, tensors[name], len(seeds), dtype, columns)
        elif name.startswith("inpaint.") and not is_published(info) and name.endswith(".text_share"):
            yield from _array_problems(name, tensors[name], len(seeds), "float32", 0)
        else:
            yield f"{shown(name)}: is a tensor that the metadata does not name"


def _wanted(info: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield name, dtype and columns (0: a vector) of each tensor that the metadata announces; published: none."""
    for metric in info["metrics"]:
        for part, dtype in _MEASURES.items():
            yield f"metric.{metric}.{part}", (dtype, 0)
            yield f"heldout.{metric}.{part}", (dtype, 0)
    for task in info.get("inpaint", {}).get("tasks", {}):
        for part, dtype in _TEXT_MEASURES.items():
            yield f"inpaint.{task}.{part}", (dtype, 0)
            yield f"heldout.inpaint.{task}.{part}", (dtype, 0)
    for trait in info["traits"]:
        yield f"trait.{trait}", ("float32", 0)
    for feature, about in info["features"].items():
        yield f"feature.{feature}", ("float32", about["prompts"] * about["per_prompt"])
        held_out = about.get("held_out_prompts", info["prompts"]["held_out"]["count"])
        yield f"heldout.feature.{feature}", ("float32", held_out * about["per_prompt"])


def _optional(info: Mapping[str, Any]) -> set[str]:
    return {f"heldout.feature.{feature}" for feature in info["features"]}


def _array_problems(name: str, array: Array, seeds: int, dtype: str, columns: int) -> Iterator[str]:
    shape = (seeds, columns) if columns else (seeds,)
    if str(array.dtype) != dtype or array.shape != shape:
        yield f"{name}: is {_kind(array)}, must be {dtype} {list(shape)}"
        return
    bad = ~np.isfinite(array)
    if bad.any():
        yield f"{name}: holds NaN or infinity, first at position {int(np.argwhere(bad)[0][0])}; measure that seed again"
    elif name.startswith("trait.") or name.endswith(".text_share"):
        if float(array.min()) < 0 or float(array.max()) > 1:
            yield f"{name}: a share lies outside 0…1"
    elif name.endswith(".stderr") and float(array.min()) < 0:
        yield f"{name}: a standard error is negative"
    elif name.endswith(".n") and int(array.min()) < 1:
        yield f"{name}: a seed has no image"


def _kind(array: Array) -> str:
    return f"{array.dtype} {list(array.shape)}"
