"""Records of images that a node chose among many: each has the run that made it, not that of its new place."""

from __future__ import annotations

from typing import Any

import pytest

from goodseed.provenance.recipe import recipe_of
from goodseed.provenance.selection import Place, runs_of_image

GRAPH = {
    "first": {"class_type": "KSampler", "inputs": {"seed": 1}},
    "paint": {"class_type": "KSampler", "inputs": {"seed": 1, "latent_image": ["first", 0]}},
    "filter": {"class_type": "Filter", "inputs": {"images": ["paint", 0]}},
    "refine": {"class_type": "KSampler", "inputs": {"seed": 1, "latent_image": ["filter", 0]}},
    "other": {"class_type": "Filter", "inputs": {"images": ["paint", 0]}},
    "again": {"class_type": "Filter", "inputs": {"images": ["filter", 2]}},
    "of kept": {"class_type": "Saver", "inputs": {"images": ["filter", 0], "name": ["filter", 6]}},
    "of rejected": {"class_type": "Saver", "inputs": {"images": ["filter", 2]}},
    "of refined": {"class_type": "Saver", "inputs": {"images": ["refine", 0]}},
    "of both": {"class_type": "Saver", "inputs": {"images": ["filter", 0], "more": ["filter", 2]}},
    "of two": {"class_type": "Saver", "inputs": {"images": ["filter", 0], "more": ["other", 0]}},
    "of again": {"class_type": "Saver", "inputs": {"images": ["again", 0]}},
}
KEPT, REJECTED = (1, 4), (0, 2, 3)


def run(number: int, node: str, list_index: int = 0, batch: int = 1) -> dict[str, Any]:
    return {"node": node, "number": number, "list_index": list_index, "batch_size": batch}


def selection(size: int) -> dict[int, list[Place]]:
    """Of five images the second and the last: a batch of five, or a list of five."""
    places = [Place(0, n, 5) if size == 5 else Place(n, 0, 1) for n in range(5)]
    return {0: [places[n] for n in KEPT], 2: [places[n] for n in REJECTED]}


LISTED = [run(0, "first"), *(run(1 + n, "paint", n) for n in range(5)), *(run(6 + n, "refine", n) for n in range(2))]
ALL = [(number, None) for number in range(6)]


@pytest.mark.parametrize(
    ("saver", "place", "expected"),
    [
        ("of kept", Place(0, 0, 1), [(0, 0), (2, 0)]),
        ("of kept", Place(1, 0, 1), [(0, 0), (5, 0)]),
        ("of kept", Place(0, 1, 2), [(0, 0), (5, 0)]),
        ("of kept", Place(0, 0, 3), ALL),
        ("of rejected", Place(2, 0, 1), [(0, 0), (4, 0)]),
        ("of refined", Place(1, 0, 1), [(0, 0), (5, 0), (7, 0)]),
        ("of both", Place(0, 0, 1), ALL),
        ("of two", Place(0, 0, 1), ALL),
        ("of again", Place(0, 0, 1), [(0, 0), (4, 0)]),
    ],
)
def test_an_image_has_the_runs_of_the_place_that_it_was_chosen_from(
    saver: str, place: Place, expected: list[tuple[int, int | None]]
) -> None:
    recipe = recipe_of(GRAPH, saver)
    runs = [one for one in LISTED if one["node"] in recipe["nodes"]]
    seen = {"filter": selection(1), "other": selection(1), "again": {0: [Place(2, 0, 1)]}}
    found = runs_of_image(recipe, runs, {key: seen[key] for key in seen if key in recipe["nodes"]}, place)
    assert [(one["number"], one["item"]) for one in found] == expected


def test_an_image_chosen_from_a_batch_is_its_item() -> None:
    recipe = recipe_of(GRAPH, "of kept")
    runs = [run(0, "first", batch=5), run(1, "paint", batch=5)]
    found = runs_of_image(recipe, runs, {"filter": selection(5)}, Place(1, 0, 1))
    assert [(one["number"], one["item"]) for one in found] == [(0, 4), (1, 4)]


def test_without_a_selection_the_place_stays() -> None:
    recipe = recipe_of(GRAPH, "of kept")
    found = runs_of_image(recipe, LISTED[:6], {}, Place(3, 0, 1))
    assert [(one["number"], one["item"]) for one in found] == [(0, 0), (4, 0)]
