"""`crescendo sweep`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from crescendo.platform.commands.study import Assignments, DatasetFolder, StudyName
from crescendo.platform.studies.settings import auto_reasons, load_study
from crescendo.platform.terminal_text import say, terminal_console
from crescendo.trainables.errors import InputError

INTERRUPTED = 130
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
    extend: Annotated[bool, typer.Option("--extend", help="Add trials, arms, seeds or repeats to a study.")] = False,
    join: Annotated[bool, typer.Option("--join", help="Join the Ray cluster on this machine, if one runs.")] = False,
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
    from crescendo.platform.studies.study_tables import outcome

    result = run_study(study, folder, tracking_uri=tracking_uri, extend=extend, join=join)
    screen = Screen(terminal_console(), folder / LOG)
    if result.interrupted:
        screen.show(f"Interrupted; nothing is lost. To go on: crescendo sweep {name} --output {folder}")
        raise typer.Exit(INTERRUPTED)
    for part in outcome(result.run):
        screen.show(part)
    for line in textwrap.wrap(result.verdict.text, _WIDTH):
        screen.show(line)
    screen.show(f"Runs: {result.store}. Everything else: {folder}.")
    if result.backlog.waiting:
        screen.show(
            f"{result.backlog.waiting} records could not be sent ({result.backlog.error}); later: crescendo sync {folder}"
        )
    problem = result.run.problem or result.run.shortfall()
    if problem:
        screen.show(f"error: {problem}", style="red")
        raise typer.Exit(1)
    screen.show(f"Look at them: crescendo ui {folder}; tables and figures: generate-report {folder}")
