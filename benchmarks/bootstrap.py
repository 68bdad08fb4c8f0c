"""Speed of a report's numbers: the bootstrap against one resample at a time, and in seconds; reading a large study.

    CRESCENDO_TEST_DATA=../shared/data .venv/bin/python benchmarks/bootstrap.py [--json FILE] [--large-study]

The bootstrap is that of 5 arms x 5 seeds on HAPT's test part where CRESCENDO_TEST_DATA names the folder of real data,
otherwise on generated ground truth of the same size; its 10,000 resamples must take less than a minute on 2 cores.
`--large-study` also makes a store of 1,000 search runs and 50 confirm runs (minutes) and reports on it, which must take
less than a minute and 2 GB. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from yardstick import Row, argument_parser, compare, report

from crescendo.reports.analysis.resampling import MatchedRun, matched_run, resample_weights, resampled_mean_ap
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.importers.hapt import import_hapt
from crescendo.trainables.evaluation.average_precision import average_precision
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, match
from crescendo.trainables.evaluation.mean_ap import truth_of

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

ARMS, SEEDS, RESAMPLES = 5, 5, 10_000
IOU = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
RECORDINGS, LABELS, SEGMENTS = 19, 12, 360
MOST_SECONDS, MOST_BYTES = 60.0, 2 * 1024**3


def hapt_truth(data: Path | None, random: np.random.Generator) -> GroundTruth:
    """The segments of HAPT's test part, or as many generated ones."""
    if data is None:
        start = random.uniform(0, 400, SEGMENTS)
        where = random.integers(0, RECORDINGS, SEGMENTS)
        return GroundTruth(where, random.integers(0, LABELS, SEGMENTS), start, start + random.uniform(2, 20, SEGMENTS))
    with tempfile.TemporaryDirectory() as scratch:
        import_hapt(data / "hapt.zip", Path(scratch) / "hapt")
        dataset = Dataset(Path(scratch) / "hapt")
        test = dataset.recordings("test")
        return truth_of({name: dataset.annotations.recordings[name].segments for name in test}).segments


def detections(truth: GroundTruth, random: np.random.Generator) -> DetectionArrays:
    """What a trained model might detect: every segment, moved, one in ten with a wrong label."""
    size = len(truth.start)
    start = truth.start + random.normal(0, 1, size)
    wrong = random.random(size) < 0.1
    label = np.where(wrong, random.integers(0, truth.label.max() + 1, size), truth.label)
    none = np.zeros(size, dtype=np.int64)
    end = np.maximum(start + 0.1, truth.end + random.normal(0, 1, size))
    return DetectionArrays(truth.recording, label, start, end, random.random(size), none, none + 1)


