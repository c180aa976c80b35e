"""A fuzzer of the reader and the diff: real files of every kind, changed in bytes, in chunks and in their JSON.

Deterministic: input number n of a seed is the same on every machine with the same libraries, so a find can be repeated.
"""

from __future__ import annotations

import copy
import io
import json
import math
import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from goodseed.errors import GoodSeedError
from goodseed.provenance.diff import diff
from goodseed.provenance.embed import Options, embed, formats, graph_texts
from goodseed.provenance.read import read_image
from goodseed.provenance.record import tuple_sha256
from goodseed.provenance.sidecar import parse_sidecar, sidecar_bytes
from tests.library.record_maker import PROMPT, input_file, sample_record

Image.MAX_IMAGE_PIXELS = None  # as some hosts set it; the reader has a limit of its own

_WORKFLOW = {"nodes": [{"id": 1, "type": "KSampler", "widgets_values": [42, "é"]}], "links": [], "version": 0.4}
_A1111 = "a red ball\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768"
_OTHERS = {
    "a1111": {"parameters": _A1111},
    "fooocus": {
        "parameters": json.dumps(
            {"prompt": "a", "negative_prompt": "b", "seed": 7, "steps": 30, "sampler": "x", "scheduler": "karras",
             "guidance_scale": 4.0, "sharpness": 2.0, "resolution": "(8, 9)", "base_model": "m", "base_model_hash": "h"}
        )
    },
    "invokeai": {"invokeai_metadata": '{"positive_prompt": "a", "scheduler": "e", "model": {"model_name": "m"}}'},
    "sd-metadata": {"sd-metadata": json.dumps({"image": {"sampler": "e", "prompt": [{"prompt": "a [b]"}], "seed": 1}})},
    "dream": {"Dream": '"a [b]" -s 50 -S 7 -W 512 -H 640 -C 7.5 -A k_lms'},
    "novelai": {"Comment": json.dumps({"sampler": "k", "seed": 1, "uc": "b"}), "Description": "a", "Source": "S 1D44"},
    "swarmui": {"parameters": '{"sui_image_params": {"prompt": "a", "seed": 1, "model": "m", "loras": ["x"]}}'},
    "stock": {"prompt": json.dumps(PROMPT), "workflow": json.dumps(_WORKFLOW)},
}  # fmt: skip
_ODD = (
    None, True, False, 0, -1, 1, 1 << 63, 1 << 64, -(1 << 70), 10**40, 0.0, -0.0, 1e308, -1e308, 1e-320, 7.0, "", "a",
    "\0", "é", "\u0065\u0301", "\u200b", "🌵", "NaN", "../x", "x" * 3000, [], {}, [[]], [{}], {"link": ["3", 0]},
    {"link": ["404", 0]}, {"link": []}, {"link": ["3", -1]}, {"literal": {"link": 1}},
    {"value": None, "known": "graph"}, ["3", 0], ["404", 1e9], [None], {"": ""}, "0" * 64, "f" * 64,
)  # fmt: skip
_ODD_TEXTS = (
    b"NaN", b"-Infinity", b"1e999", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"[" * 200, b"{" * 50, b"9" * 5000, b'"',
    b"\0", b"Hashes: {", b"Negative prompt:", b"Steps: 1, Sampler: x, Seed: 1", b" " * 500, b"goodseed.record:", b"\n",
)  # fmt: skip


