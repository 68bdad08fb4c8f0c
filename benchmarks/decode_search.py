"""How many trainings the inner search saves: lambda_r outside and the merge gap inside, against both in one search.

    .venv/bin/python benchmarks/decode_search.py [--seeds 40] [--iterations 150] [--json FILE]

One model is trained for each of 16 values of lambda_r on the synthetic set, and its validation mAP taken at every merge
gap 0 ... 60. On that table both searches are then played many times, with Optuna's TPE: the two-level one asks for
lambda_r and gets the best gap with it; the joint one asks for a pair. Counted are the trainings that each needs to reach
the best validation mAP that the two-level search found with 8 (a pair whose lambda_r was trained before is a training all
the same: a joint search keeps no scores).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
from yardstick import Row, report

from crescendo.platform.studies.decode_search import DecodeSearch
from crescendo.search_spaces.arms import ArmDecode
from crescendo.search_spaces.schema.spaces import Range
from crescendo.trainables.config_files import read_settings
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.training.job import Job
from crescendo.trainables.training.trial import Trial

LAMBDAS = np.geomspace(0.1, 30, 16)
GAPS = 61
BUDGET, LIMIT = 8, 400


def table(dataset: Dataset, folder: Path, iterations: int) -> np.ndarray:
    """Train a model for each lambda_r and return its validation mAP at IoU 0.5 for each merge gap."""
    decode = DecodeSearch(ArmDecode(Range(low=0, high=GAPS - 1), ("memory",), GAPS, ()), seed=0)
    rows = []
    for number, weight in enumerate(LAMBDAS):
        settings = {
            **read_settings("synthetic"),
            "variant": "score",
            "lambda_r": float(weight),
            "iterations": iterations,
            "evaluate_every": iterations,
            "threads": 1,
        }
        job = Job(
            identity=str(number),
            phase="search",
            dataset=str(dataset.path),
            settings=settings,
            folder=str(folder / str(number)),
            metric="mAP/iou_0.50",
            decode=decode,
        )
        report = Trial(job, dataset).step()
        rows.append([value for _, _, value in report.tried])
        best = int(np.argmax(rows[-1]))
        print(
            f"  lambda_r {weight:6.2f}: best mAP {max(rows[-1]):.3f} at gap {best}, {rows[-1][20]:.3f} at gap 20",
            flush=True,
        )
    return np.array(rows)


def two_level(values: np.ndarray, seed: int, target: float | None = None) -> tuple[int, float]:
    """Return trainings and best mAP of a search for lambda_r, the best gap taken of each: to `target`, else `BUDGET`."""
    return _search(lambda trial: values[trial.suggest_int("lambda", 0, len(LAMBDAS) - 1)].max(), seed, target)


def joint(values: np.ndarray, seed: int, target: float) -> tuple[int, float]:
    """Return trainings and best mAP of a search for lambda_r and the gap at once, to `target`."""

    def objective(trial: optuna.Trial) -> float:
        return float(values[trial.suggest_int("lambda", 0, len(LAMBDAS) - 1), trial.suggest_int("gap", 0, GAPS - 1)])

    return _search(objective, seed, target)


def _search(objective, seed: int, target: float | None) -> tuple[int, float]:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=5))
    best = -1.0
    for count in range(1, LIMIT + 1):
        trial = study.ask()
        value = float(objective(trial))
        study.tell(trial, value)
        best = max(best, value)
        if (target is None and count == BUDGET) or (target is not None and best >= target - 1e-12):
            return count, best
    return LIMIT, best


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--json", metavar="FILE", help="write the ratio there too")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
        dataset = synthesize(Path(scratch) / "data")
        began = time.perf_counter()
        values = table(dataset, Path(scratch), options.iterations)
        print(f"  {len(LAMBDAS)} trainings: {time.perf_counter() - began:.0f} s")
    needed, reached, missed = [], [], 0
    for seed in range(options.seeds):
        _, best = two_level(values, seed)
        outer, _ = two_level(values, seed, best)
        both, found = joint(values, seed, best)
        reached.append(outer)
        needed.append(both)
        missed += found < best - 1e-12
    print(f"trainings to the best validation mAP of {BUDGET} two-level ones, median over {options.seeds} seeds:")
    print(f"  two-level: {statistics.median(reached):.0f}   joint: {statistics.median(needed):.0f}", end="")
    print(f"   (joint did not get there in {LIMIT}: {missed} of {options.seeds})")
    ratio = statistics.median(both / outer for both, outer in zip(needed, reached, strict=True))
    name = "decode search: trainings of a joint search over those of a two-level one"
    report([Row(name, ratio, "none", True, None, None, options.seeds)], options.json)


if __name__ == "__main__":
    main()
