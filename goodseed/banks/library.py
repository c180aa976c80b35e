"""Where banks lie: with the pack, in the user's folder, and in folders named by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from goodseed.banks.format import SUFFIX, listed
from goodseed.errors import BankError

SHIPPED = Path(__file__).resolve().parents[2] / "seedbanks"
"""The folder with the banks that come with the pack."""


def find_banks(folders: Sequence[Path | str]) -> dict[str, Path]:
    """Return the banks' files in `folders` by name (the file's, without its ending), sorted; the first folder wins.

    A folder that is missing or cannot be read holds none. The files are not opened.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        try:
            files = sorted(path for path in Path(folder).iterdir() if path.suffix == SUFFIX and path.is_file())
        except OSError:
            continue
        for path in files:
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def bank_folders(folders: Sequence[Path | str] = ()) -> list[Path]:
    """Return where the command looks for banks: `folders`, the pack's own, the user's data folder."""
    from platformdirs import user_data_path

    return [*(Path(folder) for folder in folders), SHIPPED, user_data_path("goodseed", appauthor=False) / "seedbanks"]


def resolve_bank(name_or_path: Path | str, folders: Sequence[Path | str] = ()) -> Path:
    """Return the file that `name_or_path` means: a path that exists, else a bank's name in the known folders.

    Raises:
        BankError: when there is neither.
    """
    path = Path(name_or_path)
    try:
        if path.is_file():
            return path
    except (OSError, ValueError) as error:  # a name that no file can have
        raise BankError(f"{str(name_or_path)[:80]}: can be no file; name a bank or its file") from error
    if path.is_dir():
        raise BankError(f"{path}: is a folder; name a bank's file in it, *{SUFFIX}")
    if path.suffix == SUFFIX or len(path.parts) > 1:
        raise BankError(f"{path}: there is no such file; name a bank or its file")
    known = find_banks(bank_folders(folders))
    if str(name_or_path) not in known:
        raise BankError(f"{name_or_path}: is neither a file nor a known bank ({listed(list(known))})")
    return known[str(name_or_path)]
