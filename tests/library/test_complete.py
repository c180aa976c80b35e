"""Every node explains itself: help with a picture, tooltips, a template with a thumbnail, and both languages.

What a node has is read from its schema snapshot, which the host's tests hold to the running node. `lacks` names all
that is missing; each kind of it is planted once, so that this test is known to fail.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = Path("tests/host/snapshots")
PARTS = ("nodes", "web/docs", "locales", "example_workflows", str(SNAPSHOTS))
LANGUAGES = ("en", "zh")
LARGEST_PICTURE = 80_000
ENDING = " (Good Seed)"

_PICTURE = re.compile(r"!\[[^\]]+\]\(([^)]+)\)")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ID = re.compile(r'node_id="(\w+)"')


def lacks(root: Path) -> Iterator[str]:
    """Yield one line for everything that a node of the pack below `root` lacks or has too much."""
    ids = {found for path in (root / "nodes").glob("*.py") for found in _ID.findall(path.read_text("utf-8"))}
    schemas = {path.stem: _read(path) for path in sorted((root / SNAPSHOTS).glob("*.json"))}
    for name in sorted(ids ^ schemas.keys()):
        yield f"{name}: {'no schema snapshot' if name in ids else 'a snapshot of no node'}"
    for name, schema in schemas.items():
        for line in (*_help(root / "web" / "docs", name), *_tooltips(schema)):
            yield f"{name}: {line}"
    for line in _templates(root / "example_workflows", schemas):
        yield line
    for language in LANGUAGES:
        for line in _language(root / "locales" / language, schemas, language):
            yield f"{language}, {line}"


def _help(folder: Path, name: str) -> Iterator[str]:
    page = folder / f"{name}.md"
    text = page.read_text("utf-8") if page.is_file() else ""
    if not text.startswith("# "):
        yield "no help page"
    pictures = [folder / file for file in _PICTURE.findall(text)]
    if not pictures:
        yield "no picture in its help page"
    for picture in pictures:
        if not picture.is_file():
            yield f"its help page shows {picture.name}, which is not there"
        elif picture.stat().st_size > LARGEST_PICTURE:
            yield f"{picture.name} is over {LARGEST_PICTURE // 1000} KB"
        else:
            with Image.open(picture) as opened:
                opened.verify()


def _tooltips(schema: dict[str, Any]) -> Iterator[str]:
    for what in ("display_name", "description"):
        if not schema[what]:
            yield f"no {what}"
    for name, spec in _inputs(schema).items():
        if not spec[1].get("tooltip"):
            yield f"no tooltip on input {name}"
    tooltips = schema["output_tooltips"] or []
    for place, name in enumerate(schema["output_name"]):
        if not (tooltips[place : place + 1] or [""])[0]:
            yield f"no tooltip on output {name}"


def _templates(folder: Path, schemas: dict[str, Any]) -> Iterator[str]:
    used = set()
    for path in sorted(folder.glob("*.json")):
        used |= {node["type"] for node in _read(path)["nodes"]}
        thumbnail = path.with_suffix(".jpg")
        if not thumbnail.is_file():
            yield f"template {path.name}: no thumbnail"
    for name in schemas.keys() - used:
        yield f"{name}: no template uses it"


def _language(folder: Path, schemas: dict[str, Any], language: str) -> Iterator[str]:
    words = _read(folder / "nodeDefs.json")
    categories = _read(folder / "main.json")["nodeCategories"]
    for name in sorted(words.keys() - schemas.keys()):
        yield f"{name}: words for no node"
    for name, schema in schemas.items():
        said = words.get(name, {})
        if schema["category"] not in categories:
            yield f"{name}: category {schema['category']} has no name"
        for where, given, own in _pairs(said, schema):
            if given is None:
                yield f"{name}: {where} is missing"
            elif own is None:
                yield f"{name}: {where} is of nothing that the node has"
            elif language == "en" and not where.endswith(" name") and given != own:
                yield f"{name}: {where} is not the schema's"
            elif language == "zh" and not where.endswith(" name") and not _CHINESE.search(given):
                yield f"{name}: {where} is not translated"


def _pairs(said: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield for each text where it stands, the language's and the schema's, None where there is none."""
    for what in ("display_name", "description"):
        yield what, said.get(what) or None, schema[what]
    own = {name: spec[1].get("tooltip", "") for name, spec in _inputs(schema).items()}
    tooltips = schema["output_tooltips"] or [""] * len(schema["output"])
    outs = {str(place): tooltip or "" for place, tooltip in enumerate(tooltips)}
    for kind, has, given in (("input", own, said.get("inputs", {})), ("output", outs, said.get("outputs", {}))):
        for name in [*has, *(name for name in given if name not in has)]:
            for what in ("name", "tooltip"):
                text = given.get(name, {}).get(what) or None
                yield f"{kind} {name} {what}", text, has.get(name) if what == "tooltip" or name not in has else name


def _inputs(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: spec for part, inputs in schema["input"].items() if part != "hidden" for name, spec in inputs.items()}


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_no_node_lacks_anything() -> None:
    assert sorted(set(lacks(ROOT))) == []


