"""Good Seed: measure what a seed does to a diffusion model, and choose seeds by it."""

__version__ = "0.1.0"
