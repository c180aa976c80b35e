"""Hashes of model files: whole and of the tensors alone, each file once."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from goodseed.demo.weights import weights_path
from goodseed.provenance import hashing
from goodseed.provenance.hashing import HashCache, Hashes, hash_file

TENSORS = {
    "b.weight": np.arange(3_000_000, dtype=np.float32),
    "a.weight": np.arange(12, dtype=np.float16).reshape(3, 4),
    "c": np.zeros((0, 2), dtype=np.int64),
}


def test_an_edited_header_changes_the_files_hash_and_not_that_of_its_tensors(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "plain.safetensors")
    save_file(TENSORS, tmp_path / "titled.safetensors", {"modelspec.title": "mine"})
    plain, titled = (hash_file(tmp_path / f"{name}.safetensors") for name in ("plain", "titled"))
    assert plain.sha256 == hashlib.sha256((tmp_path / "plain.safetensors").read_bytes()).hexdigest()
    assert plain.sha256 != titled.sha256
    assert plain.tensors_sha256 == titled.tensors_sha256 == _by_hand(tmp_path / "plain.safetensors")


def test_another_value_name_or_shape_changes_the_hash_of_the_tensors(tmp_path: Path) -> None:
    hashes = set()
    for position, tensors in enumerate(
        [
            TENSORS,
            TENSORS | {"a.weight": TENSORS["a.weight"] + np.float16(1)},
            TENSORS | {"a.weight": TENSORS["a.weight"].reshape(4, 3)},
            {name.replace("a.", "d."): tensor for name, tensor in TENSORS.items()},
        ]
    ):
        save_file(tensors, tmp_path / f"{position}.safetensors")
        hashes.add(hash_file(tmp_path / f"{position}.safetensors").tensors_sha256)
    assert len(hashes) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"", b"1234567", b"\xff" * 100, (5).to_bytes(8, "little") + b"{}   ", (2).to_bytes(8, "little") + b"[]",
        save(TENSORS)[:500], (20).to_bytes(8, "little") + b'{"a": {"dtype": 1}} ', b"PK\x03\x04" + bytes(300),
    ],
)  # fmt: skip
def test_a_file_that_is_no_safetensors_has_no_hash_of_tensors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.ckpt").write_bytes(content)
    assert hash_file(tmp_path / "model.ckpt") == Hashes(hashlib.sha256(content).hexdigest(), None)


def test_the_demo_models_hash_is_the_one_that_its_bank_names() -> None:
    if not weights_path("denoiser").is_file():
        pytest.skip("no weights shipped")
    assert hash_file(weights_path("denoiser")).tensors_sha256 == _by_hand(weights_path("denoiser"))


def test_a_file_is_hashed_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(hashing, "hash_file", lambda path: calls.append(str(path)) or hash_file(path))
    model = tmp_path / "model.safetensors"
    save_file(TENSORS, model)
    (tmp_path / "link.safetensors").symlink_to(model)
    cache = HashCache(tmp_path / "cache")
    first = cache.get(model)
    assert cache.get(tmp_path / "link.safetensors") == first
    assert HashCache(tmp_path / "cache").get(model) == first  # after a restart
    assert len(calls) == 1
    status = model.stat()
    save_file(TENSORS | {"a.weight": TENSORS["a.weight"] + np.float16(1)}, model)  # the same size
    assert model.stat().st_size == status.st_size
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert cache.get(model) != first
    assert len(calls) == 2


def test_several_who_ask_at_once_wait_for_one_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release: Future[None] = Future()
    calls: list[str] = []

    def slow(path: str) -> Hashes:
        calls.append(path)
        release.result(10)
        return hash_file(path)

    monkeypatch.setattr(hashing, "hash_file", slow)
    save_file(TENSORS, tmp_path / "model.safetensors")
    cache = HashCache(tmp_path / "cache")
    waiting = [cache.start(tmp_path / "model.safetensors") for _ in range(5)]
    release.set_result(None)
    assert len({one.result(10) for one in waiting}) == 1
    assert len(calls) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2, "files": {}}', b'{"version": 1, "files": [1]}'])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hashes.json").write_bytes(content)
    save_file(TENSORS, tmp_path / "model.safetensors")
    hashes = HashCache(tmp_path).get(tmp_path / "model.safetensors")
    assert HashCache(tmp_path).get(tmp_path / "model.safetensors") == hashes
    assert json.loads((tmp_path / "hashes.json").read_bytes())["version"] == 1


def test_a_missing_file_is_an_oserror_and_an_unwritable_cache_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HashCache(tmp_path).get(tmp_path / "missing")
    save_file(TENSORS, tmp_path / "model.safetensors")
    (tmp_path / "file").write_text("in the way")
    assert HashCache(tmp_path / "file").get(tmp_path / "model.safetensors").tensors_sha256


def _by_hand(path: Path) -> str:
    """The definition: name, dtype and shape as JSON, then the bytes, in the order of the names."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    digest = hashlib.sha256()
    for name in sorted(set(header) - {"__metadata__"}):
        first, last = header[name]["data_offsets"]
        digest.update(json.dumps([name, header[name]["dtype"], header[name]["shape"]]).encode())
        digest.update(data[8 + size + first : 8 + size + last])
    return digest.hexdigest()
