"""Two records compared: every difference, the likeliest cause first."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from goodseed.provenance.diff.causes import inferred, ranked
from goodseed.provenance.diff.difference import Findings
from goodseed.provenance.diff.host_changes import compare_hosts
from goodseed.provenance.diff.nodes import Recipes
from goodseed.provenance.diff.resolve import PICTURE_SETTINGS, graph_of
from goodseed.provenance.diff.runs import (
    compare_batches,
    compare_machines,
    compare_runs,
    compare_tuples,
    compare_without_recipe,
    pair_runs,
)
from goodseed.provenance.diff.stages import agreeing, compare_stages, is_same_image
from goodseed.provenance.diff.values import shown


def diff(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs between two sound records (`goodseed.provenance.record.check_record`).

    `same`: nothing that makes the image differs. `image_same`: the saved pixels are the same, or null where one of
    the two is unknown. `causes`: each with `cause` (one of `difference.CAUSES`), `where`, `a`, `b`, `why`, `fix`, and
    what the stages say of it (`evidence`, `stage`, `distance`), the likeliest first. `stages`: how the images go apart.
    `notes`: what differs without an effect on the image.
    """
    graph_a, graph_b = graph_of(a), graph_of(b)
    found, pairs, after_decoding, sample_alike = Findings(), {}, False, True
    if graph_a is not None and graph_b is not None:
        recipes = Recipes(graph_a, graph_b, a, b)
        found, pairs, sample_alike = recipes.compare(), recipes.matching.pairs, recipes.sample_alike
        after_decoding = any(
            places.is_after_decoding(key) and key != places.graph.saver
            for places in (recipes.places_a, recipes.places_b)
            for key in places.graph.nodes
        )
    else:
        compare_without_recipe(a, b, found)
    runs = pair_runs(a, b, pairs)
    compare_runs(runs, found)
    compare_batches(a, b, found)
    if sample_alike:
        compare_tuples(a, b, found)
    encoded_alike = not any(found.has(name=name) for name in PICTURE_SETTINGS)
    stages = compare_stages(a, b, runs, encoded_alike)
    image_same = is_same_image(stages)
    _leave_out_without_effect(found, agreeing(stages), image_same)
    machine = Findings()
    compare_machines(a, b, machine)
    compare_hosts(a, b, runs, machine)
    if image_same and not found.differences:
        found.notes += [f"{entry.where}: {shown(entry.a)} and {shown(entry.b)}" for entry in machine.differences]
    else:
        found.differences += machine.differences
        found.differences += inferred(found.differences, stages, after_decoding)
    return {
        "same": not found.differences,
        "image_same": image_same,
        "causes": ranked(found.differences, stages),
        "stages": [stage.as_dict() for stage in stages],
        "notes": found.notes,
    }


def _leave_out_without_effect(found: Findings, same: Set[str], image_same: bool | None) -> None:
    """Note what was put in in another way, where the stages that it enters say that the same arrived."""
    arrived = [entry for entry in found.differences if entry.by_link and entry.enters <= same]
    held = [entry for entry in found.differences if entry.by_content and (image_same or entry.enters <= same)]
    found.differences = [entry for entry in found.differences if entry not in arrived and entry not in held]
    found.notes += [f"{entry.where} is typed in one and linked in the other; the same arrived" for entry in arrived]
    found.notes += [f"{entry.where} is another file in each; what was made of it is the same" for entry in held]
