"""Kills a tiny study at random moments until it is done, and compares it with one left alone.

    .venv/bin/python benchmarks/kill_soak.py [--kills 20] [--concurrent 1] [--cohort 1] [--seed 0]

What is killed, always with SIGKILL: the driver, a worker, or the whole Ray cluster (gcs_server and raylet). Prints what
was killed and when, then what came of it; exits with 1 if a trial was lost or run twice, a run in MLflow is doubled or for
ever RUNNING, or (one trial or cohort at a time) the trials differ from the undisturbed study's.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

SCRIPT = Path(__file__).resolve().parents[1] / "tests" / "support" / "trivial_study.py"


def start(folder: Path, seconds: float, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the study in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = (folder / "log.txt").open("ab")
    size = (options.trials, options.concurrent, options.cohort)
    command = [sys.executable, str(SCRIPT), str(folder), str(seconds), *map(str, size)]
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def kill(driver: subprocess.Popen[bytes], victim: str) -> bool:
    """Kill `victim` of a running study; return whether there was one."""
    try:
        family = psutil.Process(driver.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return False
    found = {
        "driver": [psutil.Process(driver.pid)],
        "worker": [one for one in family if name(one).startswith("ray::") and not name(one).endswith("Agent")],
        "cluster": [one for one in family if Path(name(one)).name in ("gcs_server", "raylet")],
    }[victim]
    chosen = random.sample(found, 1) if victim == "worker" and found else found
    for one in chosen:
        one.kill()
    return bool(chosen)


def name(process: psutil.Process) -> str:
    """Return what a process calls itself."""
    try:
        return (process.cmdline() or [""])[0]
    except psutil.NoSuchProcess:
        return ""


def trials(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return what the ledger in `folder` holds: study -> (number, state, settings, value)."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / "output" / "ledger.jsonl")))
    return {
        name: [
            (one.number, one.state.name, json.dumps(one.user_attrs["settings"], sort_keys=True), one.value)
            for one in optuna.load_study(study_name=name, storage=storage).get_trials()
        ]
        for name in optuna.get_all_study_names(storage)
    }


def faults(disturbed: Path, undisturbed: Path, concurrent: int) -> list[str]:
    """Return what went wrong."""
    from mlflow import MlflowClient

    found, expected = trials(disturbed), trials(undisturbed)
    wrong = []
    count = {key: len(rows) for key, rows in found.items()}
    if count != {key: len(rows) for key, rows in expected.items()}:
        wrong.append(f"trials {count} in place of { {key: len(rows) for key, rows in expected.items()} }")
    wrong += [f"{key}: {row}" for key, rows in found.items() for row in rows if row[1] != "COMPLETE"]
    if concurrent == 1 and found != expected:
        wrong += [
            f"{key}: {a} in place of {b}"
            for key in expected
            for a, b in zip(found.get(key, []), expected[key], strict=False)
            if a != b
        ]
    steps = Counter(tuple(line.split()[1:]) for line in (disturbed / "events.txt").read_text().splitlines())
    wrong += [
        f"trial {key[0]} trained to iteration {key[1]} {times} times" for key, times in steps.items() if times > 1
    ]
    client = MlflowClient(f"sqlite:///{disturbed / 'output' / 'mlflow.db'}")
    [experiment] = [one for one in client.search_experiments() if one.name == "trivial"]
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    names = Counter(run.data.tags["crescendo.trial"] for run in runs)
    wrong += [f"MLflow: {times} runs of {trial}" for trial, times in names.items() if times > 1]
    wrong += [f"MLflow: {run.info.run_name} is {run.info.status}" for run in runs if run.info.status != "FINISHED"]
    if len(runs) != sum(count.values()) + 1:
        wrong.append(f"MLflow: {len(runs)} runs for {sum(count.values())} trials and their parent")
    for run in runs:
        steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "training/objective")] or [
            metric.step for metric in client.get_metric_history(run.info.run_id, "objective")
        ]
        if run.data.tags["crescendo.trial"] != "study" and sorted(set(steps)) != [10, 20, 30]:
            wrong.append(f"MLflow: {run.info.run_name} has steps {steps}")
    return wrong


def main() -> None:
    """Run the soak."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--concurrent", type=int, default=1)
    parser.add_argument("--cohort", type=int, default=1)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory(prefix="crescendo-soak-") as scratch:
        calm, stormy = Path(scratch) / "calm", Path(scratch) / "stormy"
        start(calm, 0, options).wait()
        killed: Counter[str] = Counter()
        began, starts, driver = time.monotonic(), 0, None
        while True:
            if driver is None or driver.poll() is not None:
                if driver is not None and driver.returncode == 0:
                    break
                driver, starts = start(stormy, 1.0, options), starts + 1
                asleep = random.uniform(1, 14)
            else:
                asleep = random.uniform(0.2, 6)
            if sum(killed.values()) >= options.kills:
                driver.wait()
                continue
            try:
                driver.wait(asleep)
                continue
            except subprocess.TimeoutExpired:
                pass
            victim = random.choice(["driver", "driver", "worker", "cluster"])
            struck = kill(driver, victim)
            while not struck and driver.poll() is None:  # Ray's workers take their time to come up
                time.sleep(0.2)
                struck = kill(driver, victim)
            if struck:
                killed[victim] += 1
                print(f"{time.monotonic() - began:6.1f} s: killed the {victim}", flush=True)
                if victim != "worker":
                    moment = time.monotonic()
                    try:
                        driver.wait(120)
                    except subprocess.TimeoutExpired:
                        driver.kill()
                        print("        the driver had to be killed", flush=True)
                    if victim == "cluster":
                        print(f"        the driver ended after {time.monotonic() - moment:.1f} s", flush=True)
        left = [one for one in psutil.process_iter() if str(stormy) in " ".join(_line(one))]
        wrong = faults(stormy, calm, options.concurrent)
        print(f"killed {dict(killed)}, started {starts} times, {sum(map(len, trials(stormy).values()))} trials")
        print(f"processes left: {len(left)}")
        print("\n".join(wrong) if wrong else "nothing lost, nothing run twice, the same trials and the same best")
        if wrong:
            print((stormy / "log.txt").read_text()[-5000:])
        sys.exit(bool(wrong))


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


if __name__ == "__main__":
    main()
