"""`crescendo report`, and `generate-report`, which is the same."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crescendo.platform.commands.lazy_group import alone
from crescendo.platform.commands.options import AllowPlugin
from crescendo.platform.console import INTERRUPTED, guarded
from crescendo.platform.terminal_text import say, say_note
from crescendo.trainables.errors import InputError

if TYPE_CHECKING:
    from crescendo.platform.commands.report_watch import ReportWatch
    from crescendo.reports.generate import Report

EVERY = 30.0
STOPPED = (
    "The study is stopped, and nothing more comes until its sweep is started again; then start --watch again, too."
)


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
    watch: Annotated[
        bool, typer.Option("--watch", help="Write it again as trials end, until the study is finished or stopped.")
    ] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="With --watch: at most so often.", min=1, max=86_400)
    ] = EVERY,
) -> None:
    """Turn a study's runs into tables, figures and one page; several studies on the same data set are compared."""
    # matplotlib, MLflow and Optuna take seconds, which --help does without.
    from crescendo.platform.commands.report_watch import ReportWatch
    from crescendo.reports.generate import generate_report

    if watch:
        raise typer.Exit(_watched(ReportWatch(studies, every, tracking_uri, out, allow_plugin)))
    _tell(generate_report(studies, tracking_uri=tracking_uri, out=out, allow_plugin=allow_plugin))


def _watched(watch: ReportWatch) -> int:
    """Write the report until no study runs any more; return the exit code: 0 if all have finished."""
    faults = set[str]()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            begun = watch.begun
            try:
                report = watch.look()
            except InputError as error:
                # A server may be away for a while, and a sweep begins before its store is there.
                if not (begun or watch.swept()):
                    raise
                if str(error) not in faults:
                    say(f"not written, tried again: {error}", err=True)
                faults.add(str(error))
                report = None
            if report is not None and not watch.running:
                _tell(report)
                say("The study is finished." if watch.finished else STOPPED)
                return 0 if watch.finished else 1
            if report is not None:
                if not begun:
                    say(f"Report: {_page(report)}, written again as trials end; Ctrl-C ends this, and no study")
                say(f"{datetime.now().astimezone():%H:%M} {'; '.join(report.progress)}")
            time.sleep(watch.pause if watch.begun else 1.0)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(written: Report) -> None:
    for arm, sentence in written.answers:
        say(f"{arm}: {sentence}")
    for one in written.missing:
        say(f"missing: {one}", err=True)
    for one in written.notes:
        say_note(one)
    say(f"Report: {written.folder}. To read it, open {_page(written)}")


def _page(written: Report) -> str:
    return written.page.resolve().as_uri()


def main() -> None:
    """Run `generate-report`."""
    guarded(lambda: alone(report)(standalone_mode=False))
