"""`goodseed bank list|show|check`: what banks there are, what one holds, whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.output import GroupJsonOption, JsonOption, console, escaped, make_table, print_json
from goodseed.errors import BankError
from goodseed.figures import spanned

if TYPE_CHECKING:
    from goodseed.banks import Bank

app = typer.Typer(help="Look at seed banks.")

BankArgument = Annotated[str, typer.Argument(metavar="BANK", help="A bank's file, or the name of a known bank.")]


@app.callback()
def _options(as_json: GroupJsonOption = False) -> None:
    pass


@app.command("list")
def list_banks(
    folder: Annotated[list[Path] | None, typer.Option("--folder", help="Look here too, first of all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the banks that are found by name: the pack's own, and those in your data folder."""
    from goodseed.banks import find_banks, read_bank
    from goodseed.banks.library import bank_folders

    for path in folder or []:
        if not path.is_dir():
            raise BankError(f"{path}: is no folder; name a folder with banks")
    entries: list[dict[str, Any]] = []
    for name, path in find_banks(bank_folders(folder or [])).items():
        try:
            bank = read_bank(path)
        except BankError as error:
            entries.append({"name": name, "path": str(path), "error": str(error)})
        else:
            entries.append({"name": name, "path": str(path), **_summary(bank)})
    if as_json:
        print_json({"banks": entries})
    else:
        _show_list(entries)


@app.command("show")
def show(bank: BankArgument, as_json: JsonOption = False) -> None:
    """Show what a bank holds and how reliable it is."""
    from goodseed.banks import read_bank, resolve_bank
    from goodseed.banks.cautions import cautions

    found = read_bank(resolve_bank(bank))
    if as_json:
        kinds = {name: [str(array.dtype), list(array.shape)] for name, array in found.tensors.items()}
        print_json(
            {
                "name": found.name,
                **_summary(found),
                "cautions": cautions(found),
                "info": dict(found.info),
                "tensors": kinds,
            }
        )
    elif found.published:
        _show_published(found)
    else:
        _show_bank(found)


@app.command("check")
def check(bank: BankArgument, as_json: JsonOption = False) -> int:
    """Check the whole of a bank: exit 0 when it is sound, 1 when not."""
    from goodseed.banks import check_bank, resolve_bank

    errors = check_bank(resolve_bank(bank))
    if as_json:
        print_json({"sound": not errors, "errors": errors})
    else:
        out = console()
        for error in errors:
            out.print(f"[red]✗[/red] {escaped(error)}", soft_wrap=True)
        out.print(f"{escaped(bank)}: {'[red]not sound[/red]' if errors else '[green]sound[/green]'}", soft_wrap=True)
    return 1 if errors else 0


def _summary(bank: Bank) -> dict[str, Any]:
    return {
        "id": bank.id,
        "seeds": len(bank.seeds),
        "model": bank.info["model"]["name"] if bank.published else bank.info["model"]["file"],
        "metrics": sorted(bank.metrics),
        "traits": bank.traits,
        "features": bank.features,
        "tasks": bank.tasks,
        "images": bank.info["design"].get("images", 0),
        "published": bank.published,
    }


def _show_list(entries: list[dict[str, Any]]) -> None:
    out = console()
    if not entries:
        out.print("No bank found; measure one with goodseed study, or name its folder with --folder.")
        return
    table = make_table("bank", "seeds", "model", "metrics", "id")
    for entry in entries:
        if "error" in entry:
            table.add_row(escaped(entry["name"]), "", f"[red]{escaped(entry['error'])}[/red]", "", "")
        else:
            cells = [entry["name"], str(entry["seeds"]), entry["model"], ", ".join(entry["metrics"]), entry["id"][:12]]
            if entry["published"]:
                cells[3] = "published, not measured"
            table.add_row(*(escaped(cell) for cell in cells))
    out.print(table)


def _show_published(bank: Bank) -> None:
    from goodseed.banks.published import caution

    out, found = console(), bank.info["published"]
    out.print(escaped(f"{bank.name} ({bank.id[:12]}): published figures for {bank.info['model']['name']}"))
    table = make_table("seed", "published", "place")
    for name, metric in found["metrics"].items():
        for seed, figure in metric["figures"].items():
            figures = f"{name} {figure['value']:g}", f"{figure['place']} of {figure['of']}"
            table.add_row(seed, *(escaped(text) for text in figures))
    for name, trait in found["traits"].items():
        for seed in trait["seeds"]:
            table.add_row(str(seed), escaped(name), "")
    out.print(table)
    out.print(f"[yellow]{escaped(caution(bank))}[/yellow]", soft_wrap=True)


def _show_bank(bank: Bank) -> None:
    from goodseed.banks.cautions import cautions

    info = bank.info
    prompts, sampling = info["prompts"], info["sampling"]
    facts = make_table("", "", show_header=False, box=None)
    for key, value in (
        ("bank", f"{bank.name} ({bank.id[:12]})"),
        ("model", f"{info['model']['file']} ({info['model']['tensors_sha256'][:12]}), {info['model']['family']}"),
        ("seeds", f"{len(bank.seeds)}, {min(bank.seeds)}…{max(bank.seeds)}"),
        ("prompts", f"{prompts['selection']['count']} to select on, {prompts['held_out']['count']} held out"),
        ("images", f"{info['design']['images']} ({info['design']['kind']})"),
        ("noise", f"{info['noise']['name']}, {'×'.join(map(str, info['noise']['shape']))}"),
        ("sampling", ", ".join(f"{name} {sampling[name]}" for name in ("sampler", "scheduler", "steps", "cfg"))),
        ("features", ", ".join(bank.features)),
    ):
        facts.add_row(f"[bold]{key}[/bold]", escaped(value))
    out = console()
    out.print(facts)
    for caution in cautions(bank):
        out.print(f"[yellow]{escaped(caution)}[/yellow]", soft_wrap=True)
    reliability = info["reliability"]
    table = make_table("measured", "", "ICC (95 %)", "rank correlation of the prompt sets (95 %)")
    rows = [(name, about["direction"] + " is better") for name, about in sorted(bank.metrics.items())]
    rows += [(name, "") for name in sorted(reliability.get("icc", {})) if name not in bank.metrics]
    for name, about in rows:
        measured = [interval(reliability.get(part, {}).get(name)) for part in ("icc", "rank_correlation")]
        table.add_row(escaped(name), about, *measured)
    for task in bank.tasks:
        found = reliability.get("inpaint", {}).get(task, {})
        measured = [interval(found.get(part)) for part in ("icc", "rank_correlation")]
        table.add_row(escaped(f"text, {task}"), "lower is better", *measured)
    out.print(table)


def interval(measured: Any) -> str:
    """Return a figure with its interval for a table, or nothing where it was not measured."""
    if not isinstance(measured, dict) or not {"value", "low", "high"} <= measured.keys():
        return ""
    return spanned(measured["value"], measured["low"], measured["high"], 3)
