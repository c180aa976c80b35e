"""What a command says: one JSON object on standard output, or tables for people on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from goodseed.errors import OutputError

if TYPE_CHECKING:
    from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
"""The option that every command has, as `as_json: JsonOption = False`."""

GroupJsonOption = Annotated[bool, typer.Option("--json", hidden=True)]
"""The same on a group of commands, so that a missing command is what is complained about."""


def console() -> Console:
    """Return the console for people: standard error as it is now."""
    return Console(stderr=True, highlight=False)


def make_table(*headings: str, **options: Any) -> Table:
    """Return a table that cuts nothing off where a terminal is narrow; `options` are those of rich's."""
    from rich.table import Column, Table

    return Table(*(Column(heading, overflow="fold") for heading in headings), **options)


def print_json(result: Mapping[str, Any]) -> None:
    """Write one JSON object, on one line, to standard output.

    Raises:
        OutputError: when standard output is full, or its reader is gone.
    """
    # In ASCII, so that a terminal of any encoding takes it.
    line = json.dumps(result, allow_nan=False) + "\n"
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except OSError as error:
        reason = error.strerror
        raise OutputError(f"standard output: cannot be written ({reason}); check the disk or the pipe") from error


def say_error(message: str, as_json: bool) -> None:
    """Write an error on one line: as {"error": …} on standard output, or for people."""
    line = " ".join(message.split())
    if as_json:
        print_json({"error": line})
    else:
        console().print(f"[bold red]error[/bold red]: {escaped(line)}", soft_wrap=True)


def escaped(text: str) -> str:
    """Return `text` so that rich shows it as it is, without markup or control characters."""
    from rich.markup import escape

    return escape("".join(character if character.isprintable() else "?" for character in text))
