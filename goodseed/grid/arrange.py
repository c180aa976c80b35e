"""Which picture goes where: by labels such as `row | column`, or one after the other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from goodseed.errors import GridError

BAR = "|"
"""Parts a row's label from a column's."""


@dataclass(frozen=True)
class Arrangement:
    """The place (row, column) of each picture, the rows' and columns' headings, and each picture's own caption.

    Rows and columns without headings have empty ones, as pictures without captions have.
    """

    places: tuple[tuple[int, int], ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    captions: tuple[str, ...]


def arrange(labels: Sequence[str], columns: int = 0) -> Arrangement:
    """Return where pictures with these labels go.

    Where every label reads `row | column` and `columns` is 0, the labels make the table, rows and columns in the order
    in which they first come; where two pictures have the same label, the second goes to a further row of that name. In
    all other cases the pictures follow each other, `columns` a row (0: about as many as there are rows), each with
    its label below.

    Raises:
        GridError: for no picture.
    """
    if not labels:
        raise GridError("grid: there is no image to show; connect images")
    parted = [_parts(label) for label in labels]
    if columns == 0 and all(row and column for row, column in parted):
        return _table(parted)
    across = min(columns or math.ceil(math.sqrt(len(labels))), len(labels))
    down = math.ceil(len(labels) / across)
    places = tuple(divmod(place, across) for place in range(len(labels)))
    return Arrangement(places, ("",) * down, ("",) * across, tuple(" ".join(label.split()) for label in labels))


def labels_of(texts: Sequence[str], batches: Sequence[int]) -> list[str]:
    """Return a label for each image of batches of these lengths.

    `texts` has one label an image, or one a batch, for all images of it; a single text has one a line. Without any
    text every label is empty.

    Raises:
        GridError: when there are as many labels neither as images nor as batches.
    """
    images = sum(batches)
    labels = list(texts)
    if len(labels) == 1 and images > 1:
        labels = labels[0].strip().splitlines() or labels
    if not any(label.strip() for label in labels):
        return [""] * images
    if len(labels) == images:
        return labels
    if len(labels) == len(batches):
        return [label for label, count in zip(labels, batches, strict=True) for _ in range(count)]
    raise GridError(f"labels: {len(labels)} for {images} images; give one for each")


def _parts(label: str) -> tuple[str, str]:
    row, bar, column = label.partition(BAR)
    return (" ".join(row.split()), " ".join(column.split())) if bar else ("", "")


def _table(labels: Sequence[tuple[str, str]]) -> Arrangement:
    seen: Counter[tuple[str, str]] = Counter()
    cells: list[tuple[tuple[str, int], str]] = []
    for row, column in labels:
        cells.append(((row, seen[row, column]), column))
        seen[row, column] += 1
    names = list(dict.fromkeys(row for row, _ in labels))
    kept = {row for row, _ in cells}
    turns = max(turn for _, turn in kept) + 1
    rows = [(name, turn) for name in names for turn in range(turns) if (name, turn) in kept]
    columns = list(dict.fromkeys(column for _, column in labels))
    row_of, column_of = ({key: place for place, key in enumerate(keys)} for keys in (rows, columns))
    places = tuple((row_of[row], column_of[column]) for row, column in cells)
    return Arrangement(places, tuple(name for name, _ in rows), tuple(columns), ("",) * len(labels))
