"""A prompts file is UTF-8 text with one prompt a line; what is not is named with its line."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goodseed.errors import PromptError
from goodseed.prompts import MAX_FILE_BYTES, MAX_PROMPT_CHARACTERS, read_prompts


def prompts_file(folder: Path, data: bytes | str) -> Path:
    path = folder / "prompts.txt"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_blank_lines_comments_and_line_ends_of_any_system_do_not_count(tmp_path: Path) -> None:
    path = prompts_file(tmp_path, "\ufeffa red box\r\n\r\n# a note\n  a blue box \n\na 🐸 with “quotes”\n")
    found = read_prompts(path, "CC0-1.0")
    assert found.prompts == ("a red box", "a blue box", "a 🐸 with “quotes”")
    assert found.licence == "CC0-1.0"
    assert found.sha256 == hashlib.sha256("a red box\na blue box\na 🐸 with “quotes”".encode()).hexdigest()
    assert len(found) == 3


def test_a_prompt_of_10000_characters_is_taken_and_one_more_is_not(tmp_path: Path) -> None:
    assert len(read_prompts(prompts_file(tmp_path, "🐸" * MAX_PROMPT_CHARACTERS)).prompts[0]) == 10_000
    with pytest.raises(PromptError, match=r"prompts\.txt, line 2: 10001 characters"):
        read_prompts(prompts_file(tmp_path, "fine\n" + "x" * 10_001))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no prompt"),
        (b"\n \n# only a note\n", "holds no prompt"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "byte 0 is not UTF-8"),
        (b"fine\na\x00b\n", "line 2: holds control characters"),
        ("text".encode("utf-16"), "not UTF-8"),
        (b"one\ntwo\none\n", "line 3: the prompt already stands on line 1"),
        ("one\ntwo\n\u00a0one \r\n".encode(), "line 3: the prompt already stands on line 1"),
    ],
)
def test_a_file_without_prompts_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = prompts_file(tmp_path, data)
    with pytest.raises(PromptError, match=message) as caught:
        read_prompts(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_of_100_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(PromptError, match="is over the 64 MiB"):
        read_prompts(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="cannot be read"):
        read_prompts(tmp_path / "none.txt")
    with pytest.raises(PromptError, match="cannot be read"):
        read_prompts(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"a red box\n",))
    writer.start()
    assert read_prompts(pipe).prompts == ("a red box",)
    writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device")
def test_an_endless_device_is_read_up_to_the_limit() -> None:
    assert MAX_FILE_BYTES < 100_000_000
    with pytest.raises(PromptError, match="is over the 64 MiB"):
        read_prompts("/dev/zero")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_no_bytes_make_anything_but_prompts_or_one_line(tmp_path: Path, data: bytes) -> None:
    path = prompts_file(tmp_path, data)
    try:
        found, said = read_prompts(path).prompts, ""
    except PromptError as error:
        found, said = (), str(error)
    assert all(prompt == prompt.strip() and prompt for prompt in found)
    assert "\n" not in said
