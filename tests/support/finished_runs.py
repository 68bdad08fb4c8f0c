"""Small finished runs: a training folder and a confirmed trial's folder."""

from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from crescendo.platform.cli import app
from crescendo.trainables.training.job import Job
from crescendo.trainables.training.trial import Trial

SETTINGS = {
    "hidden_size": 8,
    "sequences": 8,
    "sequence_length": 30,
    "iterations": 30,
    "evaluate_every": 15,
    "learning_rate": 0.03,
    "merge_gap": 3,
    "iou": [0.3, 0.5],
    "fractions": [0.3, 1.0],
    "threads": 1,
}


def command(*arguments: object):
    """Run the command line in this process; an `InputError` is the result's `exception`."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


def assignments(settings: Mapping[str, object]) -> list[str]:
    """Return the `--set` options of a small training, with `settings` changed."""
    return [word for key, value in {**SETTINGS, **settings}.items() for word in ("--set", f"{key}={value}")]


def training(dataset, output: Path, **settings: object) -> Path:
    done = command("train", dataset.path, "--output", output, *assignments(settings))
    assert done.exit_code == 0, done.output
    return output


def trial(dataset, folder: Path, phase: str = "confirm") -> Path:
    def decode(values, gaps=(3, 5)):
        return "state", max(zip(values("state", gaps), gaps, strict=True))[1]

    job = Job("t", phase, str(dataset.path), SETTINGS, str(folder), "mAP/mean", decode=decode)
    running = Trial(job, dataset)
    while not running.step().done:
        pass
    return folder
