"""How torch calculates at this moment: the flags that change the bits of a result."""

from __future__ import annotations

import os
from typing import Any

import torch

from goodseed.determinism import flags

_TF32 = ("high", "medium", "tf32")
"""Words for matrix products in less than float32, of torch's older setting and of its newer one."""


def numerics_now() -> dict[str, dict[str, Any]]:
    """Return `precision` and `deterministic`: torch's flags as they are now."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    set_to = flags.read()  # which can be read whichever of torch's settings was used
    convolutions = set_to["cudnn_allow_tf32"]
    return {
        "precision": {
            "float32_matmul_precision": set_to["float32_matmul_precision"],
            "matmul_allow_tf32": set_to["float32_matmul_precision"] in _TF32,
            "cudnn_allow_tf32": convolutions if isinstance(convolutions, bool) else convolutions in _TF32,
            "fp16_reduced_precision_reduction": bool(matmul.allow_fp16_reduced_precision_reduction),
            "bf16_reduced_precision_reduction": bool(matmul.allow_bf16_reduced_precision_reduction),
            "fp16_accumulation": bool(getattr(matmul, "allow_fp16_accumulation", False)),
        },
        "deterministic": {
            "algorithms": torch.are_deterministic_algorithms_enabled(),
            "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
            "cudnn_deterministic": bool(cudnn.deterministic),
            "cudnn_benchmark": bool(cudnn.benchmark),
            "cublas_workspace_config": os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        },
    }
