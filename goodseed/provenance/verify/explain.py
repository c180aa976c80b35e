"""Causes that only a run can name: the machine does not repeat itself, the file was edited, nothing was observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goodseed.provenance.read import Reading
from goodseed.provenance.verify.verdict import Outcome

Cause = dict[str, Any]


def unsteady(runs: int) -> Cause:
    """Return the cause of runs on one server that differ among themselves."""
    return _cause(
        "numerics",
        "server",
        f"{runs} runs of the same graph on this server differ from each other: its arithmetic is not deterministic, "
        "or a node draws noise that no seed sets",
        "put a Determinism Guard before the sampler, and read its report",
    )


def edited_since(reading: Reading, outcome: Outcome) -> Cause | None:
    """Return the cause of a file whose pixels are not those that its record was written for, or None."""
    record = reading.record or {}
    saved, found = record.get("pixels"), reading.pixels
    if not saved or not found or record.get("lossy") or saved["sha256"] == found["sha256"]:
        return None
    again = outcome.sha256 == saved["sha256"]
    return _cause(
        "post-process",
        "saved pixels",
        "the file was edited or converted after it was saved"
        + ("; the run gives the pixels that were saved, exactly" if again else ""),
        "compare with the file as it was saved",
        saved["sha256"],
        found["sha256"],
    )


def causes_without_records(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, repeatable: bool | None
) -> list[Cause]:
    """Return the one cause that can be named where the records name none: what nobody wrote down."""
    unwritten = [
        name
        for name, part in (("the models' hashes", "models"), ("the machine", "environment"), ("the stages", "runs"))
        if not _says(old, part)
    ]
    if unwritten:
        return [
            _cause(
                "host",
                "image",
                f"the image does not say {_listed(unwritten)}, so that what changed there cannot be told"
                + ("; the server repeats itself exactly" if repeatable else ""),
                "save with the Provenance Saver and a Determinism Guard, then runs can be compared stage by stage",
            )
        ]
    if not _says(new, "environment"):
        return [
            _cause(
                "host",
                "server",
                "the server has no Good Seed, so that its models and arithmetic cannot be compared with the record",
                "install Good Seed on the server and verify again",
            )
        ]
    return [
        _cause(
            "numerics",
            "server",
            "nothing that was recorded differs, and yet the pixels do",
            "verify with --repeat 2, which says whether the server repeats itself",
        )
    ]


def _says(record: Mapping[str, Any] | None, part: str) -> bool:
    """Say whether a record knows anything of a part."""
    value = (record or {}).get(part)
    if part == "models":
        return any(model["sha256"]["value"] for model in value or ()) if value else False
    return bool(value)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _cause(cause: str, where: str, why: str, fix: str, a: Any = None, b: Any = None) -> Cause:
    return {"cause": cause, "where": where, "a": a, "b": b, "why": why, "fix": fix}
