"""The GPU's tests and benchmarks on a machine without a network: what `make gpu-bundle` packs as `check.py`.

    python3 check.py [--output FOLDER] [--data DATA] [--only tests|gpu|study ...]

Needs Python with torch and numpy, and neither network nor root: what else is needed lies beside it as wheels, which are
unpacked into a temporary folder. Writes to FOLDER (default: `gpu_check` in the working folder) what every step printed,
`summary.txt`, and `results.json`, from which `page.py` makes a section of docs/benchmarks.md. Exits with 1 if a test
fails or a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
CODE, WHEELS, DATA = HERE / "code", HERE / "wheels", HERE / "data" / "hapt"
ROOMS = ("platform", "trainables", "search_spaces", "reports")
TESTS = (
    "tests/trainables/test_captures.py",
    "tests/trainables/training/test_cohort.py",
    "tests/trainables/training/test_cohort_session.py",
    "tests/trainables/training/test_feed.py",
    "tests/trainables/training/test_gpu_driver.py",
    "tests/trainables/training/test_step.py",
    "tests/trainables/training/test_trainer.py",
    "tests/trainables/training/test_turn.py",
    "tests/trainables/inference/test_scoring.py",
)
STEPS = ("tests", "gpu", "study")
LIMIT = 900
"""Seconds after which a step is ended."""

_MACHINE = """
import json, sys, torch
sys.path.insert(0, "benchmarks")
from page import machine
gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
print(json.dumps({**machine(), "gpu": gpu, "cuda": torch.version.cuda}))
"""


def environment(folder: Path) -> dict[str, str]:
    """Unpack the wheels into `folder`, link the rooms below a folder `crescendo`, and return what makes Python see them."""
    site, packages = folder / "site", folder / "packages"
    for wheel in sorted(WHEELS.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    (packages / "crescendo").mkdir(parents=True)
    for room in ROOMS:
        (packages / "crescendo" / room).symlink_to(CODE / room, target_is_directory=True)
    paths = [str(site), str(packages), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }


def run(command: Sequence[str], variables: Mapping[str, str], log: Path) -> tuple[int, float]:
    """Run Python with `command`, its output on the screen and in `log`; return exit code and seconds. No process is left."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=CODE,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    timer = threading.Timer(LIMIT, end, [process.pid])
    timer.start()
    try:
        with log.open("w", encoding="utf-8") as file:
            for line in process.stdout or ():
                file.write(line)
                file.flush()
                print(line, end="", flush=True)
        return process.wait(), time.monotonic() - began
    finally:
        timer.cancel()
        end(process.pid)
        process.wait()


def end(group: int) -> None:
    """End all that a step started, if anything of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def ended(code: int) -> str:
    """Return how a step that failed ended."""
    return f"ended after {LIMIT} s" if code == -signal.SIGKILL else f"exit code {code}"


def tests(variables: Mapping[str, str], output: Path, data: Path) -> dict[str, Any]:
    """Run the tests; return how many passed, failed and were skipped."""
    report = output / "tests.xml"
    command = ["-m", "pytest", "-p", "no:cacheprovider", "-v", f"--junitxml={report}", *TESTS]
    code, seconds = run(command, variables, output / "tests.txt")
    if not report.is_file():
        return {"holds": False, "said": ended(code), "seconds": seconds}
    suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
    total, failed, errors, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
    counts = {"passed": total - failed - errors - skipped, "failed": failed + errors, "skipped": skipped}
    said = ", ".join(f"{count} {what}" for what, count in counts.items())
    return {"holds": code == 0, "said": said, "seconds": seconds, **counts}


def benchmark(script: str, arguments: Sequence[str], variables: Mapping[str, str], output: Path) -> dict[str, Any]:
    """Run a benchmark; return its rows."""
    rows = output / f"{script}.json"
    command = [f"benchmarks/{script}.py", *arguments, "--json", str(rows)]
    code, seconds = run(command, variables, output / f"{script}.txt")
    if not rows.is_file():
        return {"holds": False, "said": ended(code), "seconds": seconds}
    found = json.loads(rows.read_text(encoding="utf-8"))
    missed = [row["name"] for row in found if not row["holds"]]
    said = f"missed: {'; '.join(missed)}" if missed else f"{len(found)} rows, all targets hold"
    if not any(row["rounds"] for row in found):
        said = "; ".join(row["target"] for row in found)
    return {"holds": code == 0, "said": said, "seconds": seconds, "rows": found}


def gpu(variables: Mapping[str, str], output: Path, data: Path) -> dict[str, Any]:
    """Run `benchmarks/gpu.py`."""
    return benchmark("gpu", [], variables, output)


def study(variables: Mapping[str, str], output: Path, data: Path) -> dict[str, Any]:
    """Run `benchmarks/gpu_study.py`, where the packages that a study needs and a data set are there."""
    if not (data / "dataset.json").is_file():
        return {"holds": True, "said": "skipped: no data set; give one with --data", "seconds": 0.0}
    needed = [sys.executable, "-c", "import ray, mlflow, crescendo.platform.studies.runner"]
    tried = subprocess.run(needed, env=dict(variables), cwd=CODE, capture_output=True, text=True, check=False)
    if tried.returncode:
        return {"holds": True, "said": f"skipped: {tried.stderr.strip().splitlines()[-1]}", "seconds": 0.0}
    return benchmark("gpu_study", [str(data)], variables, output)


def machine(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return what matters of this machine, and nothing that names it."""
    said = subprocess.run(
        [sys.executable, "-c", _MACHINE], env=dict(variables), cwd=CODE, capture_output=True, text=True, check=False
    )
    if said.returncode:
        raise SystemExit(
            f"error: {sys.executable}: {(said.stderr.strip().splitlines() or ['torch does not start'])[-1]}"
        )
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def summary(results: Mapping[str, Any]) -> str:
    """Return what came out, in a few lines."""
    found = results["machine"]
    lines = [
        f"{found['gpu'] or 'no CUDA device'}; {found['processor']}, {found['cores']} cores; "
        f"Python {found['python']}, torch {found['torch']}, CUDA {found['cuda']}"
    ]
    for name, step in results["steps"].items():
        lines.append(f"{name}: {'' if step['holds'] else 'FAILS: '}{step['said']}; {step['seconds']:.0f} s")
    for row in results["rows"]:
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3g}"
        lines.append(f"  {'   ' if row['holds'] else 'NO '}{ratio:>8}  {row['target']:<14} {row['name']}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Take all steps, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=Path("gpu_check"))
    parser.add_argument(
        "--data", metavar="DATA", type=Path, default=DATA, help="HAPT, prepared; default: the archive's"
    )
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS)
    options = parser.parse_args()
    output, data = options.output.resolve(), options.data.resolve()
    output.mkdir(parents=True, exist_ok=True)
    began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    results: dict[str, Any] = {"date": began, "command": "benchmarks/gpu_check.py", "steps": {}, "rows": []}
    with tempfile.TemporaryDirectory(prefix="crescendo-check-") as scratch:
        variables = environment(Path(scratch))
        results["machine"] = machine(variables)
        for name, step in zip(STEPS, (tests, gpu, study), strict=True):
            if name not in options.only:
                continue
            came = step(variables, output, data)
            results["rows"] += came.pop("rows", [])
            results["steps"][name] = came
            # Written after each: what is there stays if the rest is cut off.
            (output / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            (output / "summary.txt").write_text(summary(results), encoding="utf-8")
    print(f"\n{summary(results)}All of it is in {output}.")
    sys.exit(0 if all(step["holds"] for step in results["steps"].values()) else 1)


if __name__ == "__main__":
    main()
