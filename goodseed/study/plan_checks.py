"""What a plan is refused for before anything is generated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from goodseed.banks.schema import generator_problems
from goodseed.canonical import canonical_json
from goodseed.errors import StudyError
from goodseed.prompts import PromptSet
from goodseed.seeds import MAX_COUNT, check_seed, first_repeated


def check_sizes(seeds: Sequence[int], selection: PromptSet, held_out: PromptSet) -> None:
    """Raise StudyError for seeds that cannot be compared, sets that are too small, and a prompt in both."""
    for seed in seeds:
        check_seed(seed, "seeds")
    if not 2 <= len(seeds) <= MAX_COUNT:
        raise StudyError(f"seeds: {len(seeds)} cannot be compared; give 2 to {MAX_COUNT}")
    if len(set(seeds)) != len(seeds):
        raise StudyError(f"seeds: seed {first_repeated(seeds)} is named twice; name each seed once")
    for prompts, what in ((selection, "to select on"), (held_out, "held out")):
        if len(prompts) < 2:
            raise StudyError(f"prompts: {len(prompts)} {what} are too few; give at least 2 to each set (4 in one file)")
    both = set(selection.prompts) & set(held_out.prompts)
    if both:
        first = min(both)
        raise StudyError(f"prompts: '{first[:60]}' stands in both sets, which must differ; take it out of one of them")


def check_generator(info: Mapping[str, Any]) -> None:
    """Find what a bank of it would lack before anything is generated."""
    try:
        problem = next(generator_problems(json.loads(canonical_json(dict(info)))), "")
    except (TypeError, ValueError) as error:
        problem = f"it is no JSON ({error})"
    if problem:
        raise StudyError(f"generator: cannot be described in a bank; mend its describe(): {problem}")
