"""Prompt sets: a text file with one prompt a line, in UTF-8."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from goodseed.errors import PromptError

MAX_FILE_BYTES = 64 * 2**20
MAX_PROMPT_CHARACTERS = 10_000


@dataclass(frozen=True)
class PromptSet:
    """Prompts in a fixed order; `sha256` is of the prompts joined by line feeds, in UTF-8."""

    prompts: tuple[str, ...]
    licence: str = "unknown"

    @property
    def sha256(self) -> str:
        return hashlib.sha256("\n".join(self.prompts).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.prompts)


def read_prompts(path: Path | str, licence: str = "unknown") -> PromptSet:
    """Read a prompts file: one prompt a line; blank lines and lines that start with `#` are skipped.

    Raises:
        PromptError: when the file is missing, empty, binary, over 64 MiB, names a prompt twice, or holds
            a prompt of more than 10,000 characters.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:  # a pipe or a device has no size beforehand
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise PromptError(f"{path}: is over the {MAX_FILE_BYTES >> 20} MiB that a prompts file may have; split it")
        text = data.decode("utf-8-sig")
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise PromptError(f"{path}: {reason}; name a text file with one prompt a line") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{path}: byte {error.start} is not UTF-8; save the prompts as UTF-8 text") from error
    prompts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        prompt = line.rstrip("\r").strip()
        if not prompt or prompt.startswith("#"):
            continue
        check_prompt(prompt, f"{path}, line {number}")
        if prompt in prompts:
            raise PromptError(f"{path}, line {number}: the prompt already stands on line {prompts[prompt]}; keep one")
        prompts[prompt] = number
    if not prompts:
        raise PromptError(f"{path}: holds no prompt; write one prompt a line")
    return PromptSet(tuple(prompts), licence)


def check_prompt(prompt: str, where: str) -> str:
    """Return `prompt` if a generator may be given it.

    Raises:
        PromptError: for control characters (a binary file) and for more than 10,000 characters.
    """
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise PromptError(f"{where}: {len(prompt)} characters; a prompt may have {MAX_PROMPT_CHARACTERS}")
    if any(ord(character) < 32 and character != "\t" for character in prompt):
        raise PromptError(f"{where}: holds control characters; is this a text file?")
    return prompt
