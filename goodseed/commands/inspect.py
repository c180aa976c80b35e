"""`goodseed inspect`: what an image says of itself, whichever tool made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.output import JsonOption, console, escaped, make_table, print_json
from goodseed.errors import RecordError
from goodseed.files import not_over, write_bytes

if TYPE_CHECKING:
    from goodseed.provenance.record import Record


def inspect(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A PNG, WebP, JPEG or AVIF image, or a sidecar.")],
    workflow: Annotated[
        Path | None,
        typer.Option("--workflow", help="Write ComfyUI's workflow to this file, to open it there: of a JPEG, say."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the record of an image: ours, ComfyUI's graph, or another tool's parameters.

    With --json: the record; where there is something to say of it (the pixels were edited, the sidecar was used), in
    `notes`.
    """
    from goodseed.provenance.read import no_record, read_image
    from goodseed.provenance.sidecar import ENDING, read_sidecar
    from goodseed.provenance.summary import source_name

    not_over(workflow, image)
    notes: list[str] = []
    graph: dict[str, Any] | None = None
    source = "goodseed"
    if image.suffix.lower() == ENDING:
        record: Record | None = read_sidecar(image)[0]
    else:
        reading = read_image(image)
        record, notes, source = reading.record, reading.notes, reading.source
        graph = reading.workflow
    if record is None:
        raise no_record(image.name, notes)
    if workflow is not None:
        if graph is None:
            raise RecordError(f"{image.name}: holds no workflow of ComfyUI")
        write_bytes(workflow, json.dumps(graph, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
    if as_json:
        result: dict[str, Any] = {**record, "notes": notes} if notes else record
        print_json(result)
    else:
        _show(image.name, source_name(source), record, notes)


def _show(name: str, source: str, record: Record, notes: list[str]) -> None:
    from goodseed.provenance.summary import rows

    out = console()
    out.print(f"[bold]{escaped(name)}[/bold]: {escaped(source)}", soft_wrap=True)
    table = make_table("", "", "known", box=None)
    for row in rows(record):
        table.add_row(*(escaped(cell) for cell in row))
    out.print(table)
    for note in notes:
        out.print(f"[yellow]{escaped(note)}[/yellow]", soft_wrap=True)
