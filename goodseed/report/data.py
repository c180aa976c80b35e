"""What the report shows of a bank: orders of its seeds, gathered once, from tensors that may be missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from goodseed.banks.format import Bank

SETS = ("selection", "held_out")
_PREPOSITIONS = frozenset(
    ["on", "under", "in", "with", "at", "by", "from", "over", "near", "beside", "behind", "against", "and"]
)


def section(info: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return the mapping at `keys` of a bank's info, empty where there is none."""
    here: Any = info
    for key in keys:
        here = here.get(key) if isinstance(here, Mapping) else None
    return dict(here) if isinstance(here, Mapping) else {}


def texts(bank: Bank, which: str) -> list[str]:
    """Return the prompts of one set (`selection` or `held_out`), in their order."""
    found = section(bank.info, "prompts", which).get("texts")
    return [str(text) for text in found] if isinstance(found, list | tuple) else []


def feature_prompts(bank: Bank, feature: str, which: str) -> list[str]:
    """Return the prompts of one set that a feature was measured on: all, or after a race the first ones."""
    about = section(bank.info, "features", feature)
    count = about.get("prompts" if which == "selection" else "held_out_prompts")
    found = texts(bank, which)
    return found[:count] if isinstance(count, int) else found


def shown_prompts(bank: Bank, count: int) -> tuple[list[str], str]:
    """Return `count` prompts to show pictures of, evenly spread, and the name of their set.

    Held-out prompts come first: no seed was chosen on them.
    """
    for which in reversed(SETS):
        if found := texts(bank, which):
            return [found[i] for i in spread(len(found), count)], which
    return [], ""


def spread(total: int, count: int) -> list[int]:
    """Return at most `count` positions, evenly spread over 0…total−1."""
    if total <= 0 or count <= 0:
        return []
    return sorted({round(i) for i in np.linspace(0, total - 1, min(total, count))})


@dataclass(frozen=True)
class Metric:
    """One metric of a bank: means by seed, float64 [S], on the selection set and, where measured, the held-out set."""

    name: str
    direction: str
    about: str
    selection: np.ndarray
    held_out: np.ndarray | None

    @property
    def better(self) -> str:
        return "higher is better" if self.direction == "higher" else "lower is better"

    def order(self) -> np.ndarray:
        """Return the seeds' positions from best to worst on the selection set; ties by position."""
        return _order(self.selection, self.direction)

    def ranks(self, held_out: bool = False) -> np.ndarray | None:
        """Return each seed's place in the order, 1 the best: int [S]."""
        values = self.held_out if held_out else self.selection
        if values is None:
            return None
        ranks = np.empty(len(values), dtype=np.int64)
        ranks[_order(values, self.direction)] = np.arange(1, len(values) + 1)
        return ranks


def metrics_of(bank: Bank) -> list[Metric]:
    """Return the metrics that say a direction and have a selection mean."""
    found = []
    for name, entry in section(bank.info, "metrics").items():
        direction = str(entry.get("direction", "")) if isinstance(entry, Mapping) else ""
        selection = bank.tensors.get(f"metric.{name}.mean")
        if direction not in ("higher", "lower") or selection is None:
            continue
        held_out = bank.tensors.get(f"heldout.{name}.mean")
        found.append(
            Metric(
                name,
                direction,
                str(entry.get("about", "")),
                np.asarray(selection, dtype=np.float64),
                None if held_out is None else np.asarray(held_out, dtype=np.float64),
            )
        )
    return found


def single_image_spread(bank: Bank, metric: str) -> float | None:
    """Return the standard deviation of one image's value around its prompt's mean, on the held-out prompts.

    None for metrics that are one number a seed. Taken from each seed's mean, stderr and n.
    """
    parts = [bank.tensors.get(f"heldout.{metric}.{part}") for part in ("mean", "stderr", "n")]
    if section(bank.info, "metrics", metric).get("per") != "image" or any(part is None for part in parts):
        return None
    mean, stderr, n = (np.asarray(part, dtype=np.float64) for part in parts)
    variance = float((stderr**2 * n).mean() + max(0.0, mean.var() - (stderr**2).mean()))
    return math.sqrt(variance) if variance > 0 else None


def wins_in_hundred(gain: float, spread_of_one: float) -> float:
    """Return how often of 100 times an image with this gain beats one without: both normal, of one spread."""
    return 50 * (1 + math.erf(gain / (2 * spread_of_one)))


def best_and_worst(bank: Bank, count: int = 3) -> tuple[list[int], list[int]]:
    """Return positions of the best and the worst seeds (worst last) by summed rank over all metrics.

    Ranks are of the selection set alone. Both lists are shorter where there are few seeds, and never overlap.
    """
    from goodseed.banks.golden import golden_positions

    if not metrics_of(bank):
        return [], []
    order = [int(position) for position in golden_positions(bank, "rank-sum")]
    count = min(count, len(order) // 2)
    return order[:count], order[len(order) - count :]


def random_positions(bank: Bank) -> list[int]:
    """Return the random set of at most four seeds that diverse sets stand beside; none of too few seeds."""
    size = min(4, len(bank.seeds) - 1)
    if size < 2:
        return []
    return [int(position) for position in np.random.default_rng(0).choice(len(bank.seeds), size, replace=False)]


def diverse_positions(bank: Bank, feature: str) -> list[int]:
    """Return as many seeds as differ most in a feature, from the first of the random set on; none without either."""
    from goodseed.banks import farthest_point_sampling

    table, random = bank.tensors.get(f"feature.{feature}"), random_positions(bank)
    return [] if table is None or not random else farthest_point_sampling(table, len(random), random[0])


@dataclass(frozen=True)
class Trait:
    """One trait: the share of each seed's images that have it, float64 [S]."""

    name: str
    about: str
    shares: np.ndarray

    def strongest(self, count: int) -> list[int]:
        """Return positions of the seeds with the largest share, those without the trait left out; ties by position."""
        return [int(i) for i in np.argsort(-self.shares, kind="stable")[:count] if self.shares[i] > 0]


def traits_of(bank: Bank) -> list[Trait]:
    """Return the traits, those whose strongest seed stands out most first."""
    found = [
        Trait(name, str(section(bank.info, "traits", name).get("about", "")), np.asarray(values, dtype=np.float64))
        for name in section(bank.info, "traits")
        if (values := bank.tensors.get(f"trait.{name}")) is not None
    ]
    return sorted(found, key=lambda trait: float(np.mean(trait.shares) - np.max(trait.shares)))


def objects_of(prompts: Sequence[str]) -> dict[str, list[int]]:
    """Group prompts by what they show: the word before the first preposition, else the last word.

    Where every group has one prompt, the prompts themselves are the names.
    """
    groups: dict[str, list[int]] = {}
    for index, prompt in enumerate(prompts):
        groups.setdefault(_object_of(prompt), []).append(index)
    if all(len(members) == 1 for members in groups.values()):
        return {prompt: [index] for index, prompt in enumerate(prompts)}
    return groups


def _object_of(prompt: str) -> str:
    words = [word.strip(".,;:!?\"'()") for word in prompt.lower().split(",")[0].split()]
    for index, word in enumerate(words):
        if word in _PREPOSITIONS and index > 0:
            return words[index - 1]
    return words[-1] if words else prompt


def _order(values: np.ndarray, direction: str) -> np.ndarray:
    return np.argsort(-values if direction == "higher" else values, kind="stable")
