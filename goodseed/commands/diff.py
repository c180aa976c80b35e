"""`goodseed diff`: what differs between two images, the likeliest cause first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.output import JsonOption, console, escaped, make_table, print_json
from goodseed.files import not_over, write_bytes

if TYPE_CHECKING:
    from rich.console import Console


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="An image, or the record beside one.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The image that should be like A, or its record.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write it to this file, as one page with both pictures in it.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write it to this file, to paste it into an issue, say.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Name what differs between two images, the likeliest cause first, each with its fix: exit 0 same, 1 differs."""
    from goodseed.panel.picture import load_recorded
    from goodseed.panel.report import report
    from goodseed.provenance.diff.readings import compare_readings

    for out in (html, markdown):
        not_over(out, a, b)
    first, second = load_recorded(a), load_recorded(b)
    found = compare_readings(first.reading, second.reading).as_dict()
    for path, kind in ((html, "html"), (markdown, "markdown")):
        if path is not None:
            write_bytes(path, report(first, second, kind)["text"].encode("utf-8", "replace"))
    if as_json:
        print_json(found)
    else:
        show(console(), found)
    return 0 if found["same"] else 1


def show(out: Console, found: dict[str, Any]) -> None:
    """Print causes with their fixes, the stages, and the notes, for people."""
    if found["same"]:
        out.print("[green]same[/green]: nothing that makes the image differs")
    elif found["image_same"]:
        out.print("[yellow]the saved pixels are the same, though not all that they were made from[/yellow]")
    for number, cause in enumerate(found["causes"], 1):
        out.print(f"[bold]{number}. {escaped(cause['cause'])}[/bold]: {escaped(cause['why'])}", soft_wrap=True)
        out.print(f"   [green]fix[/green]: {escaped(cause['fix'])}", soft_wrap=True)
    stages = [stage for stage in found["stages"] if stage["same"] is not None]
    if stages:
        table = make_table("run", "stage", "", "relative distance")
        for stage in stages:
            verdict = "[green]same[/green]" if stage["same"] else "[red]differs[/red]"
            apart = f"{stage['distance']:.2g}" if stage["distance"] else ""
            table.add_row(str(stage["run"] or ""), escaped(stage["stage"].replace("_", " ")), verdict, apart)
        out.print(table)
    for note in found["notes"]:
        out.print(f"[yellow]{escaped(note)}[/yellow]", soft_wrap=True)
