"""The report of a published bank: what its source says of a few seeds, and that nothing of it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goodseed import __version__
from goodseed.banks.published import caution
from goodseed.banks.published_schema import KIND
from goodseed.markup import Markup, join, tag
from goodseed.report import sections

if TYPE_CHECKING:
    from goodseed.banks.format import Bank


def published_body(bank: Bank) -> tuple[str, Markup]:
    """Return the page's title and its body."""
    found = bank.info[KIND]
    title = f"What is published of seeds of {bank.info['model']['name']}"
    rows = [
        (seed, f"{name}: {figure['value']:g}, place {figure['place']:,} of {figure['of']:,}", metric["about"])
        for name, metric in sorted(found["metrics"].items())
        for seed, figure in metric["figures"].items()
    ]
    rows += [
        (str(seed), name, trait["about"]) for name, trait in sorted(found["traits"].items()) for seed in trait["seeds"]
    ]
    heads = tag("tr", *(tag("th", head) for head in ("Seed", "Published", "What that is")))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    table = tag("div", tag("table", tag("thead", heads), tag("tbody", *body)), class_="table")
    return title, join(
        tag(
            "header",
            tag("p", "Good Seed", tag("span", f"bank {bank.name}" if bank.name else "seed bank"), class_="mark"),
            tag("h1", title),
            tag("div", tag("h2", "Published, not measured."), tag("p", caution(bank)), class_="verdict"),
        ),
        tag("main", sections.part("published", "Seeds", table), sections.part("bank", "Bank", tag("code", bank.id))),
        tag("footer", tag("p", f"Made by Good Seed {__version__}. Source: {found['source']}.")),
    )
