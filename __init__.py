"""Good Seed's door to ComfyUI: provides the library, registers the nodes, the bank folders and the web folder."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension

from .host.library import provide_goodseed

WEB_DIRECTORY = "web"


async def comfy_entrypoint() -> ComfyExtension:
    """Return the extension; ComfyUI calls this once, when it starts."""
    provide_goodseed()
    from .nodes.extension import GoodSeedExtension

    return GoodSeedExtension()
