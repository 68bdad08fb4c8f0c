"""`crescendo data describe`."""

from __future__ import annotations

from typing import Annotated

import typer

from crescendo.platform.commands.data_display import print_description
from crescendo.platform.terminal_text import json_text, say
from crescendo.trainables.data.describe import describe as description
from crescendo.trainables.data.remote import open_dataset


def describe(
    dataset: Annotated[str, typer.Argument(help="A prepared data set: its folder, or its URI (s3://...).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Count what a prepared data set holds."""
    content = description(open_dataset(dataset))
    if as_json:
        say(json_text(content, indent=2))
    else:
        print_description(content)