def scored_anew(truth: GroundTruth, found: DetectionArrays, weights: np.ndarray, labels: int) -> np.ndarray:
    """Return the AP of the resample that holds each recording so many times."""

    def copied(recording: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        times = weights[recording]
        copy = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        return np.repeat(np.arange(len(recording)), times), copy * len(weights)

    rows, shift = copied(truth.recording)
    resampled = GroundTruth(truth.recording[rows] + shift, truth.label[rows], truth.start[rows], truth.end[rows])
    rows, shift = copied(found.recording)
    drawn = found.taken(rows)
    drawn = replace(drawn, recording=drawn.recording + shift)
    return average_precision(resampled, drawn, match(resampled, drawn, IOU), labels=labels)


def bootstrap_seconds(runs: list[MatchedRun], recordings: int) -> Row:
    """Return how long the whole bootstrap takes, in parts of what it may take."""
    begin = time.perf_counter()
    resampled_mean_ap(runs, recordings, resamples=RESAMPLES, seed=0)
    seconds = time.perf_counter() - begin
    name = f"bootstrap: {len(runs)} runs, {RESAMPLES:,} resamples of {recordings} recordings, over {MOST_SECONDS:g} s"
    return Row(name, seconds / MOST_SECONDS, "at most 1", seconds < MOST_SECONDS, seconds, MOST_SECONDS, 1)


def make_large_study(output: Path, searches: int = 200, seeds: int = 10) -> None:
    """Write a store of so many search and confirm runs an arm, of 5 arms; copies of the golden study's."""
    import shutil

    from mlflow.entities import Metric, Param, RunTag
    from stored_study import told

    from crescendo.reports.source.store import mlflow_client

    source = told(output.with_name("golden"))
    client = mlflow_client(f"sqlite:///{source / 'mlflow.db'}")
    runs = list(client.search_runs([client.get_experiment_by_name("golden").experiment_id]))
    parent = next(run for run in runs if run.data.tags["crescendo.phase"] == "study")
    (output / "tracking").mkdir(parents=True)
    shutil.copy(source / "tracking" / "journal.jsonl", output / "tracking")
    client = mlflow_client(f"sqlite:///{output / 'mlflow.db'}")
    place = (output / "mlartifacts").as_uri()
    experiment = client.create_experiment("golden", place)

    def copy(run: object, name: str, tags: dict[str, str], metrics: dict[str, float], params: dict[str, str]) -> str:
        made = client.create_run(experiment, tags={**run.data.tags, **tags, "mlflow.runName": name}, run_name=name)  # type: ignore[attr-defined]
        key = made.info.run_id
        client.log_batch(
            key,
            metrics=[Metric(one, value, 0, 0) for one, value in metrics.items()],
            params=[Param(one, value) for one, value in params.items()],
            tags=[RunTag("crescendo.copy", "true")],
        )
        client.set_terminated(key, "FINISHED")
        return str(key)

    params = parent.data.params | {"confirm.seeds": str(list(range(seeds)))}
    copy(
        parent,
        "golden",
        {"crescendo.arms": str([f"arm {number}" for number in range(5)]).replace("'", '"')},
        {},
        params,
    )
    search = next(run for run in runs if run.info.run_name == "variant=score search 0")
    confirm = next(run for run in runs if run.info.run_name == "variant=score confirm 0")
    artifacts = source / "mlartifacts" / confirm.info.run_id / "artifacts"
    for arm in range(5):
        for number in range(searches):
            objective = search.data.metrics | {"objective": 1 / (1 + number)}
            rate = search.data.params if number == 0 else search.data.params | {"learning_rate": str(0.001 * number)}
            copy(search, f"arm {arm} search {number}", {"crescendo.arm": f"arm {arm}"}, objective, rate)
        for number in range(seeds):
            tags = {"crescendo.arm": f"arm {arm}", "crescendo.seed": str(number)}
            settings = confirm.data.params | {"seed": str(number)}
            key = copy(confirm, f"arm {arm} confirm {number}", tags, confirm.data.metrics, settings)
            shutil.copytree(artifacts, output / "mlartifacts" / key / "artifacts")


def large_study() -> bool:
    """Report on a large study in a process of its own; return whether time and memory are little enough."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "large"
        make_large_study(output)
        begin = time.perf_counter()
        script = "import sys; from crescendo.reports.generate import generate_report; generate_report([sys.argv[1]])"
        subprocess.run([sys.executable, "-c", script, str(output)], check=True)
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"1,000 search and 50 confirm runs: {seconds:.1f} s (at most {MOST_SECONDS:g}), {peak / 1024**3:.2f} GiB (at most 2)"
    )
    return seconds < MOST_SECONDS and peak < MOST_BYTES


def main() -> None:
    """Run all."""
    parser = argument_parser(__doc__)
    parser.add_argument("--large-study", action="store_true", help="also report on 1,050 runs")
    options = parser.parse_args()
    folder = os.environ.get("CRESCENDO_TEST_DATA")
    random = np.random.default_rng(0)
    truth = hapt_truth(Path(folder) if folder else None, random)
    recordings, labels = int(truth.recording.max()) + 1, int(truth.label.max()) + 1
    found = [detections(truth, random) for _ in range(ARMS * SEEDS)]
    runs = [matched_run(truth, one, IOU, labels=labels, recordings=recordings) for one in found]
    weights = np.concatenate(list(resample_weights(recordings, 2048, 0)))
    row = compare(
        "bootstrap: 2,048 resamples of one run, times faster than scoring each anew",
        lambda: resampled_mean_ap(runs[:1], recordings, resamples=len(weights), seed=0, threads=1),
        lambda: [scored_anew(truth, found[0], one, labels) for one in weights],
        at_least=5,
        repeats=3,
    )
    held = [report([row, bootstrap_seconds(runs, recordings)], options.json)]
    if options.large_study:
        held.append(large_study())
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
