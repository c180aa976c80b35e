"""What nodes show on themselves: pictures from the temporary folder, and texts that come after a node has run.

A node's text goes out with its output, as `ui: {"text": [...]}`. What is known only later, while a sampler further down
runs, goes out by an event of the pack's own; web/nodes/reports.js shows both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from comfy_api.latest import io, ui
from server import PromptServer

EVENT = "goodseed.report"
MOST_SHOWN = 64
"""Of pictures on one node."""


def show_pictures(pictures: Sequence[npt.NDArray[np.uint8]], prefix: str) -> list[Any]:
    """Write pictures uint8 [H, W, 3] into the temporary folder and return what the front end needs to show them."""
    tensors = [torch.from_numpy(np.ascontiguousarray(picture)).float() / 255 for picture in pictures[:MOST_SHOWN]]
    return ui.ImageSaveHelper.save_images(tensors, prefix, io.FolderType.temp, None) if tensors else []


def tell_node(text: str, node: str | None) -> None:
    """Add a text to those on a node of the running graph, where a front end is there to show it."""
    server = PromptServer.instance
    if node is not None and server.client_id is not None:
        server.send_sync(EVENT, {"node": node, "text": text}, server.client_id)
