"""What "Good Seed Makes a Good Crop" published of single seeds of Stable Diffusion 2.0, as a bank.

`python -m goodseed.banks.published_sd2 seedbanks/published-sd2.safetensors` writes the one that ships.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from goodseed.banks.format import Bank, make_bank, write_bank
from goodseed.banks.published_schema import KIND, published_seeds

INFO: dict[str, Any] = {
    "schema": 1,
    "design": {"kind": KIND},
    "model": {"name": "Stable Diffusion 2.0"},
    "published": {
        "source": "Xu, Zhang and Shi, Good Seed Makes a Good Crop, 2024",
        "unknown": [
            "the model's file and hash",
            "the noise spec (what turns a seed into noise)",
            "the prompts' texts",
            "intervals",
        ],
        "metrics": {
            "fid": {
                "about": "Fréchet distance (FID) of a seed's pictures of 10,000 prompts to real pictures",
                "direction": "lower",
                "figures": {
                    "469": {"value": 21.60, "place": 1, "of": 1024},
                    "696": {"value": 31.97, "place": 1024, "of": 1024},
                },
            }
        },
        "traits": {"border": {"about": "seeds that tend to draw a border around the picture", "seeds": [0, 50]}},
    },
    "metrics": {},
    "traits": {},
    "features": {},
    "reliability": {},
    "software": {},
}


def published_sd2() -> Bank:
    return make_bank({"seeds": np.array(published_seeds(INFO), np.int64)}, INFO, "published-sd2")


if __name__ == "__main__":
    write_bank(published_sd2(), sys.argv[1])
