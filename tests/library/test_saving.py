"""Where images go: no name leads out of the folder, nothing is overwritten, and a full disk leaves no half file."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from goodseed.errors import OutputError
from goodseed.provenance.log import append_line, log_line
from goodseed.provenance.paths import check_inside, check_prefix
from goodseed.provenance.place import place_image
from goodseed.provenance.record import record_id
from tests.library.record_maker import sample_record

LIMIT = 50_000


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process can grow over 50 kB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def refused(act: Callable[[], object], message: str) -> None:
    with pytest.raises(OutputError, match=message) as raised:
        act()
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("prefix", "plain"),
    [
        ("ComfyUI", "ComfyUI"),
        ("portraits/a ball", "portraits/a ball"),
        ("portraits\\ball", "portraits/ball"),
        ("./a//b/./c", "a/b/c"),
        ("%year%-%month%/x_%width%", "%year%-%month%/x_%width%"),
        ("日本/café", "日本/café"),
        ("console", "console"),
        ("com10", "com10"),
        (".hidden", ".hidden"),
        ("a..b", "a..b"),
        ("-rf", "-rf"),
        ("~", "~"),
    ],
)
def test_a_plain_prefix_is_taken(prefix: str, plain: str) -> None:
    assert check_prefix(prefix) == plain


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("", "is empty"),
        (".", "is empty"),
        ("../..", r"\(\.\.\)"),
        ("../x", r"leads out of the output folder \(\.\.\)"),
        ("a/../../x", r"\(\.\.\)"),
        ("a/..", r"\(\.\.\)"),
        ("..\\x", r"\(\.\.\)"),
        ("a\\..\\..\\x", r"\(\.\.\)"),
        ("/etc/passwd", "is an absolute path"),
        ("\\\\server\\share\\x", "is an absolute path"),
        ("//server/share/x", "is an absolute path"),
        ("C:\\Windows\\x", "names a drive"),
        ("c:x", "names a drive"),
        ("a/x:stream", "holds ':'"),
        ("CON", "is a reserved name"),
        ("con.png", "is a reserved name"),
        ("a/aux/x", "is a reserved name"),
        ("a/Lpt1.x", "is a reserved name"),
        ("com¹", "is a reserved name"),
        ("nul ", "ends with a dot or a blank"),
        ("nul .x", "is a reserved name"),
        ("a./x", "ends with a dot or a blank"),
        (".../x", "ends with a dot or a blank"),
        ("a/", "ends with a folder"),
        ("a\0b", r"holds '\\x00'"),
        ("a\nb", r"holds '\\n'"),
        ("a\u202eb", r"holds '\\u202e'"),
        ("\ud800", r"holds '\\ud800'"),
        ("a*", r"holds '\*'"),
        ("x" * 181, "has 181 bytes; use 180 at most"),
        ("é" * 91, "has 182 bytes"),
        ("a/" * 600 + "x", "has 1201 characters"),
    ],
    ids=ascii,
)
def test_a_prefix_that_leads_elsewhere_or_nowhere_is_one_line(prefix: str, message: str) -> None:
    refused(lambda: check_prefix(prefix), message)


def test_a_link_out_of_the_folder_is_seen_through(tmp_path: Path) -> None:
    output, elsewhere = tmp_path / "output", tmp_path / "elsewhere"
    (output / "real").mkdir(parents=True)
    elsewhere.mkdir()
    (output / "out").symlink_to(elsewhere)
    (output / "in").symlink_to(output / "real")
    (output / "loop").symlink_to(output / "loop")
    (output / "dangling").symlink_to(tmp_path / "not yet")
    assert check_inside(output / "in" / "new", output) == (output / "real" / "new").resolve()
    for name in ("out", "out/new/deep", "dangling", "dangling/x"):
        refused(lambda name=name: check_inside(output / name, output), f"{name}: leads out of the output folder")
    with pytest.raises(OutputError):
        check_inside(output / "loop" / "x" / ".." / ".." / ".." / "elsewhere", output)
    assert not list(elsewhere.iterdir())


def test_an_output_folder_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "big disk").mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "big disk")
    assert check_inside(tmp_path / "output" / "a", tmp_path / "output") == (tmp_path / "big disk" / "a").resolve()


def test_images_are_counted_and_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a_00001_.png").write_bytes(b"old")
    (tmp_path / "a_00003_.png.json").write_bytes(b"old")
    (tmp_path / "a_00004_.png").symlink_to(tmp_path / "nowhere")
    first, following = place_image(tmp_path, "a", 1, "png", b"one", b"{}")
    second, last = place_image(tmp_path, "a", following, "png", b"two", b"{}")
    assert (first.name, following, second.name, last) == ("a_00002_.png", 3, "a_00005_.png", 6)
    assert first.read_bytes() == b"one"
    assert second.with_name("a_00005_.png.json").read_bytes() == b"{}"
    assert not (tmp_path / "nowhere").exists()
    assert {path.read_bytes() for path in tmp_path.glob("a_0000[13]*")} == {b"old"}
    assert not list(tmp_path.glob(".goodseed*"))


def test_files_get_the_rights_that_the_process_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path, _ = place_image(tmp_path, "a", 1, "png", b"x", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_without_hard_links_files_are_placed_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "a_00001_.png").write_bytes(b"old")
    path, _ = place_image(tmp_path, "a", 1, "png", b"new", b"{}")
    assert path.name == "a_00002_.png"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a_00001_.png", "a_00002_.png", "a_00002_.png.json"]


def _save_twenty(folder: Path, mark: bytes) -> None:
    for _ in range(20):
        place_image(folder, "a", 1, "png", mark * 1000, mark)


def test_two_processes_that_save_into_one_folder_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_save_twenty, args=(tmp_path, mark)) for mark in (b"1", b"2")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    images = sorted(tmp_path.glob("*.png"))
    assert [path.name for path in images] == [f"a_{number:05}_.png" for number in range(1, 41)]
    for image in images:
        assert set(image.read_bytes()) == set(image.with_name(image.name + ".json").read_bytes())


@pytest.mark.parametrize(("image", "sidecar"), [(LIMIT * 2, 10), (10, LIMIT * 2)], ids=["image", "sidecar"])
@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_nothing_behind(image: int, sidecar: int, tmp_path: Path) -> None:
    refused(
        lambda: place_image(tmp_path, "a", 1, "png", b"x" * image, b"y" * sidecar), r"a_00001_\.png: cannot be written"
    )
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    refused(lambda: place_image(tmp_path / "gone", "a", 1, "png", b"x", None), "a_00001_.png: cannot be written")


def test_a_line_of_the_log_holds_the_tuple_the_hashes_and_the_file(tmp_path: Path) -> None:
    record = sample_record()
    line = log_line(record, "a_00001_.png", "f" * 64, "2026-01-01T00:00:00+00:00")
    append_line(tmp_path / "log", line)
    append_line(tmp_path / "log", line)
    read = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines()]
    assert read == [line, line]
    assert line["tuple"]["seed"] == 42
    assert line["record"] == record_id(record)


def test_a_line_torn_by_a_crash_does_not_take_the_next_with_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'{"a":1}\n{"to')
    append_line(path, {"b": 2})
    assert path.read_bytes() == b'{"a":1}\n{"to\n{"b":2}\n'


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    before = b"x" * (LIMIT - 10) + b"\n"
    path.write_bytes(before)
    refused(lambda: append_line(path, {"long": "y" * 100}), "log: cannot be written .*; the images are saved")
    assert path.read_bytes() == before


def test_a_log_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    refused(lambda: append_line(tmp_path / "log", {}), "is a link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_device_is_one_line() -> None:
    refused(lambda: append_line(Path("/dev/full"), {"a": 1}), "full: cannot be written")
