"""Seeds as users write them: `0-1023`, `7`, `1,5,9-12`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from goodseed.errors import SeedError

MAX_SEED = 2**64 - 1
"""The largest seed that ComfyUI's samplers take."""

MAX_COUNT = 1_000_000
"""The most seeds that one study or one list may name."""

_PART = re.compile(r"^(\d{1,25})(?:-(\d{1,25}))?$")  # int() refuses thousands of digits with an error of its own


def check_seed(seed: int, where: str = "seed") -> int:
    """Return `seed` if it lies in 0…2^64−1.

    Raises:
        SeedError: otherwise.
    """
    if not 0 <= seed <= MAX_SEED:
        raise SeedError(f"{where}: {seed} is outside 0…{MAX_SEED}; use a seed that ComfyUI takes")
    return seed


def parse_seeds(text: str) -> list[int]:
    """Return the seeds named by `text`, in its order.

    Raises:
        SeedError: for anything that is no list of seeds, a seed named twice, or more than a million.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = _PART.match(part.strip())
        if match is None:
            raise SeedError(f"seeds: '{part.strip()[:40]}' is no seed and no range; write 0-1023 or 1,5,9-12")
        first = check_seed(int(match[1]), "seeds")
        last = check_seed(int(match[2]), "seeds") if match[2] else first
        if last < first:
            raise SeedError(f"seeds: the range {part.strip()} runs backwards; write {last}-{first}")
        if len(seeds) + last - first + 1 > MAX_COUNT:
            raise SeedError(f"seeds: more than {MAX_COUNT} seeds; split the study")
        seeds.extend(range(first, last + 1))
    if len(set(seeds)) != len(seeds):
        raise SeedError(f"seeds: seed {first_repeated(seeds)} is named twice; name each seed once")
    return seeds


def first_repeated(seeds: Sequence[int]) -> int:
    """Return the first seed that stands twice in `seeds`; the caller knows that there is one."""
    seen: set[int] = set()
    for seed in seeds:
        if seed in seen:
            return seed
        seen.add(seed)
    raise ValueError("no seed is repeated")


def format_seeds(seeds: Sequence[int]) -> str:
    """Return the shortest text from which `parse_seeds` gives `seeds` back."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
