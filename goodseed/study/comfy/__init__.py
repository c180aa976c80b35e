"""A study's images from running ComfyUI servers: any workflow in API format, a seed and a prompt at a time."""
