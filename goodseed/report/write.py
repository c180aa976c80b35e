"""From a bank to the report's files."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goodseed.errors import OutputError
from goodseed.files import write_bytes
from goodseed.markup import Markup
from goodseed.report import charts, sheets
from goodseed.report.data import metrics_of
from goodseed.report.maps import Maps, make_maps
from goodseed.report.maps_sheet import maps_sheet
from goodseed.report.page import document, page
from goodseed.report.pictures import Pictures, Progress, why_not
from goodseed.report.plan import Plan, make_plan
from goodseed.report.published import published_body
from goodseed.report.text import text_metrics

if TYPE_CHECKING:
    from goodseed.banks.format import Bank
    from goodseed.study.interfaces import Generator

NO_GENERATOR = "no generator was given that can make them again"


@dataclass(frozen=True)
class Report:
    """What was written."""

    path: Path
    pictures: int
    pngs: tuple[Path, ...]
    missing: str | None
    """Why there are no pictures, or None."""


def write_report(
    bank: Bank,
    out: Path | str,
    generator: Generator | None = None,
    pngs: Path | str | None = None,
    why_none: str = NO_GENERATOR,
    progress: Progress | None = None,
) -> Report:
    """Write the report of `bank` to the HTML file `out`, and its figures to the folder `pngs`.

    Pictures are made again by `generator`, only those shown (at most 250). Without one, or with one that is
    not the model measured, the report comes without pictures and says so; `why_none` is what it says.

    Raises:
        OutputError: when a file cannot be written.
    """
    _check_writable(Path(out))
    if bank.published:
        write_bytes(out, document(*published_body(bank)).encode())
        return Report(Path(out), 0, (), "a bank of published figures says of no picture how it was made")
    plan, pictures = make_plan(bank), Pictures()
    missing: str | None = why_none if generator is None else why_not(bank, generator)
    if generator is not None and missing is None:
        for prompt, seed in plan.cells():
            pictures.want(prompt, seed)
        pictures.make(generator, progress)
        missing = None if len(pictures) else "the bank does not hold its prompts’ texts"
    drawn = _charts(bank, plan)
    maps = make_maps(bank)
    write_bytes(out, page(bank, plan, maps, pictures, drawn, missing).encode())
    written = _write_pngs(bank, plan, maps, pictures, Path(pngs)) if pngs is not None else ()
    return Report(Path(out), len(pictures), written, missing)


def _check_writable(out: Path) -> None:
    """Find out before minutes of work go into pictures, not after."""
    try:
        if out.is_dir():
            raise IsADirectoryError(21, "is a folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{out}: cannot be written ({reason}); check the folder and the free space") from error


def _charts(bank: Bank, plan: Plan) -> dict[str, Markup]:
    drawn = {metric.name: charts.sorted_chart(metric) for metric in [*metrics_of(bank), *text_metrics(bank)]}
    if plan.composition:
        reach = charts.composition_reach(plan.composition)
        for panel in plan.composition:
            drawn[f"composition {panel.name}"] = charts.composition_chart(panel, reach, bank.seeds)
    return drawn


def _write_pngs(bank: Bank, plan: Plan, maps: Maps, pictures: Pictures, folder: Path) -> tuple[Path, ...]:
    files: dict[str, bytes | None] = {
        "best-worst": sheets.contact_sheet([plan.best_worst], pictures) if plan.best_worst else None,
        "traits": sheets.contact_sheet(list(plan.traits), pictures),
        "diverse": sheets.contact_sheet(list(plan.diverse), pictures, captions=False),
        "style-map": sheets.style_sheet(plan.style, pictures) if plan.style else None,
        "composition-map": charts.composition_sheet(plan.composition, bank.seeds) if plan.composition else None,
        "maps": maps_sheet(maps),
    }
    for metric in metrics_of(bank):
        files[f"scores-{re.sub(r'[^a-z0-9-]+', '-', metric.name.lower())}"] = charts.sorted_png(metric)
    written = []
    for name, data in files.items():
        if data is not None:
            written.append(folder / f"{name}.png")
            write_bytes(written[-1], data)
    return tuple(written)
