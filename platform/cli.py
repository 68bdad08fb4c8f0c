"""The command `crescendo`."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from crescendo.platform.data_commands import data
from crescendo.platform.detect_command import detect
from crescendo.platform.evaluate_command import evaluate
from crescendo.platform.export_command import export
from crescendo.platform.report_command import report
from crescendo.platform.study_commands import study
from crescendo.platform.sweep_command import sweep
from crescendo.platform.tracking_commands import sync, ui
from crescendo.platform.train_command import train
from crescendo.trainables.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Does a ranking loss on activity progression detect activities better and earlier, on your data?",
)
app.add_typer(data, name="data")
app.add_typer(study, name="study")
app.command()(train)
app.command()(evaluate)
app.command()(export)
app.command()(detect)
app.command()(sweep)
app.command()(report)
app.command()(ui)
app.command()(sync)


def main() -> None:
    """Run the command line."""
    guarded(app)


def guarded(command: Callable[[], object]) -> None:
    """Run `command`; input that cannot be used ends in its message alone and exit code 2."""
    try:
        command()
    except InputError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
