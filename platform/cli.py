"""The command `crescendo`."""

from __future__ import annotations

import sys

import typer

from crescendo.platform.data_commands import data
from crescendo.platform.evaluate_command import evaluate
from crescendo.platform.train_command import train
from crescendo.trainables.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Does a ranking loss on activity progression detect activities better and earlier, on your data?",
)
app.add_typer(data, name="data")
app.command()(train)
app.command()(evaluate)


def main() -> None:
    """Run the command line; input that cannot be used ends in its message alone and exit code 2."""
    try:
        app()
    except InputError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
