"""Files in ComfyUI's input, output and temporary folder, as the inputs of a graph name them: `sub/pic.png [output]`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from goodseed.provenance.recipe import link_of, links_of, literal_of, texts_in

FOLDERS = ("input", "output", "temp")
PICTURES = (".png", ".webp", ".jpg", ".jpeg", ".avif", ".gif", ".bmp", ".tif", ".tiff")
_MEDIA = (*PICTURES, ".mp4", ".webm", ".mkv", ".mov", ".wav", ".mp3", ".flac", ".ogg", ".glb", ".obj", ".latent")
_LONGEST = 1024


class Named(NamedTuple):
    """A text of a node's input that may name a file, and whether it surely does, be the file there or not."""

    node: str
    input: str
    text: str
    sure: bool


def file_and_folder(text: str) -> tuple[str, str]:
    """Return the file and the folder that ComfyUI means by a text (folder_paths.annotated_filepath)."""
    for folder in FOLDERS:
        if text.endswith(f"[{folder}]"):
            return text[: -len(folder) - 3], folder  # with the blank before it, or whatever stands there
    return text, FOLDERS[0]


def named_files(nodes: Mapping[str, Any]) -> Iterator[Named]:
    """Yield the texts in literal inputs of a recipe's nodes that may name a file of ComfyUI's folders."""
    for key, node in nodes.items():
        loads = not links_of(node)
        for name, value in node["inputs"].items():
            for text in texts_in(literal_of(value)) if link_of(value) is None else ():
                file = file_and_folder(text)[0]
                if 0 < len(text) <= _LONGEST and text.isprintable() and os.path.splitext(file)[1]:
                    yield Named(key, name, text, file != text or (loads and file.lower().endswith(_MEDIA)))
