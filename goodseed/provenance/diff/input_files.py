"""Files of ComfyUI's folders in two records: a picture under the same name may have become another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from goodseed.provenance.diff.files import Place, described
from goodseed.provenance.diff.values import known_value, mappings, shown

NAME = "input_file"
"""What a difference in a file's contents is called."""

Entry = Mapping[str, Any]


class InputFiles:
    """The files that each record's graph loads, by node and input; older records say nothing of them."""

    def __init__(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
        self.a, self.b = _by_place(a), _by_place(b)

    def pairs(self, a: Place, b: Place) -> Iterator[tuple[Entry, Entry]]:
        """Yield the files to compare of two inputs whose hashes are both known: the only ones, or those of one name."""
        first, second = self.a.get(a, []), self.b.get(b, [])
        if len(first) == len(second) == 1:
            yield from _known([(first[0], second[0])])
        else:
            named = {_name(entry): entry for entry in second}
            yield from _known([(entry, named[_name(entry)]) for entry in first if _name(entry) in named])

    def are_known(self, a: Place, b: Place) -> bool:
        """Say whether each of two inputs names one file, with known contents: then its name says nothing more."""
        return len(self.a.get(a, [])) == len(self.b.get(b, [])) == len(list(self.pairs(a, b))) == 1


def hash_of(entry: Entry) -> str:
    """Return the hash of a file's contents, or nothing."""
    return str(known_value(entry, "sha256")[0] or "")


def shown_file(entry: Entry) -> str:
    """Return a file with the start of its hash."""
    return described(entry, name_of(entry))


def name_of(entry: Entry) -> str:
    """Return a file as ComfyUI writes it: with its folder, unless that is the input folder."""
    file, folder = str(entry.get("file")), entry.get("folder")
    return file if folder == "input" else f"{file} [{folder}]"


def fix_of(entry: Entry) -> str:
    """Return what to do so that this file goes in."""
    return f"Put back the file that A used: {shown(name_of(entry), 120)} with sha256 {hash_of(entry)}."


def _known(pairs: list[tuple[Entry, Entry]]) -> Iterator[tuple[Entry, Entry]]:
    return (pair for pair in pairs if hash_of(pair[0]) and hash_of(pair[1]))


def _name(entry: Entry) -> tuple[str, str]:
    return str(entry.get("file")), str(entry.get("folder"))


def _by_place(record: Mapping[str, Any]) -> dict[Place, list[Entry]]:
    found: dict[Place, list[Entry]] = {}
    for entry in mappings(record.get("inputs")):
        found.setdefault((str(entry.get("node")), str(entry.get("input"))), []).append(entry)
    return found
