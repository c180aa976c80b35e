"""Which image an image was before a node chose among many: its runs are those of its place there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from goodseed.provenance.build import Run, runs_of_item
from goodseed.provenance.recipe import Recipe, above, links_of


@dataclass(frozen=True)
class Place:
    """An image's place: of the list that a node ran over, and of the batch there, with the batch's size."""

    list_index: int
    index: int
    size: int


Selection = Mapping[int, Sequence[Place]]
"""What a node that chooses among images gave: for each output slot, the places that its images came from, in order."""


def runs_of_image(recipe: Recipe, runs: Iterable[Run], selections: Mapping[str, Selection], place: Place) -> list[Run]:
    """Return the runs that the image at a place of the saver depends on, as `runs_of_item` does.

    `selections` are those of the recipe's nodes. Above such a node the image has the place that it was chosen from;
    where that is not known, all runs there are kept, with `item` null.
    """
    left, start = list(runs), recipe["saver"]
    chosen: list[Run] = []
    where: Place | None = place
    while where is not None and (nearest := _nearest(recipe, start, selections)):
        upstream = set().union(*(above(recipe, key) for key in nearest))
        chosen += _at(where, [run for run in left if run["node"] not in upstream])
        left = [run for run in left if run["node"] in upstream]
        start, slots = next(iter(nearest.items()))
        where = _came_from(selections[start], slots, where) if len(nearest) == 1 else None
    chosen += _at(where, left) if where is not None else [{**run, "item": None} for run in left]
    return sorted(chosen, key=lambda run: run["number"])


def _at(place: Place, runs: list[Run]) -> list[Run]:
    return runs_of_item(runs, place.list_index, place.index, place.size)


def _nearest(recipe: Recipe, start: str, selections: Mapping[str, Selection]) -> dict[str, set[int]]:
    """Return the first choosing nodes above `start`, each with the slots of its images that are used."""
    found: dict[str, set[int]] = {}
    seen, waiting = {start}, [start]
    while waiting:
        for source, slot in links_of(recipe["nodes"][waiting.pop()]).values():
            if slot in selections.get(source, ()):
                found.setdefault(source, set()).add(slot)
            elif source not in selections and source in recipe["nodes"] and source not in seen:
                seen.add(source)
                waiting.append(source)
    return found


def _came_from(selection: Selection, slots: set[int], place: Place) -> Place | None:
    """Return where the image at a place below a choosing node was above it; None where that cannot be told.

    Its images come as a list, one each, or, made one batch again, all together.
    """
    if len(slots) != 1:
        return None
    places = selection[next(iter(slots))]
    if place.size == 1 and place.list_index < len(places):
        return places[place.list_index]
    if place.list_index == 0 and place.size == len(places):
        return places[place.index]
    return None
