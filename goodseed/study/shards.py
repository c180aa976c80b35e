"""Shards: a study's cells in Parquet files that are whole or not there."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.errors import MissingExtraError
from goodseed.files import write_bytes
from goodseed.study.cells import ShardResult
from goodseed.study.plan import Plan, Shard
from goodseed.study.seals import Seal, add_seal

_KEY = b"goodseed.study"


def shard_path(folder: Path, shard: Shard) -> Path:
    return folder / "shards" / shard.prompt_set / Path(shard.name).name


def write_shard(folder: Path, result: ShardResult, key: str) -> None:
    """Write one shard, whole or not at all, and seal it.

    Raises:
        OutputError: when the folder cannot be written or the disk is full.
    """
    data, path = encoded(result, key), shard_path(folder, result.shard)
    write_bytes(path, data)
    add_seal(folder, result.shard.name, Seal.of(data, path.stat(), key))


def encoded(result: ShardResult, key: str) -> bytes:
    """Return a shard's file: a row a cell, prompt by prompt and seed by seed within it, and the study's key."""
    arrow, parquet = _arrow()
    shard = result.shard
    arrays = {
        "seed": arrow.array(np.tile(np.array(shard.seeds, np.uint64), len(shard.prompts))),
        "prompt": arrow.array(np.repeat(_prompt_numbers(shard), len(shard.seeds))),
    }
    for name, values in result.columns.items():
        flat = arrow.array(values.reshape(-1))
        arrays[name] = flat if values.ndim == 1 else arrow.FixedSizeListArray.from_arrays(flat, values.shape[1])
    table = arrow.table(arrays).replace_schema_metadata({_KEY: key.encode()})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return buffer.getvalue()


def seal_shard(path: Path, shard: Shard, plan: Plan) -> Seal:
    """Read one shard of a plan and seal it.

    Raises:
        FileNotFoundError: when it is not there.
        ValueError: when it is damaged or of another study; the message says how.
    """
    data, status = _read(path)
    _decoded(data, shard, plan, None)
    return Seal.of(data, status, plan.key_of(shard.prompt_set))


def read_shard(
    path: Path, shard: Shard, plan: Plan, names: Collection[str] | None = None, seal: Seal | None = None
) -> dict[str, np.ndarray]:
    """Read one shard of a plan, checking its key, its page checksums, its cells and its numbers.

    Where `names` are given only these columns are read and checked; where the file has a seal, all its bytes are.

    Raises:
        FileNotFoundError: when it is not there.
        ValueError: when it is damaged or of another study; the message says how.
    """
    data, status = _read(path)
    if seal is not None and seal.fits(status, plan.key_of(shard.prompt_set)) and seal.crc != zlib.crc32(data):
        raise ValueError("its bytes have changed since it was written")
    return _decoded(data, shard, plan, names)


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    with open(path, "rb") as file:
        return file.read(), os.fstat(file.fileno())


def _decoded(data: bytes, shard: Shard, plan: Plan, names: Collection[str] | None) -> dict[str, np.ndarray]:
    arrow, parquet = _arrow()
    try:
        file = parquet.ParquetFile(arrow.BufferReader(data), page_checksum_verification=True)
        held = set(file.schema_arrow.names) - {"seed", "prompt"}
        columns = None if names is None else ["seed", "prompt", *sorted(held & set(names))]
        table = file.read(columns=columns, use_threads=False)
    except (arrow.ArrowException, OSError) as error:
        raise ValueError(f"no Parquet that can be read: {' '.join(str(error).split())[:120]}") from error
    if (table.schema.metadata or {}).get(_KEY) != plan.key_of(shard.prompt_set).encode():
        raise ValueError("made by another study")
    found = {name: _to_numpy(table.column(name)) for name in table.column_names}
    seeds, prompts = found.pop("seed", None), found.pop("prompt", None)
    if seeds is None or prompts is None or held != plan.columns_of(shard.prompt_set):
        raise ValueError("holds other columns")
    if not np.array_equal(seeds, np.tile(np.array(shard.seeds, np.uint64), len(shard.prompts))):
        raise ValueError("holds other seeds")
    if not np.array_equal(prompts, np.repeat(_prompt_numbers(shard), len(shard.seeds))):
        raise ValueError("holds other prompts")
    for name, values in found.items():
        if values.dtype != np.float32 or not np.isfinite(values).all():
            raise ValueError(f"{name} is not all finite numbers")
    return found


def _prompt_numbers(shard: Shard) -> np.ndarray:
    return np.arange(shard.prompt_start, shard.prompt_start + len(shard.prompts), dtype=np.int32)


def _to_numpy(column: Any) -> np.ndarray:
    array = column.combine_chunks()
    if hasattr(array.type, "list_size"):
        flat = array.flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat).reshape(len(array), array.type.list_size)
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _arrow() -> tuple[Any, Any]:
    """Import pyarrow late: only studies need it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("a study keeps its ledger with pyarrow; pip install pyarrow") from error
    return pyarrow, pyarrow.parquet
