"""A file is written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from goodseed.errors import OutputError
from goodseed.files import atomic_writer, sha256_of, write_bytes


def test_a_file_is_written_with_the_folders_it_needs_and_the_usual_rights(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "out.bin"
    write_bytes(path, b"content")
    assert path.read_bytes() == b"content"
    assert list(path.parent.iterdir()) == [path]
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_an_error_within_the_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    write_bytes(path, b"old")

    def fail_halfway() -> None:
        with atomic_writer(path) as file:
            file.write(b"half of the new")
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_says_so_in_one_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.bin"
    write_bytes(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError, match=r"out\.bin: cannot be written \(File too large\)") as caught:
            write_bytes(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"out\.bin: cannot be written"):
        write_bytes(tmp_path / "file" / "out.bin", b"x")


def test_a_folder_and_a_device_are_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder or a device"):
        write_bytes(tmp_path, b"x")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OutputError, match="is a folder or a device"):
            write_bytes(tmp_path / "pipe", b"x")
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_sha256_of_a_file_of_several_blocks_is_that_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    write_bytes(tmp_path / "big", data)
    assert sha256_of(tmp_path / "big") == hashlib.sha256(data).hexdigest()


def test_a_file_that_a_scanner_holds_for_a_moment_is_renamed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows refuses it: one such moment among thousands of shards would end a study."""
    held = [True, True]
    replace = Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if held and held.pop():
            raise PermissionError(13, "Access is denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    monkeypatch.setattr("goodseed.files._WAITS", (0.0, 0.0))
    write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    held += [True] * 3
    with pytest.raises(OutputError, match=r"a: cannot be written \(Access is denied\)"):
        write_bytes(tmp_path / "a", b"newer")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
