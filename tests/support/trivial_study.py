"""A study that takes no time: what it trains is arithmetic. Also a script that runs it, for tests that kill it."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from ray import tune
from rich.console import Console

from crescendo.platform.studies.runner import run_study
from crescendo.platform.studies.settings import resolve_settings
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.study import Study
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.errors import DivergedError, SurroundingsError
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.storage.json_files import write_json
from crescendo.trainables.training.cohort_step import CohortStep, failure_line, leaves_cohort
from crescendo.trainables.training.job import Job
from crescendo.trainables.training.validation_report import ValidationReport

STUDY = """
name: trivial
dataset: {dataset}
base: {{iterations: 30, evaluate_every: 10}}
ablate: {{variant: [none, score]}}
search:
  trials: {trials}
  startup_trials: 2
  space:
    learning_rate: {{low: 1.0e-3, high: 1.0, log: true}}
    lambda_r: {{low: 0.1, high: 30, log: true, when: {{variant: [score]}}}}
  start:
    - {{lambda_r: 6, learning_rate: 0.01}}
decode: {{merge_gap: [10, 20], reset: [memory]}}
confirm: {{seeds: [0, 1]}}
resources: {{cpus: 1, cohort: {cohort}, concurrent: {concurrent}}}
"""


def trivial_study(
    folder: Path, *, trials: int = 3, concurrent: int = 1, cohort: int | str = "auto", extra: str = "", changes=()
) -> Study:
    """A study of the trivial trainable, on a data set of nearly nothing that is made in `folder`."""
    dataset = folder / "dataset"
    if not dataset.exists():
        synthesize(dataset, recordings=2, labels=3, feature_dim=4)
    text = STUDY.format(dataset=dataset, trials=trials, concurrent=concurrent, cohort=cohort) + extra
    return parse_study(text, "trivial.yaml", changes, resolve_settings)


def value(settings: dict, iteration: int) -> float:
    """What a trial reports at an iteration: best at a learning rate of 0.1."""
    rate = abs(settings["learning_rate"] - 0.1)
    return (
        iteration / settings["iterations"] / (1 + rate + 0.001 * settings.get("lambda_r", 0)) + 1e-4 * settings["seed"]
    )


class Trivial(tune.Trainable):
    """Reports arithmetic; keeps iterations in the trials' folders as real trials keep their checkpoints.

    `step_seconds` is how long a step takes; `events` the file that every step of a trial is noted in, as process, identity
    and iteration; `hold` a file that keeps steps, once noted, from ending while it is there; `breaks` a folder with a file
    for everything that goes wrong in the search, in the order of their names: `break-*` a process that fails, `away-*` one
    for which a disk is away, `diverge-*` a single trial, `construct-*` a process that cannot be made.
    """

    step_seconds = 0.0
    events: str | None = None
    hold: str | None = None
    breaks: str | None = None

    def setup(self, config):
        for marker in Path(self.breaks).glob("construct*") if self.breaks else ():
            marker.unlink()
            raise TypeError("built of\nnothing")
        self.members = [Member(job) for job in config["jobs"]]

    def reset_config(self, new_config):
        self.setup(new_config)
        return True

    def step(self):
        reports, failures, self.noted = {}, {}, False
        time.sleep(self.step_seconds)
        for member in list(self.members):
            if leaves_cohort(member.job.folder):
                self.members.remove(member)
                continue
            try:
                self.advance(member)
            except DivergedError as error:
                failures[member.job.identity] = failure_line(error)
                self.members.remove(member)
                continue
            report = reports[member.job.identity] = member.report()
            if report.done:
                self.members.remove(member)
        while self.noted and self.hold and Path(self.hold).exists():
            time.sleep(0.02)
        return {"step": CohortStep(reports, failures)}

    def advance(self, member) -> None:
        self.job, self.saved = member.job, member.saved
        if not member.resumed:
            self.fail()
            self.saved["iteration"] += self.job.settings["evaluate_every"]
            write_json(member.file, self.saved)
            self.note()
            self.noted = True
        member.resumed = False

    def note(self) -> None:
        if self.events:
            with Path(self.events).open("a") as file:
                file.write(f"{os.getpid()} {self.job.identity} {self.saved['iteration']}\n")

    def fail(self) -> None:
        if self.breaks and self.job.phase == "search":
            folder = Path(self.breaks)
            for marker in sorted(folder.iterdir()):
                marker.unlink()
                kind = marker.name.partition("-")[0]
                raise {"away": SurroundingsError, "diverge": DivergedError}.get(kind, ArithmeticError)(
                    "the loss is not finite"
                )


class Member:
    """A trial of a cohort of the trivial trainable."""

    def __init__(self, job: Job):
        self.job, self.file = job, Path(job.folder) / "state.json"
        self.saved = json.loads(self.file.read_text()) if self.file.exists() else {"iteration": 0}
        self.resumed = self.file.exists()
        leaves_cohort(job.folder)

    def report(self) -> ValidationReport:
        settings, iteration = self.job.settings, self.saved["iteration"]
        done = iteration >= settings["iterations"]
        objective = value(settings, iteration)
        scores = SubsetMetrics(Evaluation(("only",), (0.5,), np.array([[objective]])))
        splits = ("validation", "test") if done and self.job.phase == "confirm" else ("validation",)
        return ValidationReport(
            iteration=iteration,
            objective=objective,
            done=done,
            results=dict.fromkeys(splits, scores),
            chosen={"reset": "memory", "merge_gap": 20} if done else {},
        )


def trivial(**attributes) -> type:
    """The trainable with other class attributes."""
    return type("Trivial", (Trivial,), attributes)


def main(folder: str, seconds: str, trials: str, concurrent: str, cohort: str = "1") -> None:
    """Run the study in `folder` and print how it ended; a file `hold` there stops it for as long as it is there."""
    place = Path(folder)
    study = trivial_study(place, trials=int(trials), concurrent=int(concurrent), cohort=int(cohort))
    trainable = trivial(step_seconds=float(seconds), events=str(place / "events.txt"), hold=str(place / "hold"))
    sweep = run_study(study, place / "output", trainable=trainable, console=Console(stderr=True))
    print(json.dumps({"interrupted": sweep.interrupted, "over": sweep.run.over}))
    sys.exit(130 if sweep.interrupted else 1 if sweep.run.problem else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
