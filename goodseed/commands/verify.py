"""`goodseed verify`: run a saved image again on a ComfyUI server and compare the pixels."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from goodseed.commands.output import JsonOption, console, escaped, make_table, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from goodseed.provenance.verify.verdict import Verification

_COLOURS = {"identical": "green", "same-to-the-eye": "yellow", "different": "red"}


def verify(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="The image, with its record or ComfyUI's graph in it.")
    ],
    server: Annotated[
        str, typer.Option("--server", help="The ComfyUI to run it on, such as http://127.0.0.1:8188.")
    ] = "http://127.0.0.1:8188",
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Runs, compared with the image and each other.")] = 1,
    perturb: Annotated[
        bool, typer.Option("--perturb", help="Also change one parameter and demand that the picture changes.")
    ] = False,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--inputs", help="Folder with the pictures that the graph loads; sent where the server lacks them."
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, help="Seconds for one run; 0: as long as it takes.")
    ] = 0,
    as_json: JsonOption = False,
) -> int:
    """Run an image's graph again, with nothing cached: identical, same to the eye, or what differs.

    Leaves with 0 only when every run gives the same pixels.
    """
    from goodseed.provenance.verify.client import Server
    from goodseed.provenance.verify.run import Settings
    from goodseed.provenance.verify.run import verify as run_again

    settings = Settings(repeat, perturb, timeout or math.inf, inputs)
    with _Bar() as bar:
        answer = run_again(image, Server(server), settings, bar.report)
    if as_json:
        print_json(answer.as_dict())
    else:
        _show(console(), answer)
    return 0 if answer.good else 1


def _show(out: Console, answer: Verification) -> None:
    worst = max(answer.runs, key=lambda run: run.rank)
    said = worst.difference or "another size"
    detail = f": {said}" if answer.verdict != "identical" else ""
    out.print(f"[bold {_COLOURS[answer.verdict]}]{answer.verdict.replace('-', ' ')}[/]{detail}", soft_wrap=True)
    if answer.repeatable is not None:
        agree = "give the same pixels" if answer.repeatable else "differ from each other"
        out.print(f"{len(answer.runs)} runs {agree}.")
    for change in answer.perturbed or ():
        what = f"{change['input']} of node {change['node']} from {change['from']!r} to {change['to']!r}"
        out.print(f"With {escaped(what)} the picture {'changes' if change['changed'] else 'stays'}.", soft_wrap=True)
    if answer.causes:
        table = make_table("cause", "where", "why", "fix")
        for cause in answer.causes:
            table.add_row(*(escaped(str(cause[column])) for column in ("cause", "where", "why", "fix")))
        out.print(table)
    for note in answer.notes:
        out.print(f"[yellow]{escaped(note)}[/yellow]", soft_wrap=True)


class _Bar:
    """The progress of a run for people, on standard error: the node that works, and how many are done."""

    def __enter__(self) -> _Bar:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console(), transient=True
        )
        self._task = self._progress.add_task("asking the server", total=None)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def report(self, what: str, done: float, total: float) -> None:
        self._progress.update(self._task, description=escaped(what), completed=done, total=total or None)
