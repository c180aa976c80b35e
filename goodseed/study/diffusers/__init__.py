"""A study's generator on a pipeline of diffusers: found, described, loaded and run."""
