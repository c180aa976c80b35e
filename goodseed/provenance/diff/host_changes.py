"""Known changes of ComfyUI between versions after which the same graph gives another image.

The table beside this file is made by benchmarks/host_changes.py, which runs every sampler on two versions.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from goodseed.provenance.diff.difference import Findings
from goodseed.provenance.diff.places import ALL_STAGES
from goodseed.provenance.diff.runs import RunPair
from goodseed.provenance.diff.values import known_value, mappings

TABLE = Path(__file__).with_name("host_changes.json")

Change = Mapping[str, Any]
Version = tuple[int, ...]


@functools.cache
def load_table() -> dict[str, Any]:
    """Return the table: `measured` (which versions, how), `changes`, `samplers` (distances by condition)."""
    table: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return table


def parse_version(text: Any) -> Version | None:
    """Return the numbers of a version such as 0.3.64 or v0.3.64-5-gabc123, or None for what is none."""
    found = re.match(r"v?(\d{1,9}(?:\.\d{1,9}){1,3})", text) if isinstance(text, str) else None
    return tuple(int(number) for number in found[1].split(".")) if found else None


def changes_between(a: str, b: str) -> list[Change] | None:
    """Return the known changes that one of two versions has and the other has not; None for what is no version."""
    versions = parse_version(a), parse_version(b)
    if versions[0] is None or versions[1] is None:
        return None
    low, high = sorted(version for version in versions if version is not None)
    return [change for change in load_table()["changes"] if low < (parse_version(change["since"]) or ()) <= high]


def touches(change: Change, run: Mapping[str, Any]) -> bool | None:
    """Say whether a change alters a run's image; None where the record does not say enough."""
    verdicts = [
        _holds(change.get("samplers"), known_value(run, "sampler")[0]),
        _holds(change.get("devices"), _device(run)),
        _holds(change.get("latents"), _latent_dtype(run)),
    ]
    if change.get("last_sigma") == "not zero":
        sigmas = run.get("sigmas")
        verdicts.append(bool(sigmas[-1]) if isinstance(sigmas, list) and sigmas else None)
    return False if False in verdicts else None if None in verdicts else True


def compare_hosts(a: Mapping[str, Any], b: Mapping[str, Any], pairs: Iterable[RunPair], found: Findings) -> None:
    """Add that two images come from two versions of ComfyUI, with the known changes that touch their runs."""
    (first, first_known), (second, second_known) = (
        known_value(record.get("environment"), "comfyui") for record in (a, b)
    )
    if not (first_known and second_known) or first == second:
        return
    changes = changes_between(first, second)
    runs = [run for pair in pairs for run in pair] or [_as_run(record) for record in (a, b)]
    sure = [change for change in changes or () if any(touches(change, run) for run in runs)]
    maybe = [change for change in changes or () if change not in sure and any(touches(change, r) is None for r in runs)]
    for change in sure:
        detail = _cited(change)
        found.add("host", "ComfyUI", first, second, change["id"], {change["stage"]}, detail=detail)
    if sure:
        return
    if maybe:
        detail = f"it may be that {_cited(maybe[0])}"
    elif changes is not None and _measured(first, second):
        detail = "no change that is known between the two touches this sampler, device and latent"
    else:
        detail = "which of its changes matter here has not been measured"
    found.add("host", "ComfyUI", first, second, "comfyui", ALL_STAGES, detail=detail, certain=False)


def _cited(change: Change) -> str:
    return f"{change['what']}, since {change['since']} ({'; '.join(change['cite'])})"


def _measured(a: str, b: str) -> bool:
    """Say whether two versions lie within the range of the table."""
    measured = load_table()["measured"]
    low, high = parse_version(measured["old"]), parse_version(measured["new"])
    return all(low is not None and high is not None and low <= (parse_version(v) or ()) <= high for v in (a, b))


def _holds(wanted: Any, value: Any) -> bool | None:
    """Say whether a condition holds: true where there is none, None where the value is unknown."""
    if wanted is None:
        return True
    return None if value is None else value in wanted


def _device(run: Mapping[str, Any]) -> str | None:
    device = run.get("device")
    return device.partition(":")[0] if isinstance(device, str) else None


def _latent_dtype(run: Mapping[str, Any]) -> Any:
    stages = run.get("stages")
    noise = stages.get("initial_noise") if isinstance(stages, Mapping) else None
    return noise.get("dtype") if isinstance(noise, Mapping) else None


def _as_run(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the tuple says, for records without runs."""
    runs = list(mappings(record.get("runs")))
    values = record.get("tuple")
    return runs[-1] if runs else values if isinstance(values, Mapping) else {}
