"""What `goodseed study` asks about where it is computed."""

from __future__ import annotations

from typing import Annotated

import typer

EngineOption = Annotated[
    str, typer.Option("--engine", help="What runs the workers: local (processes of this machine), or ray.")
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="ray: a cluster's HOST:PORT on one of its machines, ray://HOST:PORT from elsewhere, or auto. "
        "By default $RAY_ADDRESS; else one is started here for the study.",
    ),
]
