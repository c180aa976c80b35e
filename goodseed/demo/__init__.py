"""A miniature Stable Diffusion: scenes drawn by a program, a VAE, a text encoder, a denoiser and a judge."""
