"""From a seed to noise."""

from goodseed.noise.cards import CARDS, DEFAULT_CARD, Card, card_named, cards_differ, same_on_every_card
from goodseed.noise.cuda import CudaGenerator
from goodseed.noise.spec import NoiseSpec, cpu_spec, cuda_spec, initial_noise, noise_fingerprint
from goodseed.noise.streams import NoiseStream, step_stream

__all__ = [
    "CARDS",
    "DEFAULT_CARD",
    "Card",
    "CudaGenerator",
    "NoiseSpec",
    "NoiseStream",
    "card_named",
    "cards_differ",
    "cpu_spec",
    "cuda_spec",
    "initial_noise",
    "noise_fingerprint",
    "same_on_every_card",
    "step_stream",
]
