"""The reports' Markdown as plain text, for fields that show text as it is."""

from __future__ import annotations

import re

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_RULE = re.compile(r"\|(\s*:?-+:?\s*\|)+\s*")
_BAR = re.compile(r"(?<!\\)\|")


def plain(markdown: str) -> str:
    """Return a report without its marks: bold as it is, a table's row as a line of heads and cells.

    A row reads `- first cell: head: cell, head: cell`; sentences, and cells of a column without a head, stand alone.
    """
    lines: list[str] = []
    heads: list[str] = []
    for line in markdown.splitlines():
        if _RULE.fullmatch(line.strip()):
            heads = _cells(lines.pop()) if lines else []
        elif line.startswith("|") and heads:
            lines.append(_row(heads, _cells(line)))
        else:
            heads = []
            lines.append(line)
    return _BOLD.sub(r"\1", "\n".join(lines)).strip()


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip())[1:-1]]


def _row(heads: list[str], cells: list[str]) -> str:
    pairs = [(head, cell) for head, cell in zip(heads[1:], cells[1:], strict=False) if cell]
    said = [f"{head}: {cell}" if head and not cell.endswith(".") else cell for head, cell in pairs]
    between = " " if any(cell.endswith(".") for _, cell in pairs) else ", "
    return f"- {cells[0]}: {between.join(said)}" if said else f"- {cells[0]}"