@dataclass
class Found:
    """What a run of the fuzzer saw."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    compared: int = 0
    slowest: float = 0.0
    slowest_input: str = ""
    crashes: list[str] = field(default_factory=list)


class Fuzzer:
    """Makes inputs by number and tries them."""

    def __init__(self, seed: int = 0, crash_folder: Path | None = None, longest: float = math.inf) -> None:
        """An input that takes more than `longest` seconds of a processor counts as a crash."""
        self.seed, self.crash_folder, self.longest = seed, crash_folder, longest
        self.found = Found()
        record = sample_record(inputs=[input_file("6", "text", "a"), input_file("5", "text", "b")])
        self.base = embed(_picture(), "png", record, {}, Options()).record
        self.corpus = dict(_corpus())
        self.names = list(self.corpus)
        self.kinds: tuple[tuple[int, Callable[[random.Random], tuple[str, bytes]]], ...] = (
            (4, self._bytes), (3, self._chunks), (5, self._json), (1, self._sidecar),
        )  # fmt: skip

    def run(self, first: int, last: int) -> Found:
        """Try the inputs first … last - 1."""
        for number in range(first, last):
            self.try_input(number)
        return self.found

    def try_input(self, number: int) -> None:
        """Make one input, read it, and compare what was read with a sound record, both ways round."""
        rng = random.Random(f"{self.seed}-{number}")
        kind = rng.choices([make for _, make in self.kinds], [weight for weight, _ in self.kinds])[0]
        name, data = kind(rng)
        self.found.inputs += 1
        start = time.process_time()
        try:
            record = self._read(name, data)
            if record is not None:
                self.found.read += 1
                for a, b in ((record, self.base), (self.base, record)):
                    json.dumps(diff(a, b), allow_nan=False)
                    self.found.compared += 1
        except GoodSeedError as error:
            self.found.refused += 1
            if "\n" in str(error) or len(str(error)) > 1000:
                self._crash(number, name, data, f"not one short line: {str(error)[:200]!r}")
        except Exception as error:  # noqa: BLE001 - a fuzzer looks for all of them
            self._crash(number, name, data, f"{type(error).__name__}: {str(error)[:200]}")
        seconds = time.process_time() - start
        if seconds > self.found.slowest:
            self.found.slowest, self.found.slowest_input = seconds, f"{number} ({name}, {len(data)} bytes)"
        if seconds > self.longest:
            self._crash(number, name, data, f"took {seconds:.1f} s")

    def _read(self, name: str, data: bytes) -> dict[str, Any] | None:
        return parse_sidecar(data, "a.json")[0] if name == "sidecar" else read_image(data, "a").record

    def _crash(self, number: int, name: str, data: bytes, what: str) -> None:
        self.found.crashes.append(f"input {number} ({name}): {what}")
        if self.crash_folder is not None:
            self.crash_folder.mkdir(parents=True, exist_ok=True)
            (self.crash_folder / f"{self.seed}-{number}-{name.replace(' ', '-')}").write_bytes(data)

    def _bytes(self, rng: random.Random) -> tuple[str, bytes]:
        """Change a whole file: bits, bytes, cuts, repeats, and parts of another file."""
        name = rng.choice(self.names)
        data = bytearray(self.corpus[name])
        for _ in range(rng.choice((1, 1, 2, 4, 16))):
            place = rng.randrange(len(data)) if rng.random() < 0.5 else rng.randrange(min(200, len(data)))
            what = rng.randrange(7)
            if what == 0:
                data[place] ^= 1 << rng.randrange(8)
            elif what == 1:
                data[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            elif what == 2:
                data[place : place + 4] = rng.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\1\0\0")
                )
            elif what == 3 and len(data) > 20:
                del data[place : place + rng.randrange(1, 40)]
            elif what == 4:
                data[place:place] = data[place : place + rng.randrange(1, 200)]
            elif what == 5:
                data[place:place] = rng.choice(_ODD_TEXTS)
            elif what == 6 and rng.random() < 0.3:
                other = self.corpus[rng.choice(self.names)]
                data[place:] = other[rng.randrange(len(other)) :]
            if not data:
                data = bytearray(b"\0")
        return name, bytes(data)

    def _chunks(self, rng: random.Random) -> tuple[str, bytes]:
        """Change the chunks of a PNG, with right checksums, so that what lies in them is reached."""
        name = rng.choice([name for name in self.names if name.startswith(("png", "other"))])
        chunks = list(_png_chunks(self.corpus[name]))
        for _ in range(rng.choice((1, 1, 2, 4))):
            place = rng.randrange(len(chunks))
            kind, body = chunks[place]
            what = rng.randrange(6)
            if what == 0 and body:
                at = rng.randrange(len(body))
                body = body[:at] + rng.choice(_ODD_TEXTS) + body[at + rng.randrange(3) :]
            elif what == 1 and body:
                at = rng.randrange(len(body))
                body = body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]
            elif what == 2:
                kind = rng.choice((b"tEXt", b"zTXt", b"iTXt", b"IDAT", b"eXIf", b"PLTE", b"tRNS", b"acTL", b"iCCP"))
            elif what == 3:
                key, _, rest = body.partition(b"\0")
                kind, body = b"zTXt", key + b"\0\0" + zlib.compress(rest * rng.choice((1, 1, 50)))
            elif what == 4:
                chunks.insert(rng.randrange(len(chunks)), chunks[rng.randrange(len(chunks))])
                continue
            else:
                del chunks[place]
                if not chunks:
                    break
                continue
            chunks[place] = (kind, body)
        return f"chunks of {name}", _png_of(chunks)

    def _json(self, rng: random.Random) -> tuple[str, bytes]:
        """Change the JSON of a record or a graph and put it into a sound PNG."""
        if rng.random() < 0.7:
            record = _changed(self.base, rng)
            if rng.random() < 0.6 and isinstance(record, dict):
                _rehash(record)
            text = json.dumps(record).encode()
            chunk = (b"iTXt", b"goodseed.record\0\0\0\0\0" + text)
            name = "record"
        else:
            chunk = (b"tEXt", b"prompt\0" + json.dumps(_changed(PROMPT, rng)).encode())
            name = "graph"
        head, *rest = _png_chunks(self.corpus["png bare"])
        return name, _png_of([head, chunk, *rest])

    def _sidecar(self, rng: random.Random) -> tuple[str, bytes]:
        if rng.random() < 0.5:
            data = bytearray(sidecar_bytes(self.base, {"prompt": "{}"}))
            for _ in range(rng.choice((1, 2, 8))):
                place = rng.randrange(len(data))
                data[place : place + rng.randrange(3)] = rng.choice((*_ODD_TEXTS, b"", bytes([rng.randrange(256)])))
            return "sidecar", bytes(data)
        record = _changed(self.base, rng)
        if isinstance(record, dict):
            _rehash(record)
        return "sidecar", json.dumps(record).encode()


def _corpus() -> Iterator[tuple[str, bytes]]:
    """Yield real files by name: ours in every format, with and without a record, and other tools'."""
    texts = graph_texts(PROMPT, {"workflow": _WORKFLOW})
    for fmt in formats():
        yield fmt, embed(_picture(), fmt, sample_record(), texts, Options(a1111=True)).data
        yield f"{fmt} bare", embed(_picture(), fmt, None, {}, Options()).data
    for name, pairs in _OTHERS.items():
        info = PngImagePlugin.PngInfo()
        for key, text in pairs.items():
            info.add_text(key, text)
        buffer = io.BytesIO()
        Image.fromarray(_picture()).save(buffer, "PNG", pnginfo=info)
        yield f"other {name}", buffer.getvalue()


