"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

AllowPlugin = Annotated[
    bool,
    typer.Option(
        "--allow-plugin",
        help="Import and run code that does not come with Crescendo, where what is opened names some. For people you trust.",
    ),
]
