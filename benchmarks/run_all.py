"""All benchmarks, one after another, each in a process of its own: `make bench`.

    .venv/bin/python benchmarks/run_all.py [--only NAME ...] [--quick] [--json build/bench.json] [--page FILE]

Writes every row to one JSON file and, with `--page`, the table for `docs/benchmarks.md`. `--quick` runs each comparison
once, to see that everything works. A benchmark that fails has a row that says so. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from page import machine, markdown
from rich.console import Console
from yardstick import Row, not_measured, report

HERE = Path(__file__).resolve().parent
BENCHMARKS = (
    "training",
    "sampling",
    "detection",
    "live",
    "losses",
    "evaluation",
    "decode_search",
    "bootstrap",
    "platform",
    "video",
    "growth",
    "gpu",
)


def run(script: Path) -> list[Row]:
    """Run one benchmark, its output going to ours, and return its rows; what fails is a row that does not hold."""
    with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
        file = Path(scratch) / "rows.json"
        done = subprocess.run([sys.executable, str(script), "--json", str(file)], check=False)
        if not file.is_file():
            return [not_measured(script.stem, f"failed with exit code {done.returncode}", holds=False)]
        rows = [Row(**row) for row in json.loads(file.read_text(encoding="utf-8"))]
    if done.returncode and all(row.holds for row in rows):
        rows.append(not_measured(script.stem, f"failed with exit code {done.returncode}", holds=False))
    return rows


def collect(scripts: Iterable[Path], console: Console) -> dict[str, Any]:
    """Run `scripts` and return what the JSON file says: when, on what, with which command, and the rows."""
    began = datetime.now(UTC)
    rows: list[Row] = []
    for script in scripts:
        start = time.perf_counter()
        console.rule(script.stem)
        rows += run(script)
        console.print(f"{script.stem}: {time.perf_counter() - start:.0f} s")
    return {
        "date": began.strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["benchmarks/run_all.py", *sys.argv[1:]]),
        "machine": machine(),
        "rows": [asdict(row) for row in rows],
    }


def main() -> None:
    """Run all, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="one round of each comparison: times mean nothing")
    parser.add_argument("--json", metavar="FILE", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--page", metavar="FILE", type=Path, help="also write the table there")
    options = parser.parse_args()
    if options.quick:
        os.environ["CRESCENDO_BENCH_ROUNDS"] = "1"
    content = collect([HERE / f"{name}.py" for name in options.only], Console(width=120))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if options.page:
        options.page.write_text(markdown([content]), encoding="utf-8")
    sys.exit(0 if report([Row(**row) for row in content["rows"]]) else 1)


if __name__ == "__main__":
    main()
