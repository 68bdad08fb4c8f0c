"""What a sweep costs beside its trials.

    .venv/bin/python benchmarks/platform.py [--rounds 5] [--only overhead|tracking|restart] [--json FILE]

1. Wall time of a sweep of 40 trivial trials over the same 40 in plain Ray Tune with `reuse_actors=True` (at most 1.1) and
   in Ray Tune as it comes (at most 0.3). Two trials at once, three reports each. Once with MLflow left out, which is what
   the engine costs, and once with a local store that is made and told everything before the sweep ends.
2. Wall time of a sweep of 1-second trials with MLflow on a server over HTTP, over the same sweep with MLflow left out (at
   most 1.05).
3. Time to take up a study of 10,000 finished trials (under 10 s).

Every ratio is taken in one run, the candidates in turn, medians over the rounds. Each is given a Ray of its own, started
before the clock, with its workers up: whether Ray has spare ones left from before makes seconds of difference.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from crescendo.search_spaces.arms import arms_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

import ray
import trivial_study
import trivial_sweeps
from optuna.distributions import FloatDistribution
from ray import cloudpickle
from trivial_sweeps import CONCURRENT, TRIALS, plain, sweep, sweep_alone
from yardstick import Row, report, rounds

from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tuning.session import ray_session
from crescendo.search_spaces.arms import Arm
from crescendo.search_spaces.study import Study
from crescendo.trainables.training.validation_report import ValidationReport


@contextmanager
def server(folder: Path):
    """Start an MLflow server and yield its address."""
    port = 5601
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        uri = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while True:
            try:
                urlopen(f"{uri}/health", timeout=1).read()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield uri
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


@ray.remote
def up() -> None:
    """Take so long that every worker starts."""
    time.sleep(0.5)


def medians(
    candidates: dict[str, Callable[[Path], None]], scratch: Path, rounds: int, *, warm: bool = False
) -> dict[str, float]:
    """Return the median wall time of each candidate, taken in turn; unless it is `warm`, a round before warms up."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(warm, rounds + 1):
        for name, run in candidates.items():
            folder = scratch / f"{name.replace(' ', '-')}-{number}" / "output"
            folder.parent.mkdir()
            with ray_session():
                ray.get([up.remote() for _ in range(CONCURRENT)])
                began = time.perf_counter()
                run(folder)
                seconds = time.perf_counter() - began
            print(f"    {'warm-up' if not number else f'round {number}'} {name}: {seconds:.2f} s", flush=True)
            if number:
                times[name].append(seconds)
    for name, one in times.items():
        print(f"  {name:32} {statistics.median(one):7.2f} s   ({', '.join(f'{value:.2f}' for value in one)})")
    return {name: statistics.median(one) for name, one in times.items()}


def row(name: str, ours: float, theirs: float, at_most: float, rounds: int) -> Row:
    """Return the row of two medians in seconds."""
    ratio = ours / theirs
    return Row(name, ratio, f"at most {at_most:g}", ratio <= at_most, ours, theirs, rounds)


def overhead(scratch: Path, count: int) -> list[Row]:
    """Compare a sweep with plain Tune."""
    print(f"{TRIALS} trivial trials, {CONCURRENT} at once", flush=True)
    found = medians(
        {
            "sweep": sweep,
            "sweep without MLflow": sweep_alone,
            "Tune, reuse_actors=True": lambda folder: plain(folder, True),
        },
        scratch,
        count,
    )
    # Ten times as long: one round is enough to tell.
    found |= medians({"Tune, default": lambda folder: plain(folder, False)}, scratch, 1, warm=True)
    return [
        row(f"{name} of {TRIALS} trivial trials over {other}", found[name], found[other], at_most, times)
        for other, at_most, times in (("Tune, reuse_actors=True", 1.1, count), ("Tune, default", 0.3, 1))
        for name in ("sweep", "sweep without MLflow")
    ]


def tracking(scratch: Path, count: int) -> list[Row]:
    """Compare a sweep that tells an MLflow server with one that tells nobody."""
    print("20 trials of 1 second, 2 at once", flush=True)

    with server(scratch) as uri:
        found = medians(
            {
                "MLflow over HTTP": lambda folder: sweep(folder, 1 / 3, 20, uri),
                "without MLflow": lambda folder: sweep_alone(folder, 1 / 3, 20),
            },
            scratch,
            count,
        )
    name = "sweep of 1-second trials, MLflow over HTTP over none"
    return [row(name, found["MLflow over HTTP"], found["without MLflow"], 1.05, count)]


def restart(scratch: Path) -> list[Row]:
    """Time how long a study of 10,000 finished trials takes to be taken up."""
    folder = scratch / "many" / "output"
    folder.mkdir(parents=True)
    changes = ("confirm.seeds=[0]", "search.sampler=random")
    study = trivial_study.trivial_study(folder.parent, trials=5000, changes=changes)
    place = Workspace(folder, study.dataset, "hash")
    ledger = Ledger(folder)
    with ledger._journal.batch():
        for arm, number in itertools.product(arms_of(study), range(5000)):
            record(ledger, study, arm, number)
    ledger.close()
    began = time.perf_counter()
    ledger = Ledger(folder)
    run = StudyRun(study, ledger, place)
    opened = time.perf_counter() - began
    jobs = run.next_jobs()
    proposed = time.perf_counter() - began
    assert len(jobs) == 1
    count = sum(len(run.entries(arm.name, "search")) for arm in arms_of(study))
    size = (folder / "ledger.jsonl").stat().st_size / 2**20
    ledger.close()
    print(
        f"{count} finished trials, a ledger of {size:.0f} MiB: taken up in {opened:.1f} s, next trial after {proposed:.1f} s"
    )
    return [row("taking up 10,000 finished trials, seconds over 10", proposed, 10.0, 1.0, 1)]


def record(ledger: Ledger, study: Study, arm: Arm, number: int) -> None:
    """Write down a finished trial of three reports, with as many metrics as a real one."""
    distributions = {"learning_rate": FloatDistribution(1e-3, 1.0, log=True)}
    values = {"learning_rate": 1e-3 * (1 + number / 10)}
    settings = {**arm.settings, **values, "seed": study.search.seed}
    entry = ledger.add(
        arm.name,
        "search",
        identity=hashlib.sha256(f"{arm.name}-{number}".encode()).hexdigest()[:16],
        settings=settings,
        values=values,
        distributions=distributions,
    )
    for iteration in (10, 20, 30):
        report = ValidationReport(iteration, 0.5, iteration == 30, chosen={"merge_gap": 20, "reset": "memory"})
        if report.done:
            ledger.complete(
                entry, report, {f"validation/mAP/iou_{threshold / 10:.2f}": 0.5 for threshold in range(1, 9)}
            )
        else:
            entry = ledger.report(entry, report, None)


def main() -> None:
    """Run all three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["overhead", "tracking", "restart"])
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    count = rounds(options.rounds)
    cloudpickle.register_pickle_by_value(trivial_sweeps)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
        if options.only in (None, "restart"):
            rows += restart(Path(scratch))
        if options.only in (None, "overhead"):
            rows += overhead(Path(scratch), count)
        if options.only in (None, "tracking"):
            rows += tracking(Path(scratch), count)
    sys.exit(0 if report(rows, options.json) else 1)


if __name__ == "__main__":
    main()
