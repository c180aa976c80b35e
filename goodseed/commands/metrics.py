"""`goodseed metrics`: what studies can measure, and the weights that it takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.output import JsonOption, console, escaped, make_table, print_json
from goodseed.errors import StudyError

if TYPE_CHECKING:
    from goodseed.study.metrics.source import Source

MetricsOption = Annotated[
    str, typer.Option("--metrics", help="What to measure, such as fid,hps,style; `goodseed metrics` lists them.")
]
ReferenceOption = Annotated[
    Path | None,
    typer.Option("--reference", help="For fid and cmmd: a folder of real images, or saved statistics (.npz)."),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option("--weights", help="Folder with weights of metrics; by default $GOODSEED_WEIGHTS, then the hubs."),
]


def metrics(weights: WeightsOption = None, as_json: JsonOption = False) -> int:
    """List the metrics by name, with the weights that each needs, their size, and whether they are here."""
    from goodseed.study.metrics.catalogue import CATALOGUE
    from goodseed.study.metrics.weights import find

    use_weights(weights)
    rows = [
        {
            "name": name,
            "kind": entry.kind,
            "about": entry.about,
            "weights": [
                {"file": str(file.place), "bytes": file.size, "from": file.address, "here": find(file) is not None}
                for file in entry.weights()
            ],
            "licence": entry.licence,
            "extra": entry.extra,
        }
        for name, entry in CATALOGUE.items()
    ]
    if as_json:
        print_json({"metrics": rows})
    else:
        _show(rows)
    return 0


def use_weights(folder: Path | None) -> None:
    """Look for weights in `folder` first, in this process and in its workers.

    Raises:
        StudyError: when there is no such folder.
    """
    from goodseed.study.metrics.weights import VARIABLE

    if folder is None:
        return
    if not folder.is_dir():
        raise StudyError(
            f"weights: {folder} is no folder; make it and put the files in it that `goodseed metrics` lists"
        )
    os.environ[VARIABLE] = str(folder.resolve())


def chosen_metrics(text: str, reference: Path | None) -> tuple[list[str], Source | None]:
    """Return the names that --metrics lists, and the reference, after saying what has to be fetched.

    Raises:
        StudyError: for unknown names, and a reference that is missing, of no use or needed by none of them.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        if text or reference is not None:
            raise StudyError("metrics: --metrics names none; give some of those that `goodseed metrics` lists")
        return [], None
    from goodseed.study.metrics.catalogue import check_names, needs_reference, weights_of
    from goodseed.study.metrics.source import open_source

    check_names(names)
    needing = needs_reference(names)
    if needing and reference is None:
        raise StudyError(f"metrics: {needing[0]} is a distance to real images; name a folder of them with --reference")
    if reference is not None and not needing:
        raise StudyError("reference: none of the metrics is a distance to real images; leave --reference out")
    source = None if reference is None else open_source(reference)
    if source is not None:
        for name in needing:
            source.check(name)
    _announce(weights_of(names))
    if source is not None:
        console().print(f"Reference: {escaped(source.what)}; what is needed of it is kept in the study's folder.")
    return names, source


def loads_weights(names: Sequence[str]) -> bool:
    """Say whether a worker holds networks of the metrics, so that many workers may not fit into memory."""
    from goodseed.study.metrics.catalogue import weights_of

    return bool(weights_of(names))


def _announce(files: Sequence[Any]) -> None:
    from goodseed.study.metrics.weights import in_words, missing

    absent = missing(files)
    if absent:
        listed = ", ".join(f"{file.place} ({in_words(file.size)})" for file in absent)
        whole = in_words(sum(file.size for file in absent))
        console().print(f"Weights to fetch, {whole}: {escaped(listed)}", soft_wrap=True)


def _show(rows: Sequence[dict[str, Any]]) -> None:
    from goodseed.study.metrics.weights import in_words

    table = make_table("metric", "kind", "measures", "weights", "licence", box=None, pad_edge=False)
    for row in rows:
        files = row["weights"]
        size = in_words(sum(file["bytes"] for file in files)) if files else "none"
        here = "" if not files else ", here" if all(file["here"] for file in files) else ", to be fetched"
        table.add_row(row["name"], row["kind"], escaped(row["about"]), size + here, row["licence"])
    console().print(table)
