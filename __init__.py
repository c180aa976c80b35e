"""Good Seed's door to ComfyUI: provides the library, registers nodes, bank folders, the web folder and routes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension

from .host.library import provide_goodseed

WEB_DIRECTORY = "web"


async def comfy_entrypoint() -> ComfyExtension:
    """Return the extension; ComfyUI calls this once, when it starts."""
    provide_goodseed()
    from .nodes.extension import GoodSeedExtension

    return GoodSeedExtension()
