"""Seed banks where ComfyUI keeps model files: models/seedbanks, extra_model_paths.yaml, and the pack's own."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from goodseed.banks import Bank, read_bank
from goodseed.errors import BankError
from goodseed.files import sha256_of

KIND = "seedbanks"
SHIPPED = Path(__file__).resolve().parent.parent / "seedbanks"


def register_folders() -> None:
    """Tell folder_paths where banks lie; a user's bank goes before a shipped one of the same name."""
    folder_paths.add_model_folder_path(KIND, str(Path(folder_paths.models_dir) / KIND))
    folder_paths.add_model_folder_path(KIND, str(SHIPPED))
    folder_paths.folder_names_and_paths[KIND][1].add(".safetensors")


def bank_names() -> list[str]:
    """Return the file names of all banks, as ComfyUI lists them."""
    return list(folder_paths.get_filename_list(KIND))


def load_bank(name: str) -> Bank:
    """Read the bank called `name` in the list.

    Raises:
        BankError: when it is not there or not sound.
    """
    return read_bank(_path(name))


def bank_fingerprint(name: str) -> str:
    """Return what changes when the bank's file does: its SHA-256, or nothing when it is not there."""
    path = folder_paths.get_full_path(KIND, name)
    return sha256_of(path) if path else ""


def _path(name: str) -> str:
    path = folder_paths.get_full_path(KIND, name)
    if path is None:
        raise BankError(f"{name}: no such bank in models/{KIND}; put the file there, or choose another")
    return str(path)
