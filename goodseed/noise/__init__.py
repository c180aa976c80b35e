"""From a seed to the initial noise."""

from goodseed.noise.spec import NoiseSpec, initial_noise, noise_fingerprint

__all__ = ["NoiseSpec", "initial_noise", "noise_fingerprint"]
