"""What ComfyUI knows of a model and a latent, held against what a bank was measured on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.sample
from comfy.model_patcher import ModelPatcher

_IDENTITY = "goodseed.identity"


def attach_identity(model: ModelPatcher, identity: Mapping[str, str]) -> None:
    """Remember which weights a MODEL has; clones of it remember too."""
    model.set_attachments(_IDENTITY, dict(identity))


def identity_of(model: ModelPatcher) -> Mapping[str, str] | None:
    """Return the identity attached to a MODEL; ComfyUI's own loaders attach none."""
    identity: Mapping[str, str] | None = model.get_attachment(_IDENTITY)
    return identity
