"""The ledger: what a study has measured so far, in Parquet shards that are whole or not there."""

from __future__ import annotations

import io
import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.errors import MissingExtraError, StudyError
from goodseed.files import write_bytes
from goodseed.study.cells import ShardResult
from goodseed.study.inpaint_plan import INPAINT_SETS, TEXT_SHARE
from goodseed.study.plan import Plan, Shard, read_plan

_KEY = b"goodseed.study"

BLOCK_BYTES = 256 * 2**20
"""Features of sets are read for as many seeds at a time as fit in this, and for one at least."""


@dataclass(frozen=True)
class Cells:
    """All cells of one prompt set: S seeds × P prompts."""

    prompts: tuple[str, ...]
    metrics: Mapping[str, np.ndarray]
    """Name → float32 [S, P]."""
    traits: Mapping[str, np.ndarray]
    """Name → float32 [S, P], in 0…1."""
    style: np.ndarray | None
    """float32 [S, P, e]."""
    composition: np.ndarray | None
    """float32 [S, P, 3 or 4]: centroid x, centroid y, size, depth."""


@dataclass(frozen=True)
class Ledger:
    """A finished study's measurements. Features of which metrics per seed are made stay on the disk (`blocks`)."""

    folder: Path
    plan: Plan
    selection: Cells
    held_out: Cells
    text: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    """Task → the share of each hole under text: float32 [S, P] on the selection pairs, [S, Q] on the held-out ones."""

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.plan.seeds

    def cells(self, prompt_set: str) -> Cells:
        return self.selection if prompt_set == "selection" else self.held_out

    def blocks(self, prompt_set: str, column: str, most_bytes: int = BLOCK_BYTES) -> Iterator[np.ndarray]:
        """Read the features of one column, of some seeds after others in the plan's order: float32 [s, P, d].

        At most `most_bytes` of features are in memory, or one seed's.

        Raises:
            StudyError: for a shard that is missing or damaged.
        """
        prompts = len(self.plan.cells(prompt_set))
        shards = sorted((s for s in self.plan.shards() if s.prompt_set == prompt_set), key=lambda s: s.seed_start)
        for _, found in itertools.groupby(shards, key=lambda shard: shard.seed_start):
            group = list(found)
            seeds, width = len(group[0].seeds), self._features(group[0], column).shape[1]
            step = max(1, most_bytes // (4 * prompts * width))
            for start in range(0, seeds, step):
                block = np.empty((min(step, seeds - start), prompts, width), np.float32)
                for shard in group:
                    rows = self._features(shard, column).reshape(len(shard.prompts), seeds, width)
                    into = slice(shard.prompt_start, shard.prompt_start + len(shard.prompts))
                    block[:, into] = np.swapaxes(rows[:, start : start + step], 0, 1)
                yield block

    def _features(self, shard: Shard, column: str) -> np.ndarray:
        return _read_whole(self.folder, shard, self.plan, [column])[column]


@dataclass(frozen=True)
class Scan:
    """Which shards are whole, which are still to be computed, and what is wrong with the damaged among these."""

    done: tuple[Shard, ...]
    pending: tuple[Shard, ...]
    damaged: Mapping[str, str]


def read_ledger(folder: Path | str) -> Ledger:
    """Read a finished study.

    Raises:
        StudyError: when the folder holds no study, an unfinished one, or a damaged shard.
    """
    folder = Path(folder)
    plan = read_plan(folder)
    cells: dict[str, dict[str, np.ndarray]] = {name: {} for name in plan.sets}
    for shard in plan.shards():
        names = plan.columns_of(shard.prompt_set) - plan.streamed
        _place(cells[shard.prompt_set], _read_whole(folder, shard, plan, names), shard, plan)
    return Ledger(folder, plan, _cells(plan, "selection", cells), _cells(plan, "held_out", cells), _text(plan, cells))


def scan(folder: Path, plan: Plan) -> Scan:
    """Read every shard that is there, and remove what a killed study left half written."""
    done: list[Shard] = []
    pending: list[Shard] = []
    damaged: dict[str, str] = {}
    for name in plan.sets:
        for leftover in (folder / "shards" / name).glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
    for shard in plan.shards():
        try:
            read_shard(shard_path(folder, shard), shard, plan)
        except FileNotFoundError:
            pending.append(shard)
        except ValueError as error:
            damaged[shard.name] = str(error)
            pending.append(shard)
        else:
            done.append(shard)
    return Scan(tuple(done), tuple(pending), damaged)


def shard_path(folder: Path, shard: Shard) -> Path:
    return folder / "shards" / shard.prompt_set / Path(shard.name).name


def write_shard(folder: Path, result: ShardResult, key: str) -> None:
    """Write one shard, whole or not at all.

    Raises:
        OutputError: when the folder cannot be written or the disk is full.
    """
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
    write_bytes(shard_path(folder, shard), buffer.getvalue())


def read_shard(path: Path, shard: Shard, plan: Plan, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Read one shard of a plan, checking its key, its page checksums, its cells and its numbers.

    Where `names` are given only these columns are read and checked.

    Raises:
        FileNotFoundError: when it is not there.
        ValueError: when it is damaged or of another study; the message says how.
    """
    arrow, parquet = _arrow()
    data = path.read_bytes()
    try:
        file = parquet.ParquetFile(io.BytesIO(data), page_checksum_verification=True)
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


def _read_whole(folder: Path, shard: Shard, plan: Plan, names: Collection[str]) -> dict[str, np.ndarray]:
    path = shard_path(folder, shard)
    try:
        return read_shard(path, shard, plan, names)
    except FileNotFoundError as error:
        raise StudyError(f"{path}: is missing, so the study is unfinished; run the same study again") from error
    except ValueError as error:
        raise StudyError(f"{path}: is damaged ({error}); run the same study again") from error


def _prompt_numbers(shard: Shard) -> np.ndarray:
    return np.arange(shard.prompt_start, shard.prompt_start + len(shard.prompts), dtype=np.int32)


def _to_numpy(column: Any) -> np.ndarray:
    array = column.combine_chunks()
    if hasattr(array.type, "list_size"):
        flat = array.flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat).reshape(len(array), array.type.list_size)
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _place(into: dict[str, np.ndarray], columns: dict[str, np.ndarray], shard: Shard, plan: Plan) -> None:
    """Copy a shard's rows into arrays [S, P, …], made at the first shard."""
    shape = (len(plan.seeds), len(plan.cells(shard.prompt_set)))
    block = np.s_[
        shard.seed_start : shard.seed_start + len(shard.seeds),
        shard.prompt_start : shard.prompt_start + len(shard.prompts),
    ]
    for name, values in columns.items():
        target = into.setdefault(name, np.empty((*shape, *values.shape[1:]), np.float32))
        rows = values.reshape(len(shard.prompts), len(shard.seeds), *values.shape[1:])
        target[block] = np.swapaxes(rows, 0, 1)


def _cells(plan: Plan, prompt_set: str, columns: Mapping[str, Mapping[str, np.ndarray]]) -> Cells:
    of_set = columns[prompt_set]
    return Cells(
        prompts=plan.prompts(prompt_set).prompts,
        metrics={name[7:]: values for name, values in sorted(of_set.items()) if name.startswith("metric.")},
        traits={name[6:]: values for name, values in sorted(of_set.items()) if name.startswith("trait.")},
        style=of_set.get("style"),
        composition=of_set.get("composition"),
    )


def _text(plan: Plan, columns: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if plan.inpaint is None:
        return {}
    seeds, tasks = len(plan.seeds), tuple(plan.inpaint.tasks)
    first, second = (columns[name][TEXT_SHARE].reshape(seeds, len(tasks), -1) for name in INPAINT_SETS)
    return {task: (first[:, place], second[:, place]) for place, task in enumerate(tasks)}


def _arrow() -> tuple[Any, Any]:
    """Import pyarrow late: only studies need it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("a study keeps its ledger with pyarrow; pip install 'good-seed[study]'") from error
    return pyarrow, pyarrow.parquet
