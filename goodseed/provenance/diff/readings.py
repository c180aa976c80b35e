"""Two images compared by all that was read of them: their records, and the pixels that the files truly hold."""

from __future__ import annotations

from typing import Any

from goodseed.provenance.diff.compare import Compared, compare
from goodseed.provenance.diff.difference import EDITED, Difference, Findings
from goodseed.provenance.diff.places import PIXELS
from goodseed.provenance.diff.stages import Stage
from goodseed.provenance.read import Reading


def compare_readings(a: Reading, b: Reading) -> Compared:
    """Compare two images; where one says nothing of how it was made, their pixels alone.

    A file that was edited or converted since it was saved is a difference, whatever its record says.
    """
    if a.record is None or b.record is None:
        return _pixels_alone(a, b)
    known: list[Difference] = []
    records: list[dict[str, Any]] = []
    for side, reading in (("A", a), ("B", b)):
        record = dict(reading.record or {})
        if is_edited(reading):
            known.append(_edited(side, reading))
            record["pixels"] = reading.pixels
        records.append(record)
    return compare(records[0], records[1], known)


def is_edited(reading: Reading) -> bool:
    """Say whether the pixels are not those that the record was written for; formats that change pixels never say."""
    record = reading.record or {}
    saved, found = record.get("pixels"), reading.pixels
    return bool(saved and found and not record.get("lossy") and saved["sha256"] != found["sha256"])


def _edited(side: str, reading: Reading) -> Difference:
    saved, found = (reading.record or {})["pixels"]["sha256"], (reading.pixels or {})["sha256"]
    values = (saved, found) if side == "B" else (found, saved)
    return Difference(
        "post-process",
        f"the file of {side}",
        *values,
        EDITED,
        frozenset({PIXELS}),
        fix=f"Compare with the file of {side} as it was saved.",
    )


def _pixels_alone(a: Reading, b: Reading) -> Compared:
    silent = [side for side, reading in (("A", a), ("B", b)) if reading.record is None]
    said = "A and B say" if len(silent) > 1 else f"{silent[0]} says"
    found = Findings(notes=[f"{said} nothing of how the picture was made: only the pixels were compared."])
    same = a.pixels == b.pixels if a.pixels is not None and b.pixels is not None else None
    return Compared(found, [Stage(PIXELS, None, same, None)], None)
