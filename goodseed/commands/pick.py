"""`goodseed pick`: golden seeds from a bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from goodseed.commands.bank import BankArgument, interval
from goodseed.commands.output import JsonOption, console, escaped, make_table, print_json
from goodseed.figures import fixed

if TYPE_CHECKING:
    from rich.console import Console

    from goodseed.banks import Bank, Choice


def pick(
    bank: BankArgument,
    rule: Annotated[
        str, typer.Option("--rule", help="paper, rank-sum, pareto, clean, or a metric of the bank.")
    ] = "paper",
    k: Annotated[int, typer.Option("-k", help="How many seeds.")] = 10,
    top: Annotated[
        int | None, typer.Option("--top", help="Rule paper: length of each metric's list; a quarter if not given.")
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option("--avoid", metavar="TRAIT[=LIMIT]", help="Leave out seeds with more than this share (0.5)."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", help="Rule clean: removal or completion; all tasks of the bank if not given."),
    ] = None,
    worst: Annotated[bool, typer.Option("--worst", help="The worst seeds instead of the best.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Choose golden seeds: the best of a bank by a rule, with what speaks for them."""
    from goodseed.banks import pick as choose
    from goodseed.banks import read_bank, resolve_bank
    from goodseed.banks.limits import parse_limits

    limits = parse_limits(",".join(avoid or []))
    found = read_bank(resolve_bank(bank))
    choice = choose(found, rule, k, limits, top, worst, task)
    if as_json:
        print_json(choice.as_dict())
    else:
        _show(console(), found, choice)


def _show(out: Console, bank: Bank, choice: Choice) -> None:
    names, clean = list(choice.scores), "tasks" in choice.settings
    on = "pairs" if clean else "prompts"
    kind = ("Text-prone" if clean else "Inferior") if choice.settings["worst"] else "Clean" if clean else "Golden"
    where = "as published" if bank.published else f"on the selection {on}"
    by = "" if clean else f" by {choice.rule}"
    out.print(f"{kind} seeds{by}, {where}:")
    table = make_table("seed", *names)
    for row, seed in enumerate(choice.seeds):
        table.add_row(f"[bold]{seed}[/bold]", *(fixed(choice.scores[name][row], 4) for name in names))
    out.print(table)
    evidence = make_table(f"on the held-out {on}", "these", "all", "better by (95 %)", "ICC (95 %)")
    for name, gain in choice.evidence["held_out"].items():
        better = interval({**gain, "value": gain["gain"]}) if gain["low"] is not None else fixed(gain["gain"], 3)
        icc = interval(choice.evidence["icc"].get(name))
        evidence.add_row(name, fixed(gain["golden"], 4), fixed(gain["all"], 4), better, icc)
    if evidence.row_count:
        out.print(evidence)
    if overlap := choice.evidence.get("overlap"):
        chance = f"{overlap['chance']:.1f} ({overlap['chance_low']:.0f}…{overlap['chance_high']:.0f})"
        out.print(f"The lists' top {overlap['top']} share {overlap['both']} seeds; chance gives {chance}.")
    for note in choice.notes:
        out.print(f"[yellow]{escaped(note)}[/yellow]", soft_wrap=True)
