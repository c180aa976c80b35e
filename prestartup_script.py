"""Runs before ComfyUI imports torch.

cuBLAS reads CUBLAS_WORKSPACE_CONFIG once, when it is first used; without it torch refuses deterministic
matrix products on a GPU. A value that the user has set stays. Where another pack has started CUDA before,
the variable comes too late, and Determinism Guard says so.
"""

import os
import sys

if "CUBLAS_WORKSPACE_CONFIG" not in os.environ:
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        os.environ["GOODSEED_CUBLAS_TOO_LATE"] = "1"
