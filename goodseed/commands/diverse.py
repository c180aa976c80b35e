"""`goodseed diverse`: seeds that differ most, from a bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from goodseed.commands.bank import BankArgument
from goodseed.commands.output import JsonOption, console, escaped, make_table, print_json
from goodseed.figures import fixed, spanned

if TYPE_CHECKING:
    from rich.console import Console

    from goodseed.banks import Choice


def diverse(
    bank: BankArgument,
    by: Annotated[str, typer.Option("--by", help="style, composition or both.")] = "style",
    n: Annotated[int, typer.Option("-n", help="How many seeds.")] = 4,
    start: Annotated[int | None, typer.Option("--start", help="The first seed; drawn at random if not given.")] = None,
    within: Annotated[str, typer.Option("--within", help="all, or golden: those that --rule calls so.")] = "all",
    rule: Annotated[str, typer.Option("--rule", help="With --within golden: which seeds are golden.")] = "paper",
    random_state: Annotated[
        int, typer.Option("--random-state", min=0, help="What the first seed is drawn with; the same gives the same.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Choose seeds that give varied images: farthest point sampling over a bank's features."""
    from goodseed.banks import diverse as choose
    from goodseed.banks import read_bank, resolve_bank

    choice = choose(read_bank(resolve_bank(bank)), by, n, start, within, rule, random_state)
    if as_json:
        print_json(choice.as_dict())
    else:
        _show(console(), choice)


def _show(out: Console, choice: Choice) -> None:
    what = "style and composition" if choice.settings["by"] == "both" else choice.settings["by"]
    out.print(f"Seeds that differ in {what}: [bold]{', '.join(map(str, choice.seeds))}[/bold]", soft_wrap=True)
    table = make_table("similarity (eq. 2), less is more varied", "prompts", "these", "random sets (95 %)")
    for name, found in choice.evidence.get("similarity", {}).items():
        random = spanned(found["random"], found["random_low"], found["random_high"], 4)
        table.add_row(name, found["prompts"].replace("_", " "), fixed(found["similarity"], 4), random)
    if table.row_count:
        out.print(table)
    for note in choice.notes:
        out.print(f"[yellow]{escaped(note)}[/yellow]", soft_wrap=True)
