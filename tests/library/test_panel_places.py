"""Names of files: as /view takes them, and nothing outside the folder is ever reached."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goodseed.errors import GoodSeedError, MissingFileError, NameRefusedError, NameTrespassError
from goodseed.panel.places import file_in, folder_named, newest

PARTS = st.lists(
    st.sampled_from(["a.png", "..", ".", "sub", "out", "/", "\\", "", "secret.png", "C:", "\0", "etc"]), max_size=5
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two pictures, and links that lead out of it."""
    folder = tmp_path / "output"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "output-secrets").mkdir()
    for path in (
        folder / "a.png",
        folder / "sub" / "b c.png",
        tmp_path / "secret.png",
        tmp_path / "output-secrets/c.png",
    ):
        path.write_bytes(b"x")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "out").symlink_to(tmp_path, target_is_directory=True)
    (folder / "inner.png").symlink_to(folder / "a.png")
    return folder


def named(filename: object, subfolder: object = "") -> dict[str, object]:
    return {"filename": filename, "subfolder": subfolder, "type": "output"}


def test_what_is_inside_is_found(root: Path) -> None:
    assert file_in(root, named("a.png")) == root / "a.png"
    assert file_in(root, named("b c.png", "sub")) == root / "sub" / "b c.png"
    assert file_in(root, named("b c.png", "sub/")) == root / "sub" / "b c.png"
    assert file_in(root, named("inner.png")) == root / "a.png"
    assert file_in(root, {"filename": "a.png", "type": "output"}) == root / "a.png"


@pytest.mark.parametrize(
    ("error", "filename", "subfolder"),
    [
        (NameTrespassError, "../secret.png", ""), (NameTrespassError, "/etc/hostname", ""),
        (NameTrespassError, "secret.png", ".."), (NameTrespassError, "secret.png", "sub/../.."),
        (NameTrespassError, "hostname", "/etc"), (NameTrespassError, "a\\b.png", ""), (NameTrespassError, "..", "sub"),
        (NameTrespassError, "link.png", ""), (NameTrespassError, "secret.png", "out"),
        (NameTrespassError, "c.png", "out/output-secrets"), (NameRefusedError, "", ""), (NameRefusedError, 7, ""),
        (NameRefusedError, "a.png", None), (NameRefusedError, "a\0.png", ""), (NameRefusedError, "x" * 1025, ""),
        (MissingFileError, "b.png", ""), (MissingFileError, "sub", ""), (MissingFileError, "a.png", "a.png"),
    ],
)  # fmt: skip
def test_what_is_not_is_refused(root: Path, error: type[Exception], filename: object, subfolder: object) -> None:
    with pytest.raises(error) as raised:
        file_in(root, named(filename, subfolder))
    assert str(root.parent) not in str(raised.value)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PARTS.map("".join), PARTS.map("/".join) | PARTS.map("".join))
def test_no_name_reaches_anything_outside(root: Path, filename: str, subfolder: str) -> None:
    with contextlib.suppress(GoodSeedError):
        assert root.resolve() in file_in(root, named(filename, subfolder)).resolve().parents


@pytest.mark.parametrize("kind", ["models", "", None, 3, "outputs", "../output", ["output"]])
def test_other_folders_are_refused(kind: object) -> None:
    with pytest.raises(NameRefusedError):
        folder_named({"type": kind})
    assert [folder_named({"type": name}) for name in ("input", "output", "temp")] == ["input", "output", "temp"]


def test_the_newest_pictures_come_first_from_every_subfolder(root: Path) -> None:
    (root / ".hidden.png").write_bytes(b"x")
    (root / "text.txt").write_bytes(b"x")
    for age, path in enumerate((root / "sub" / "b c.png", root / "a.png")):
        os.utime(path, (1000 - age, 1000 - age))
    assert newest(root, 9) == [
        {"filename": "b c.png", "subfolder": "sub", "type": "output", "modified": 1000.0},
        {"filename": "a.png", "subfolder": "", "type": "output", "modified": 999.0},
    ]
    assert len(newest(root, 1)) == 1
    assert newest(root / "missing", 9) == []