def test_chinese_texts_call_nodes_by_the_names_that_the_menu_shows() -> None:
    english, chinese = (_read(ROOT / "locales" / language / "nodeDefs.json") for language in ("en", "zh"))
    names = {
        said["display_name"].removesuffix(ENDING): chinese[node]["display_name"].removesuffix(ENDING)
        for node, said in english.items()
    }
    longest_first = re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)))
    other = dict(_texts(chinese))
    wrong = [
        f"{where}: {name} is {names[name]} in Chinese"
        for where, text in _texts(english)
        for name in longest_first.findall(text)
        if names[name] not in other[where]
    ]
    assert wrong == []


def _texts(said: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(said, str):
        yield where, said
    else:
        for key, value in said.items():
            yield from _texts(value, f"{where}/{key}")


PICKER = "GoodSeedGoldenSeedPicker"


def _changed(path: Path, change: Callable[[Any], None]) -> None:
    content = _read(path)
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def _words(language: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    return lambda root: _changed(root / "locales" / language / "nodeDefs.json", lambda words: change(words[PICKER]))


def _schema(change: Callable[[Any], None]) -> Callable[[Path], None]:
    return lambda root: _changed(root / SNAPSHOTS / f"{PICKER}.json", change)


def _unpictured(root: Path) -> None:
    page = root / "web" / "docs" / f"{PICKER}.md"
    page.write_text(_PICTURE.sub("", page.read_text("utf-8")), "utf-8")


def _untemplated(root: Path) -> None:
    for path in (root / "example_workflows").glob("*.json"):
        if PICKER in path.read_text("utf-8"):
            path.unlink()


PLANTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "help": (lambda root: (root / f"web/docs/{PICKER}.md").unlink(), f"{PICKER}: no help page"),
    "picture": (_unpictured, f"{PICKER}: no picture in its help page"),
    "picture's file": (
        lambda root: (root / f"web/docs/{PICKER}.jpg").unlink(),
        f"{PICKER}: its help page shows {PICKER}.jpg, which is not there",
    ),
    "input's tooltip": (
        _schema(lambda schema: schema["input"]["required"]["rule"][1].pop("tooltip")),
        f"{PICKER}: no tooltip on input rule",
    ),
    "output's tooltip": (
        _schema(lambda schema: schema["output_tooltips"].__setitem__(0, "")),
        f"{PICKER}: no tooltip on output seed",
    ),
    "template": (_untemplated, f"{PICKER}: no template uses it"),
    "thumbnail": (
        lambda root: (root / "example_workflows/seed_swap.jpg").unlink(), "template seed_swap.json: no thumbnail",
    ),
    "snapshot": (lambda root: (root / SNAPSHOTS / f"{PICKER}.json").unlink(), f"{PICKER}: no schema snapshot"),
    "words of a node": (_words("zh", lambda words: words.clear()), f"zh, {PICKER}: display_name is missing"),
    "display name": (_words("zh", lambda words: words.pop("display_name")), f"zh, {PICKER}: display_name is missing"),
    "description": (_words("en", lambda words: words.pop("description")), f"en, {PICKER}: description is missing"),
    "input's words": (
        _words("zh", lambda words: words["inputs"]["rule"].pop("tooltip")),
        f"zh, {PICKER}: input rule tooltip is missing",
    ),
    "input's name": (
        _words("zh", lambda words: words["inputs"]["rule"].pop("name")), f"zh, {PICKER}: input rule name is missing",
    ),
    "output's words": (
        _words("en", lambda words: words["outputs"].pop("1")), f"en, {PICKER}: output 1 tooltip is missing",
    ),
    "an input that is no more": (
        _words("zh", lambda words: words["inputs"].update(old=words["inputs"]["rule"])),
        f"zh, {PICKER}: input old tooltip is of nothing that the node has",
    ),
    "an output that is no more": (
        _words("en", lambda words: words["outputs"].update({"9": words["outputs"]["0"]})),
        f"en, {PICKER}: output 9 name is of nothing that the node has",
    ),
    "another tooltip": (
        _words("en", lambda words: words["inputs"]["rule"].update(tooltip="of last year")),
        f"en, {PICKER}: input rule tooltip is not the schema's",
    ),
    "English in Chinese": (
        _words("zh", lambda words: words["inputs"]["rule"].update(tooltip="the rule")),
        f"zh, {PICKER}: input rule tooltip is not translated",
    ),
    "a node that is no more": (
        lambda root: _changed(root / "locales/en/nodeDefs.json", lambda words: words.update(GoodSeedOld={})),
        "en, GoodSeedOld: words for no node",
    ),
    "category": (
        lambda root: _changed(root / "locales/zh/main.json", lambda words: words["nodeCategories"].clear()),
        f"zh, {PICKER}: category Good Seed has no name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTED)
def test_each_kind_of_lack_is_named(tmp_path: Path, kind: str) -> None:
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    plant, named = PLANTED[kind]
    assert named not in set(lacks(tmp_path))
    plant(tmp_path)
    assert named in set(lacks(tmp_path))
