"""CUDA cards, by what decides where their normals land: how many threads one draw can use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from goodseed.errors import NoiseError

BLOCK = 256
"""Threads in a block of PyTorch's drawing kernels (ATen/native/cuda/DistributionTemplates.h)."""


@dataclass(frozen=True)
class Card:
    """A CUDA card: its multiprocessors, and the most threads that one of them holds."""

    name: str
    multiprocessors: int
    threads_per_multiprocessor: int

    @property
    def threads(self) -> int:
        """The most threads of one draw: 256 × the blocks that the card holds at once."""
        return self.multiprocessors * (self.threads_per_multiprocessor // BLOCK) * BLOCK

    def grid(self, numel: int) -> int:
        """Return the number of threads that draw `numel` numbers, a multiple of 256."""
        return min(self.threads, math.ceil(numel / BLOCK) * BLOCK)


_MULTIPROCESSORS = {
    # compute capability 6.0, 7.0, 8.0, 9.0, 10.0: 2048 threads a multiprocessor; so has 6.1
    2048: {
        "Tesla P100": 56, "GTX 1060 6GB": 10, "GTX 1070": 15, "GTX 1080": 20, "GTX 1080 Ti": 28,
        "V100": 80, "A30": 56, "A100": 108, "H100 PCIe": 114, "H100": 132, "H200": 132, "B200": 148,
    },
    # 7.5
    1024: {
        "GTX 1660": 22, "GTX 1660 Ti": 24, "RTX 2060": 30, "RTX 2060 Super": 34, "RTX 2070": 36, "RTX 2070 Super": 40,
        "RTX 2080": 46, "RTX 2080 Super": 48, "RTX 2080 Ti": 68, "Titan RTX": 72, "T4": 40,
    },
    # 8.6, 8.9, 12.0
    1536: {
        "RTX 3050": 20, "RTX 3060": 28, "RTX 3060 Ti": 38, "RTX 3070": 46, "RTX 3070 Ti": 48, "RTX 3080": 68,
        "RTX 3080 12GB": 70, "RTX 3080 Ti": 80, "RTX 3090": 82, "RTX 3090 Ti": 84, "RTX A4000": 48, "RTX A5000": 64,
        "RTX A6000": 84, "A10": 72, "A10G": 80, "A40": 84,
        "RTX 4060": 24, "RTX 4060 Ti": 34, "RTX 4070": 46, "RTX 4070 Super": 56, "RTX 4070 Ti": 60,
        "RTX 4070 Ti Super": 66, "RTX 4080": 76, "RTX 4080 Super": 80, "RTX 4090": 128, "RTX 6000 Ada": 142,
        "L4": 58, "L40S": 142,
        "RTX 5060": 30, "RTX 5060 Ti": 36, "RTX 5070": 48, "RTX 5070 Ti": 70, "RTX 5080": 84, "RTX 5090": 170,
        "RTX PRO 6000 Blackwell": 188,
    },
}  # fmt: skip

CARDS = {name: Card(name, count, each) for each, cards in _MULTIPROCESSORS.items() for name, count in cards.items()}
"""Common desktop and data-centre cards, by name."""

DEFAULT_CARD = CARDS["RTX 4090"]

SMALLEST_DRAW = min(card.threads for card in CARDS.values())
"""Draws of at most this many numbers are the same on every card known here: 20,480."""


def card_named(name: str) -> Card:
    """Return the card called `name`.

    Raises:
        NoiseError: for a card that is not in the table.
    """
    if name not in CARDS:
        raise NoiseError(f"card '{name[:60]}': is not known; choose one of {', '.join(sorted(CARDS))}")
    return CARDS[name]


def same_on_every_card(numel: int) -> bool:
    """Whether every card known here draws `numel` numbers alike.

    That holds up to 20,480 numbers: 4×64×64 is the same on every card, 4×96×96 (36,864) on all but a few small
    ones, 4×128×128 (65,536) on cards of 65,536 threads or more, such as every RTX 4070 and above.
    """
    return numel <= SMALLEST_DRAW


def cards_differ(shape: Sequence[int], a: Card, b: Card) -> bool:
    """Whether cards `a` and `b` give other numbers to a draw of `shape`, the batch included.

    Each thread writes its first number to its own place and the next ones a whole grid further on, so two cards agree
    where both have a thread for each number, or the same number of threads.
    """
    numel = math.prod(shape)
    return a.grid(numel) != b.grid(numel)
