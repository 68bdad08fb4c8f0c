"""Forty trivial trials, in plain Ray Tune and in a sweep of ours: what `sweep_overhead.py` compares."""

from __future__ import annotations

import io
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

import numpy as np
import trivial_study
from ray import tune
from rich.console import Console

from crescendo.platform.studies import runner
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.training.cohort_step import CohortStep
from crescendo.trainables.training.validation_report import ValidationReport

TRIALS, CONCURRENT = 40, 2


class Trivial(tune.Trainable):
    """A trial of three reports and nothing else, the same for Tune and for a sweep; a report takes `seconds`."""

    seconds = 0.0

    def setup(self, config):
        """Begin."""
        self.reset_config(config)

    def reset_config(self, new_config):
        """Begin again."""
        self.identities = [job.identity for job in new_config.get("jobs", ())]
        self.count = 0
        return True

    def step(self):
        """ValidationReport."""
        time.sleep(self.seconds)
        self.count += 1
        done = self.count == 3
        value = self.count / 10
        results = {"validation": SubsetMetrics(Evaluation(("only",), (0.5,), np.array([[value]])))}
        chosen = {"merge_gap": 20, "reset": "memory"} if done else {}
        report = ValidationReport(10 * self.count, value, done, results=results, chosen=chosen)
        # A sweep ends a trial by its report; a trial that tells Tune as well is over before the sweep hears of it.
        return {"step": CohortStep(dict.fromkeys(self.identities, report)), "done": done and not self.identities}

    def save_checkpoint(self, checkpoint_dir):
        """Write nothing."""

    def load_checkpoint(self, checkpoint):
        """Read nothing."""


def plain(folder: Path, reuse: bool) -> None:
    """Run 40 trivial trials in Ray Tune."""
    tune.Tuner(
        tune.with_resources(Trivial, {"CPU": 1}),
        param_space={"learning_rate": tune.loguniform(1e-3, 1)},
        tune_config=tune.TuneConfig(num_samples=TRIALS, max_concurrent_trials=CONCURRENT, reuse_actors=reuse),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    ).fit()


def sweep(folder: Path, seconds: float = 0.0, trials: int = TRIALS, uri: str | None = None) -> None:
    """Run a study of as many trivial trials: one arm, one seed, the rest in the search."""
    small = ("ablate=[{name: one, settings: {variant: score}}]", "confirm.seeds=[0]")
    study = trivial_study.trivial_study(folder.parent, trials=trials - 1, concurrent=CONCURRENT, changes=small)
    trainable = type("Trivial", (Trivial,), {"seconds": seconds})
    runner.run_study(study, folder, trainable=trainable, tracking_uri=uri, console=Console(file=io.StringIO()))


def sweep_alone(folder: Path, seconds: float = 0.0, trials: int = TRIALS) -> None:
    """Run the same study with MLflow left out."""
    with silence():
        sweep(folder, seconds, trials)


class Silent:
    """Takes everything and tells nobody."""

    destination = ""

    def __init__(self, *arguments: object, **options: object) -> None: ...

    def __enter__(self):
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None: ...

    def open_trials(self):
        """Return nothing."""
        return frozenset()

    def __getattr__(self, name: str):
        return lambda *arguments, **options: None


@contextmanager
def silence():
    """Leave MLflow out of the sweeps of the block."""
    tracker, runner.Tracker = runner.Tracker, Silent
    try:
        yield
    finally:
        runner.Tracker = tracker
