"""The packages that read text, in a folder of their own: no ComfyUI's environment is changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.host.comfyui import python_of

PACKAGES = (
    "rapidocr>=3.10,<4", "onnxruntime", "opencv-python-headless", "omegaconf", "antlr4-python3-runtime", "pyclipper",
    "shapely", "colorlog", "flatbuffers", "protobuf", "six", "packaging",
)  # fmt: skip
"""What rapidocr needs and ComfyUI does not bring; each without what it depends on, so that ComfyUI's numpy stays."""

_DONE = "complete"


def ocr_packages(root: Path, folder: Path) -> str:
    """Install the packages into `folder` for a ComfyUI's Python, once; return why that failed, or nothing."""
    if (folder / _DONE).is_file():
        return ""
    python = python_of(root)
    uv = shutil.which("uv")
    command = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    arguments = [*command, "--quiet", "--no-deps", "--target", str(folder), *PACKAGES]
    try:
        subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return " ".join(said.split())[-200:]
    (folder / _DONE).touch()
    return ""
