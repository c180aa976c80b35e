"""The `goodseed` command: 0 yes or done, 1 no or stopped, 2 bad input with one line saying what and where."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import goodseed
from goodseed.commands.bank import app as bank_app
from goodseed.commands.classify import classify
from goodseed.commands.diff import diff
from goodseed.commands.diverse import diverse
from goodseed.commands.inspect import inspect
from goodseed.commands.metrics import metrics
from goodseed.commands.output import GroupJsonOption, say_error
from goodseed.commands.pick import pick
from goodseed.commands.report import report
from goodseed.commands.scan import scan
from goodseed.commands.study import study
from goodseed.commands.verify import verify
from goodseed.errors import GoodSeedError, OutputError

UsageProblem: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What typer raises for a wrong command line; newer versions of typer carry click's classes within themselves."""

app = typer.Typer(
    name="goodseed",
    help="Measure what a seed does to a diffusion model, and choose seeds by it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(bank_app, name="bank")
app.command()(pick)
app.command()(diverse)
app.command()(study)
app.command()(metrics)
app.command()(classify)
app.command()(report)
app.command()(inspect)
app.command()(diff)
app.command()(verify)
app.command()(scan)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"goodseed {goodseed.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True)
    ] = False,
    as_json: GroupJsonOption = False,
) -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Run the command with `arguments` and return its exit code; a user's mistake is one line, never a traceback."""
    as_json = "--json" in arguments
    arguments = [argument for argument in arguments if argument != "--json"] or ([] if as_json else ["--help"])
    if as_json:  # wherever it stood, the command itself gets it
        arguments.insert(arguments.index("--") if "--" in arguments else len(arguments), "--json")
    try:
        result = app(args=arguments, prog_name="goodseed", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except GoodSeedError as error:
        return _failed(str(error), as_json)
    except UsageProblem as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "goodseed"
        return _failed(f"{error.format_message()} (see {command} --help)", as_json)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _failed(f"{place}{error.strerror or error}", as_json)
    except (KeyboardInterrupt, typer.Abort):
        say_error("stopped", as_json)
        return 1


def _failed(message: str, as_json: bool) -> int:
    for where in (as_json, False):
        with contextlib.suppress(OutputError, OSError):  # that stream is full or gone
            say_error(message, where)
            break
    return 2


def main() -> None:
    """Run the command with the process's arguments."""
    warnings.filterwarnings("ignore", module="PIL")  # damaged images are reported on one line of ours
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # its reader is gone; without this, Python would complain at its own end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
