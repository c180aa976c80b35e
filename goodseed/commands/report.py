"""`goodseed report`: a study's or a bank's pictures and plots in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.output import JsonOption, console, escaped, print_json
from goodseed.errors import BankError, GoodSeedError
from goodseed.files import not_over

if TYPE_CHECKING:
    from goodseed.banks import Bank
    from goodseed.report import Report
    from goodseed.study.interfaces import Generator

DEMOS = {"goodseed-demo": "demo", "goodseed-demo-inpaint": "demo-inpaint"}
"""The generators that are recognised, by the family that a bank names."""


def report(
    source: Annotated[str, typer.Argument(metavar="DIR_OR_BANK", help="A study's folder, a bank's file, or its name.")],
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    png: Annotated[
        Path | None, typer.Option("--png", metavar="DIR", help="Also write the figures as PNG to this folder.")
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option(
            "--generator",
            help="What makes the pictures: demo, demo-inpaint, or module:function. The demos are recognised.",
        ),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Make the pictures again, or leave them out.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Write what a bank says of its seeds, with pictures and plots, to one self-contained HTML file."""
    bank = find_bank(source)
    not_over(out, Path(source), *Path(source).glob("*.safetensors"))
    maker, why_none = (None, "they were not asked for") if not pictures else generator_of(bank, generator)
    written = _write(bank, out, png, maker, why_none)
    if as_json:
        print_json(
            {
                "report": str(written.path),
                "bank": bank.id,
                "pictures": written.pictures,
                "missing": written.missing,
                "pngs": [str(path) for path in written.pngs],
            }
        )
        return
    screen = console()
    if written.missing:
        screen.print(f"[yellow]Without pictures: {escaped(written.missing)}.[/yellow]", soft_wrap=True)
    pngs = f", {len(written.pngs)} PNGs in {png}" if png is not None else ""
    screen.print(escaped(f"{written.path}: {written.pictures} pictures{pngs}"), soft_wrap=True)


def find_bank(source: str) -> Bank:
    """Return the bank that `source` means: a study's folder, a file, or a known name.

    Raises:
        BankError: when there is none, or a folder holds several.
        StudyError: for a folder whose study is unfinished or damaged.
    """
    from goodseed.banks import find_banks, read_bank, resolve_bank

    folder = Path(source)
    if not folder.is_dir():
        return read_bank(resolve_bank(source))
    found = find_banks([folder])
    if len(found) > 1:
        raise BankError(f"{folder}: holds {len(found)} banks ({', '.join(found)}); name the file of one")
    if found:
        return read_bank(next(iter(found.values())))
    if (folder / "race.json").exists():
        raise BankError(f"{folder}: holds an unfinished race and no bank yet; the same goodseed study continues it")
    if not (folder / "study.json").exists():
        raise BankError(f"{folder}: holds no bank (*.safetensors) and no study; name a study's folder or a bank")
    from goodseed.study.bank import build_bank

    return build_bank(folder)


def generator_of(bank: Bank, name: str | None) -> tuple[Generator | None, str]:
    """Return what makes the bank's pictures, or None and why not.

    Only the demos are recognised: importing what a file names would run whatever the file's maker wrote there.

    Raises:
        StudyError: for a `name` that is unknown, or cannot do what the bank asks for.
    """
    from goodseed.report.write import NO_GENERATOR
    from goodseed.study.registry import make_pair

    if name is not None:
        return make_pair(name, options=_demo_options(bank, name))[0], ""
    known = DEMOS.get(bank.info["model"].get("family", ""))
    if known is None:
        return None, f"{NO_GENERATOR} (give one with --generator)"
    try:
        return make_pair(known, options=_demo_options(bank, known))[0], ""
    except GoodSeedError as error:
        return None, str(error)


def _demo_options(bank: Bank, generator: str) -> dict[str, Any]:
    """Return what a demo generator was set to when the bank was measured; of others nothing is known."""
    from goodseed.study.registry import DEMO_OPTIONS

    if generator not in DEMOS.values():
        return {}
    sampling = bank.info.get("sampling", {})
    options = {name: sampling[name] for name in DEMO_OPTIONS if name in sampling}
    if "dtype" in options and not isinstance(options["dtype"], str):
        del options["dtype"]  # what a bank says besides the fields that all have is not checked
    return options


def _write(bank: Bank, out: Path, png: Path | None, maker: Generator | None, why_none: str) -> Report:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from goodseed.determinism.randomness import random_state_kept
    from goodseed.report import write_report

    columns = (TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with random_state_kept(), Progress(*columns, console=console(), transient=True) as progress:
        task = progress.add_task("pictures", total=None, visible=maker is not None)
        return write_report(
            bank,
            out,
            generator=maker,
            pngs=png,
            why_none=why_none,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
