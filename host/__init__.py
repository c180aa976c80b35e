"""The only package that imports ComfyUI's modules."""
