"""The command `crescendo`."""

from __future__ import annotations

import typer

from crescendo.platform.commands.data import data
from crescendo.platform.commands.detect import detect
from crescendo.platform.commands.evaluate import evaluate
from crescendo.platform.commands.export import export
from crescendo.platform.commands.report import report
from crescendo.platform.commands.study import study
from crescendo.platform.commands.sweep import sweep
from crescendo.platform.commands.tracking import sync, ui
from crescendo.platform.commands.train import train
from crescendo.platform.console import guarded

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
