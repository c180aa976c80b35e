"""The panel's texts: every language says all that the panel asks for, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ROOT / "locales"
LANGUAGES = sorted(path.name for path in LOCALES.iterdir())
FORMS = {"one", "other"}
_KEY = re.compile(r"""\bt\(\s*(?:[\w.!=' ]+\? )?'([\w.-]+)'(?: : '([\w.-]+)')?""")


def keys(messages: dict[str, Any], before: str = "") -> Iterator[str]:
    """Yield the keys of texts; the forms of a plural are one text."""
    for name, value in messages.items():
        if isinstance(value, dict) and not value.keys() <= FORMS:
            yield from keys(value, f"{before}{name}.")
        else:
            yield before + name


def read(language: str, file: str) -> dict[str, Any]:
    messages: dict[str, Any] = json.loads((LOCALES / language / file).read_text("utf-8"))
    return messages


@pytest.mark.parametrize("file", ["main.json", "commands.json", "settings.json"])
def test_every_language_has_the_same_texts(file: str) -> None:
    english = set(keys(read("en", file)))
    assert {language: set(keys(read(language, file))) for language in LANGUAGES} == dict.fromkeys(LANGUAGES, english)


def test_every_text_that_the_panel_names_is_there() -> None:
    there = set(keys(read("en", "main.json")["goodseed"]))
    used = {
        key
        for path in [ROOT / "web" / "goodseed.js", *(ROOT / "web" / "panel").rglob("*.js")]
        for found in _KEY.findall(path.read_text("utf-8"))
        for key in found
        if key
    }
    assert len(used) > 60
    assert used - there == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_take_the_same_values_in_every_language(language: str) -> None:
    def placeholders(messages: dict[str, Any]) -> dict[str, set[str]]:
        texts = {key: _at(messages, key) for key in keys(messages)}
        return {key: set(re.findall(r"\{(\w+)\}", json.dumps(text))) for key, text in texts.items()}

    assert placeholders(read(language, "main.json")["goodseed"]) == placeholders(read("en", "main.json")["goodseed"])


def _at(messages: dict[str, Any], key: str) -> Any:
    found: Any = messages
    for name in key.split("."):
        found = found[name]
    return found
