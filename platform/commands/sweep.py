"""`crescendo sweep`."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crescendo.platform.commands.report import EVERY
from crescendo.platform.commands.report_process import ReportProcess
from crescendo.platform.commands.study import Assignments, DatasetFolder, StudyName
from crescendo.platform.console import INTERRUPTED
from crescendo.platform.studies.settings import auto_reasons, load_study
from crescendo.platform.terminal_text import say, terminal_console
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.addresses import shown_address, shown_dataset

if TYPE_CHECKING:
    from crescendo.platform.studies.runner import Sweep
    from crescendo.platform.studies.screen import Screen

_WIDTH = 80
RAY_COPY = "working_dir_files"  # Ray unpacks the working directory of a job below a folder of this name


def sweep(
    name: StudyName,
    dataset: DatasetFolder = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of all that comes of it; default: results/NAME.")
    ] = None,
    assignments: Assignments = [],  # noqa: B006  # typer's way
    tracking_uri: Annotated[
        str | None,
        typer.Option(
            metavar="URI", envvar="MLFLOW_TRACKING_URI", help="MLflow server; default: a store in the output folder."
        ),
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Add trials, arms, seeds, repeats or hours to a study.")
    ] = False,
    join: Annotated[bool, typer.Option("--join", help="Join the Ray cluster on this machine, if one runs.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write the report again as trials end, in report/ of the output folder.")
    ] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="With --report: at most so often.", min=1, max=86_400)
    ] = EVERY,
) -> None:
    """Run a study: every arm searched with the same budget, its best setting confirmed with fresh seeds.

    Run again after an interruption, whatever it was, it goes on where it stopped. RAY_ADDRESS names a Ray cluster to run
    on; without it Ray starts on this machine.
    """
    study = load_study(name, assignments, dataset)
    folder = output or Path("results") / study.name
    if RAY_COPY in folder.absolute().parts:
        raise InputError(
            f"--output {folder}: lies in the copy of the working directory that Ray made for this job and throws away "
            "after it; give an absolute path that stays, on shared storage if the cluster has several nodes"
        )
    for reason in auto_reasons(study):
        say(reason)

    # torch, Ray and Optuna take seconds: help and an error in the study come before them.
    from crescendo.platform.studies.runner import run_study
    from crescendo.platform.studies.screen import LOG, Screen

    screen = Screen(terminal_console(), folder / LOG)
    with ReportProcess(folder, every, tracking_uri) as reports:
        begin = reports.begin if report else None
        try:
            result = run_study(study, folder, tracking_uri=tracking_uri, extend=extend, join=join, begun=begin)
            reports.finish()
        except KeyboardInterrupt:  # before trials run, which would end in order, or for the second time
            result = None
        if result is None or result.interrupted:
            command = again(
                name, folder, assignments, dataset=dataset, tracking_uri=tracking_uri, join=join, report=report
            )
            screen.show(f"Interrupted; nothing is lost. To go on: {command}")
            raise typer.Exit(INTERRUPTED)
        _tell(result, folder, screen, reported=report)


def _tell(result: Sweep, folder: Path, screen: Screen, *, reported: bool) -> None:
    """Say what came out; `typer.Exit` with 1 if the study did not get all it asked for."""
    # It loads Optuna, which `--help` does not need.
    from crescendo.platform.studies.study_tables import outcome

    there = shlex.quote(str(folder))
    for part in outcome(result.run):
        screen.show(part)
    verdict, paid_for = result.verdict, result.run.paid_for
    cut = [f"{paid_for[0].upper()}{paid_for[1:]}."] if paid_for else []
    for said in (verdict.text, *(f"{arm}: {sentence}" for arm, sentence in verdict.arms.items()), *cut):
        for line in textwrap.wrap(said, _WIDTH):
            screen.show(line)
    screen.show(f"Runs: {result.store}. Everything else: {folder}.")
    if result.backlog.waiting:
        screen.show(
            f"{counted(result.backlog.waiting, 'record')} could not be sent ({result.backlog.error}); later: crescendo sync "
            f"{there}"
        )
    problem = result.run.problem or result.run.shortfall()
    if problem:
        screen.show(f"error: {problem}", style="red")
        raise typer.Exit(1)
    figures = "" if reported else f"; tables and figures: generate-report {there}"
    screen.show(f"Look at them: crescendo ui {there}{figures}")


def again(
    name: str,
    folder: Path,
    assignments: Sequence[str] = (),
    *,
    dataset: str | None = None,
    tracking_uri: str | None = None,
    join: bool = False,
    report: bool = False,
) -> str:
    """Return the command that goes on with a study, as a shell takes it, addresses without what may be secret."""
    words = ["crescendo", "sweep", name, "--output", str(folder)]
    if dataset is not None:
        words += ["--dataset", shown_dataset(dataset)]
    for assignment in assignments:
        words += ["--set", _shown(assignment)]
    if tracking_uri is not None:
        words += ["--tracking-uri", shown_address(tracking_uri)]
    return shlex.join([*words, *(["--join"] if join else []), *(["--report"] if report else [])])


def _shown(assignment: str) -> str:
    key, sign, value = assignment.partition("=")
    if "://" not in value:
        return assignment
    return f"{key}{sign}{shown_dataset(value) if key.strip() == 'dataset' else '...'}"
