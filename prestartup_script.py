"""Runs before ComfyUI imports torch.

cuBLAS reads CUBLAS_WORKSPACE_CONFIG once, when it is first used; without it torch refuses deterministic
matrix products on a GPU. A value that the user has set stays.
"""

import os

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
