"""A whole study on one GPU: `loss_ablation` on one split, 5 arms x 4 trials and 15 confirmations (target: 45 s).

    .venv/bin/python benchmarks/gpu_study.py DATA [--set KEY=VALUE ...] [--cpu] [--json FILE]

DATA is HAPT as `crescendo data import hapt` makes it. Without CUDA one row says so. The clock runs from the call of
`run_study` to its end: Ray's start, all trainings and their results, MLflow's store. The rows of the phases tell where the
seconds went: before the first trial, the search, the confirmations, and after the last.

The last rows tell for how much of that time the GPU had work. In which a cohort trained: the seconds of every stage of
every training follow from the rate that it reported; those trained in one cohort report one rate, and count once. In
which a kernel ran: the mean of nvidia-smi's samples, five a second, where it is installed.

`--set` changes the study as `crescendo sweep` does; with `--cpu` it runs without a GPU and is held to nothing.
Exits with 1 if the target is missed or a training failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from yardstick import Row, not_measured, report

from crescendo.platform.studies.cohorts import SHARE_A_GPU
from crescendo.platform.studies.ledger import LEDGER
from crescendo.platform.studies.runner import run_study
from crescendo.platform.studies.settings import load_study
from crescendo.platform.studies.workspace import TRIALS
from crescendo.search_spaces.study import Study
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.training import checkpoint_folders, checkpoints
from crescendo.trainables.training.validation_report import last_report

NAME, SECONDS = "loss_ablation on HAPT, whole study", 45.0


def settings(on_gpu: bool) -> list[str]:
    """Return what is set beside the study's own: one split, four trials and three seeds an arm, the whole machine for one GPU.

    Three cohorts take turns at the GPU where there are CPUs for all: each gets a third of them.
    """
    cpus = max(1, len(os.sched_getaffinity(0)) // SHARE_A_GPU)
    return [
        "folds=null",
        "search.trials=4",
        "confirm.seeds=[0, 1, 2]",
        "resources.cohort=auto",
        f"resources.cpus={min(cpus, 8)}",
        f"resources.gpus={int(on_gpu)}",
    ]


def seconds_of_phases(trials: Sequence[tuple[str, FrozenTrial]], began: datetime, ended: datetime) -> dict[str, float]:
    """Return the seconds before the first trial, of search and confirmations, and after the last trial; all of them add up.

    A phase ends with its last trial, and the next begins.
    """
    starts = [trial.datetime_start for _, trial in trials if trial.datetime_start]
    times = {"before the first trial": min(starts, default=ended)}
    for phase in ("search", "confirm"):
        ends = [trial.datetime_complete for one, trial in trials if one == phase and trial.datetime_complete]
        times[phase] = max([*ends, *times.values()])
    times["after the last trial"] = ended
    return {
        phase: (until - since).total_seconds()
        for since, (phase, until) in zip([began, *times.values()], times.items(), strict=False)
    }


def trials_of(folder: Path) -> list[tuple[str, FrozenTrial]]:
    """Return phase and trial of every trial in the ledger of the study in `folder`."""
    storage = JournalStorage(JournalFileBackend(str(folder / LEDGER)))
    return [
        ("confirm" if study.study_name.endswith(" (confirm)") else "search", trial)
        for study in storage.get_all_studies()
        for trial in storage.get_all_trials(study._study_id, deepcopy=False)
    ]


def seconds_trained(folder: Path, trials: Sequence[tuple[str, FrozenTrial]]) -> float:
    """Return the seconds that cohorts trained: those of each stage (iterations up to a validation) once a cohort."""
    stages = {}
    for _, trial in trials:
        place, settings = folder / TRIALS / trial.user_attrs["identity"], trial.user_attrs["settings"]
        newest, last = checkpoint_folders.newest(place), last_report(place)
        history = checkpoints.read_checkpoint(newest)[2]["history"] if newest else []
        rates = {row["iteration"]: row["frames_per_second"] for row in history}
        if last is not None:
            rates[last.iteration] = last.frames_per_second
        frames, before = settings["sequences"] * settings["sequence_length"], 0
        for iteration, rate in sorted(rates.items()):
            stages[settings["seed"], iteration, rate] = (iteration - before) * frames / rate
            before = iteration
    return sum(stages.values())


@contextmanager
def watched() -> Iterator[list[float]]:
    """Ask nvidia-smi during the block; after it, the list that is yielded holds its samples: shares of time, 0 to 1."""
    shares: list[float] = []
    program = shutil.which("nvidia-smi")
    if program is None:
        yield shares
        return
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    command = [program, f"--id={first}", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    with tempfile.TemporaryFile("w+") as answers:
        process = subprocess.Popen(command, stdout=answers, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            yield shares
        finally:
            process.kill()
            process.wait()
            answers.seek(0)
            shares += [int(line) / 100 for line in answers if line.strip().isdigit()]


def measure(study: Study, held: bool) -> list[Row]:
    """Run `study` and return the rows: the whole, its phases, and the work of the GPU."""
    with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
        folder = Path(scratch) / "output"
        with watched() as busy:
            began, clock = datetime.now(), time.perf_counter()
            sweep = run_study(study, folder)
            seconds, ended = time.perf_counter() - clock, datetime.now()
        problem = "interrupted" if sweep.interrupted else sweep.run.problem or sweep.run.shortfall()
        trials = trials_of(folder)
        trained = seconds_trained(folder, trials)
    good = sum(trial.state is TrialState.COMPLETE for _, trial in trials)
    if problem or good < len(trials):
        return [
            not_measured(NAME, f"failed: {problem or f'{good} of {len(trials)} trainings came to an end'}", holds=False)
        ]
    ratio = seconds / SECONDS
    rows = [
        Row(
            f"{NAME}, {good} trainings, seconds over {SECONDS:g}",
            ratio,
            "at most 1" if held else "none",
            ratio <= 1 or not held,
            seconds,
            SECONDS,
            1,
        )
    ]
    parts = {f"share of it: {name}": taken for name, taken in seconds_of_phases(trials, began, ended).items()}
    parts["share of it in which a cohort trained"] = trained
    if busy:
        parts["share of it in which a kernel ran"] = statistics.mean(busy) * seconds
    return rows + [Row(name, taken / seconds, "none", True, taken, seconds, 1) for name, taken in parts.items()]


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", type=Path, help="folder of the prepared data set")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="change the study")
    parser.add_argument("--cpu", action="store_true", help="run without a GPU; held to nothing")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    try:
        Dataset(options.data)  # what is wrong with it is said before Ray starts
        study = load_study("loss_ablation", [*settings(not options.cpu), *options.set], options.data)
    except InputError as error:
        sys.exit(f"error: {error}")
    if options.cpu or torch.cuda.is_available():
        rows = measure(study, held=not options.cpu)
    else:
        rows = [not_measured(NAME, "skipped: no CUDA", holds=True)]
    sys.exit(0 if report(rows, options.json) else 1)


if __name__ == "__main__":
    main()
