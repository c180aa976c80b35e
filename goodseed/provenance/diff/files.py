"""Model files of two records: the same weights, whatever the file is called; other weights, though the name is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from goodseed.provenance.diff.difference import Findings
from goodseed.provenance.diff.places import ADAPTER_ROLES
from goodseed.provenance.diff.values import known_value, mappings, same_path

Place = tuple[str, str]
"""A node's key and an input's name."""
_DIGITS = 12


class Files:
    """The files that each record names, by node and input; several where a text names embeddings."""

    def __init__(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
        self.a, self.b = _by_place(a), _by_place(b)

    def same(self, a: Place, b: Place) -> bool | None:
        """Say whether two inputs name files with the same weights; None where no hash tells."""
        first, second = self.a.get(a, []), self.b.get(b, [])
        if len(first) != 1 or len(second) != 1:
            return None
        return same_weights(first[0], second[0])

    def described_a(self, place: Place, name: str) -> str:
        """Return a file of the first record by name and hash."""
        return described(self.a.get(place, [{}])[0], name)

    def described_b(self, place: Place, name: str) -> str:
        """Return a file of the second record by name and hash."""
        return described(self.b.get(place, [{}])[0], name)

    def compare_others(self, x: str, y: str, name: str, found: Findings, enters: Iterable[str]) -> None:
        """Compare the files that a text of two counterparts names, such as embeddings in a prompt."""
        second = {_name(model): model for model in self.b.get((y, name), [])}
        for model in self.a.get((x, name), []):
            other = second.get(_name(model))
            if other is not None and same_weights(model, other) is False:
                cause = "adapter" if model.get("role") in ADAPTER_ROLES else "model"
                a, b = described(model, _name(model)), described(other, _name(other))
                found.add(cause, f"{name}: {_name(model)}", a, b, "file", enters)


def compare_lists(a: Mapping[str, Any], b: Mapping[str, Any], found: Findings, enters: Iterable[str]) -> None:
    """Compare the files of two records of which one has no recipe: those of the same role and name."""
    second = list(mappings(b.get("models")))
    for model in mappings(a.get("models")):
        for other in second:
            alike = model.get("role") == other.get("role") and same_path(_name(model), _name(other))
            if alike and same_weights(model, other) is False:
                cause = "adapter" if model.get("role") in ADAPTER_ROLES else "model"
                values = described(model, _name(model)), described(other, _name(other))
                found.add(cause, f"{model.get('role')}: {_name(model)}", *values, "file", enters)


def same_tensors(a: Mapping[str, Any], b: Mapping[str, Any], sha256_a: Any, sha256_b: Any) -> bool:
    """Say whether the files of two hashes, looked up among the files of each record, hold the same tensors."""
    first, second = (
        [model for model in mappings(record.get("models")) if known_value(model, "sha256")[0] == sha256]
        for record, sha256 in ((a, sha256_a), (b, sha256_b))
    )
    return bool(first and second) and same_weights(first[0], second[0]) is True


def same_weights(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool | None:
    """Say whether two files hold the same tensors; their headers may differ. None where no hash tells."""
    for hash_name in ("tensors_sha256", "sha256"):
        (first, first_known), (second, second_known) = (known_value(model, hash_name) for model in (a, b))
        if first_known and second_known and first and second:
            return bool(first == second)
    return None


def described(model: Mapping[str, Any], name: str) -> str:
    """Return a file's name with the start of its hash, as far as it is known."""
    value, _ = known_value(model, "sha256")
    return f"{name} (sha256 {str(value)[:_DIGITS]}…)" if value else name


def _by_place(record: Mapping[str, Any]) -> dict[Place, list[Mapping[str, Any]]]:
    found: dict[Place, list[Mapping[str, Any]]] = {}
    for model in mappings(record.get("models")):
        found.setdefault((str(model.get("node")), str(model.get("input"))), []).append(model)
    return found


def _name(model: Mapping[str, Any]) -> str:
    return str(model.get("name"))
