"""Seed banks: the format, and choosing seeds from one."""

from goodseed.banks.choice import Choice
from goodseed.banks.diverse import diverse, farthest_point_sampling
from goodseed.banks.evidence import similarity
from goodseed.banks.format import Bank, check_bank, make_bank, read_bank, write_bank
from goodseed.banks.golden import pick
from goodseed.banks.library import find_banks, resolve_bank
from goodseed.banks.match import mismatches

__all__ = [
    "Bank",
    "Choice",
    "check_bank",
    "diverse",
    "farthest_point_sampling",
    "find_banks",
    "make_bank",
    "mismatches",
    "pick",
    "read_bank",
    "resolve_bank",
    "similarity",
    "write_bank",
]
