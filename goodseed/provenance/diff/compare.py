"""Two records compared: every difference, the likeliest cause first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from goodseed.provenance.diff.causes import inferred, ranked
from goodseed.provenance.diff.difference import Difference, Findings
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
from goodseed.provenance.diff.stages import Stage, agreeing, compare_stages, is_same_image
from goodseed.provenance.diff.values import shown


@dataclass(frozen=True)
class Compared:
    """Two records compared; `recipes` are their graphs side by side, where both have one."""

    found: Findings
    stages: list[Stage]
    recipes: Recipes | None

    @property
    def image_same(self) -> bool | None:
        """Whether the saved pixels are the same; None where one of the two is unknown."""
        return is_same_image(self.stages)

    @property
    def same(self) -> bool:
        """Whether nothing differs, as far as anything is known."""
        return not self.found.differences and self.image_same is not False

    def as_dict(self) -> dict[str, Any]:
        """Return the answer of `diff`."""
        return {
            "same": self.same,
            "image_same": self.image_same,
            "causes": ranked(self.found.differences, self.stages),
            "stages": [stage.as_dict() for stage in self.stages],
            "notes": self.found.notes,
        }


def diff(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs between two sound records (`goodseed.provenance.record.check_record`).

    `same`: nothing that makes the image differs. `image_same`: the saved pixels are the same, or null where one of
    the two is unknown. `causes`: each with `cause` (one of `difference.CAUSES`), `where`, `a`, `b`, `why`, `fix`, what
    the stages say of it (`evidence`, `stage`, `distance`), and the input that it is (`place`), the likeliest first.
    `stages`: how the images go apart. `notes`: what differs without an effect on the image.
    """
    return compare(a, b).as_dict()


def compare(a: Mapping[str, Any], b: Mapping[str, Any], known: Iterable[Difference] = ()) -> Compared:
    """Compare two sound records; `known` are differences that something else than the records tells."""
    graph_a, graph_b = graph_of(a), graph_of(b)
    found, pairs, after_decoding, sample_alike = Findings(), {}, False, True
    recipes = Recipes(graph_a, graph_b, a, b) if graph_a is not None and graph_b is not None else None
    if recipes is not None:
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
    found.differences += known
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
    return Compared(found, stages, recipes)


def _leave_out_without_effect(found: Findings, same: Set[str], image_same: bool | None) -> None:
    """Note what was put in in another way, where the stages that it enters say that the same arrived."""
    arrived = [entry for entry in found.differences if entry.by_link and entry.enters <= same]
    held = [entry for entry in found.differences if entry.by_content and (image_same or entry.enters <= same)]
    found.differences = [entry for entry in found.differences if entry not in arrived and entry not in held]
    found.notes += [f"{entry.where} is typed in one and linked in the other; the same arrived" for entry in arrived]
    found.notes += [f"{entry.where} is another file in each; what was made of it is the same" for entry in held]
