"""`crescendo report`, and `generate-report`, which is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crescendo.platform.commands.lazy_group import alone
from crescendo.platform.commands.options import AllowPlugin
from crescendo.platform.console import guarded
from crescendo.platform.terminal_text import say


def report(
    studies: Annotated[
        list[str], typer.Argument(metavar="STUDY...", help="A study's output folder, or its experiment's name.")
    ],
    tracking_uri: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            envvar="MLFLOW_TRACKING_URI",
            help="MLflow server or store; default: the one the study's sweep had.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to write; default: report/ in the study's folder.")
    ] = None,
    allow_plugin: AllowPlugin = False,
) -> None:
    """Turn a study's runs into tables, figures and one page; several studies on the same data set are compared."""
    # matplotlib, MLflow and Optuna take seconds, which --help does without.
    from crescendo.reports.generate import generate_report

    written = generate_report(studies, tracking_uri=tracking_uri, out=out, allow_plugin=allow_plugin)
    for arm, sentence in written.answers:
        say(f"{arm}: {sentence}")
    for one in written.missing:
        say(f"missing: {one}", err=True)
    for one in written.notes:
        say(f"note: {one}", err=True)
    say(f"Report: {written.folder}. To read it, open {written.page.resolve().as_uri()}")


def main() -> None:
    """Run `generate-report`."""
    guarded(lambda: alone(report)(standalone_mode=False))