def _picture() -> np.ndarray[Any, Any]:
    return np.random.default_rng(2).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def _changed(value: Any, rng: random.Random) -> Any:
    """Return a copy of a JSON value with a few parts replaced, removed, renamed, repeated or swapped."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        parents = [part for part in _containers(value) if part]
        if not parents:
            return value
        parent = rng.choice(parents)
        key = rng.choice(list(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
        what = rng.randrange(6)
        if what <= 1:
            parent[key] = copy.deepcopy(rng.choice(_ODD))
        elif what == 2:
            del parent[key]
        elif what == 3:
            parent[key] = copy.deepcopy(rng.choice(list(_containers(value))))
        elif what == 4 and isinstance(parent, dict):
            parent[rng.choice(("", "3", "9", "x" * 300, "é", "value", "known"))] = parent.pop(key)
        elif isinstance(parent, list):
            parent[key:key] = [copy.deepcopy(parent[key])] * rng.choice((1, 3, 40))
    return value


def _containers(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (dict, list)):
            yield part
            waiting += part.values() if isinstance(part, dict) else part


def _rehash(record: dict[str, Any]) -> None:
    """Make the tuple's hash right again, so that the change is not found by it."""
    try:
        record["tuple_sha256"] = tuple_sha256(record["tuple"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return  # the tuple itself is broken


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        place += 12 + size


def _png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in chunks
    )
