"""`make bench` gathers what each benchmark says; nothing is timed here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

TRIVIAL = """
import argparse, sys
from yardstick import compare, growth, not_measured, report

parser = argparse.ArgumentParser()
parser.add_argument("--json")
rows = [
    compare("sum over sum", lambda: sum(range(9)), lambda: sum(range(9)), at_least={least}, repeats=9),
    growth("growth", [lambda: sum(range(9)), lambda: sum(range(99))], (1, 4), at_most=100),
    not_measured("GPU", "skipped: no CUDA", holds=True),
]
sys.exit(0 if report(rows, parser.parse_args().json) else 1)
"""

DRIVER = """
import sys
from pathlib import Path
import run_all
run_all.HERE = Path(sys.argv.pop(1))
run_all.BENCHMARKS = tuple(sorted(file.stem for file in run_all.HERE.glob("*.py")))
run_all.main()
"""


def bench(folder: Path, scripts: dict[str, str], *arguments: str) -> tuple[int, dict, str]:
    """Run `scripts` as the benchmarks; return exit code, JSON and page."""
    (folder / "scripts").mkdir()
    for name, text in scripts.items():
        (folder / "scripts" / f"{name}.py").write_text(text)
    outputs = ["--json", str(folder / "build" / "bench.json"), "--page", str(folder / "page.md")]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(folder / "scripts"), *outputs, *arguments],
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (folder / "page.md").is_file(), done.stderr
    return done.returncode, json.loads((folder / "build" / "bench.json").read_text()), (folder / "page.md").read_text()


def test_rows_of_all_benchmarks_are_in_one_file_and_one_table(tmp_path):
    scripts = {"one": TRIVIAL.format(least=0), "two": TRIVIAL.format(least=0)}
    code, content, page = bench(tmp_path, scripts, "--quick")
    assert code == 0
    assert [row["name"] for row in content["rows"]] == ["sum over sum", "growth", "GPU"] * 2
    assert {"name", "ratio", "target", "holds"} <= content["rows"][0].keys()
    assert content["rows"][0]["rounds"] == 1
    assert content["rows"][2]["ratio"] is None
    assert content["machine"]["cores"] >= 1
    assert page.count("| sum over sum |") == 2
    assert "| GPU | - | skipped: no CUDA | yes |" in page
    assert content["date"] in page


def test_a_missed_target_and_a_broken_benchmark_fail_the_run_and_are_named(tmp_path):
    scripts = {"broken": "raise SystemExit(3)", "missed": TRIVIAL.format(least=1e9)}
    code, content, page = bench(tmp_path, scripts)
    assert code == 1
    assert [(row["name"], row["holds"]) for row in content["rows"][:2]] == [("broken", False), ("sum over sum", False)]
    assert content["rows"][1]["rounds"] == 9
    assert "| broken | - | failed with exit code 3 | **no** |" in page


def test_one_benchmark_may_be_chosen(tmp_path):
    scripts = {"one": TRIVIAL.format(least=0), "two": "raise SystemExit(3)"}
    code, content, _ = bench(tmp_path, scripts, "--only", "one", "--quick")
    assert (code, len(content["rows"])) == (0, 3)


@pytest.mark.parametrize("file", sorted(BENCHMARKS.glob("*.py")), ids=lambda file: file.stem)
def test_every_benchmark_is_run_or_known_not_to_be(file):
    listed = (BENCHMARKS / "run_all.py").read_text()
    helpers = {
        "run_all",
        "page",
        "yardstick",
        "sweep_overhead",
        "trivial_sweeps",
        "gpu_bundle",
        "gpu_check",
        "gpu_study",
    }
    helpers |= {
        "calibration",
        "simulated_studies",
        "simulated_faults",
        "simulated_labels",
        "simulated_looks",
        "until_decided",
        "split",
        "clipping",
        "planning_figures",
        "marked",
        "screenshots",
    }  # of no speed: the docs have what they give
    assert (
        f'"{file.stem}"' in listed
        or file.stem in helpers
        or file.stem.startswith("findings")
        or file.stem.endswith("_soak")
    )
