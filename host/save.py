"""Saving a batch with its records: the host's folders and counters, the library's files, side by side."""

from __future__ import annotations

import collections
import datetime
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import folder_paths
from comfy.cli_args import args
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from goodseed.errors import OutputError
from goodseed.provenance.embed import ENDINGS, RECORD_KEY, Embedded, Options, embed, graph_texts, to_uint8
from goodseed.provenance.log import LOG_NAME, append_line, log_line
from goodseed.provenance.paths import check_inside, check_prefix
from goodseed.provenance.place import place_image
from goodseed.provenance.record import record_text
from goodseed.provenance.saved import saved_note
from goodseed.provenance.sidecar import sidecar_bytes

from .record import records_for

NO_RECORDS = "Saved without records: ComfyUI runs with --disable-metadata."

_MOST_WORKERS = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Where:
    """Where a batch goes: the real folder, the files' stem and first counter, and the folder as it is shown."""

    folder: Path
    stem: str
    counter: int
    subfolder: str


@dataclass(frozen=True)
class Saving:
    """How a batch is saved."""

    prefix: str
    format: str
    options: Options
    sidecar: bool
    log: bool


def save_batch(
    images: Tensor, saving: Saving, prompt: Mapping[str, Any], extra: Mapping[str, Any] | None, node: str, graph: Any
) -> tuple[list[dict[str, str]], list[str], str]:
    """Save images float [B, H, W, C]; return what the front end shows, each image's record as text, and a note on them.

    `prompt` is written into the files; `graph` is the host's DynamicPrompt, with the nodes that came up at run time.
    With --disable-metadata the files hold pixels only, and nothing is written beside them.

    Raises:
        OutputError: when the prefix, the format or the disk does not allow it; images before the failing one are saved.
    """
    if not len(images):
        raise OutputError("images: the batch is empty; connect a node that gives at least one image")
    where = output_place(saving.prefix, width=images.shape[2], height=images.shape[1])
    records = records_for(images, _executed(prompt, graph), node)
    silent = bool(args.disable_metadata)
    texts = {} if silent else graph_texts(prompt, extra)

    def encoded(place: int) -> Embedded:
        record = None if silent else records[place]
        return embed(to_uint8(images[place].cpu().numpy()), saving.format, record, texts, saving.options)

    shown: list[dict[str, str]] = []
    counter = where.counter
    for place, embedded in enumerate(_side_by_side(encoded, range(len(images)))):
        throw_exception_if_processing_interrupted()
        try:
            path, counter = _write(where, place, counter, saving, embedded, texts)
        except OutputError as error:
            raise OutputError(f"{error} ({place} of the batch's {len(images)} images are saved)") from error
        records[place] = embedded.record or records[place]
        shown.append({"filename": path.name, "subfolder": where.subfolder, "type": "output"})
    note = NO_RECORDS if silent else saved_note(records)
    return shown, [record_text(record) for record in records], note


def output_place(prefix: str, width: int, height: int) -> Where:
    """Return where the host puts files of a prefix, checked before a folder is made.

    Raises:
        OutputError: when the prefix is none, or leads out of the output folder, by itself or by a link.
    """
    root = folder_paths.get_output_directory()
    prefix = check_prefix(prefix)
    if "%" in prefix:  # the host's own %year% and the like, replaced by the host in a folder that nobody minds
        temp = os.path.join(folder_paths.get_temp_directory(), "goodseed-names")
        prefix = check_prefix(folder_paths.get_save_image_path(prefix, temp, width, height)[4])
    check_inside(os.path.join(root, os.path.dirname(prefix)), root)
    try:
        folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, root, width, height)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"filename_prefix '{prefix}': its folder cannot be made ({reason}); choose another name"
        ) from error
    return Where(check_inside(folder, root), stem, counter, subfolder)


def _write(
    where: Where, place: int, counter: int, saving: Saving, embedded: Embedded, texts: Mapping[str, str]
) -> tuple[Path, int]:
    """Put one image in its place, with its sidecar and its line in the log."""
    record = embedded.record
    kept = {key: texts[key] for key in embedded.left_out if key != RECORD_KEY}
    beside = sidecar_bytes(record, kept) if record is not None and (saving.sidecar or embedded.left_out) else None
    stem = where.stem.replace("%batch_num%", str(place))
    path, counter = place_image(where.folder, stem, counter, ENDINGS[saving.format], embedded.data, beside)
    if saving.log and record is not None:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        digest = hashlib.sha256(embedded.data).hexdigest()
        append_line(where.folder / LOG_NAME, log_line(record, path.name, digest, now))
    return path, counter


def _executed(prompt: Mapping[str, Any], graph: Any) -> Mapping[str, Any]:
    """Return the graph as it ran, with the nodes that other nodes put into it."""
    return {key: graph.get_node(key) for key in graph.all_node_ids()} if graph is not None else prompt


def _side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield the results in order; a few items are worked on at a time, in threads."""
    workers = max(1, min(_MOST_WORKERS, os.cpu_count() or 1, len(items)))
    waiting: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="goodseed-save") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
