"""The graph that ComfyUI is running, by its prompt id."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from comfy_execution.utils import get_executing_context
from server import PromptServer

Prompt = Mapping[str, Any]

_KEPT = 4
_lock = threading.Lock()
_prompts: OrderedDict[str, Prompt] = OrderedDict()


def running_prompt(prompt_id: str) -> Prompt:
    """Return a running prompt in API format, as GET /queue shows it; without a server, an empty one."""
    with _lock:
        if prompt_id in _prompts:
            return _prompts[prompt_id]
    server = getattr(PromptServer, "instance", None)
    running = server.prompt_queue.get_current_queue_volatile()[0] if server is not None else []
    prompt: Prompt = next((entry[2] for entry in running if entry[1] == prompt_id), {})
    with _lock:
        _prompts[prompt_id] = prompt
        while len(_prompts) > _KEPT:
            _prompts.popitem(last=False)
    return prompt


def current_place() -> tuple[str, str, int | None] | None:
    """Return prompt id, node id and place in the list of the node that is running; None outside of a node."""
    context = get_executing_context()
    return (context.prompt_id, context.node_id, context.list_index) if context is not None else None
