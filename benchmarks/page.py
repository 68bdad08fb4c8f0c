"""Results of `run_all.py` and `gpu_check.py` as the page `docs/benchmarks.md`, a section a file.

.venv/bin/python benchmarks/page.py build/bench.json [GPU.json ...] --out docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from yardstick import shown

_HEAD = """# Benchmarks

Made by `benchmarks/page.py` from what `make bench` writes to `build/bench.json`; do not edit.

Every number is a ratio to a yardstick run in turn with it, in the same process: the median over the rounds. Absolute
seconds (medians, too) are given to show the scale. What a benchmark compares stands at the head of its script. How a
machine with a GPU and no network is measured: [gpu_check.md](gpu_check.md).
"""
# Of rows of `gpu.py`: parts of their names.
_OVER_FORMER = "over one plain arm whose batches come from pageable memory, as before, the paper's shape"
_OVER_PLAIN = "times the frames a second of one plain arm, the paper's shape"
_OVER_PROCESSES, _OVER_CAPTURED = "processes at once, plain", "processes at once, captured"
_VERSIONS = {"torch": "torch", "ray": "Ray", "mlflow": "MLflow"}


def machine() -> dict[str, Any]:
    """Return what matters of this machine, and nothing that names it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory),
        "gpu": _gpu(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _VERSIONS},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _gpu() -> str | None:
    if not Path("/dev/nvidiactl").exists():
        return None  # known without the seconds that torch takes to import
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """Return the page of one or several results of `run_all.py`."""
    return "\n".join([_HEAD, *(_section(one) for one in results)])


def _section(result: dict[str, Any]) -> str:
    found = result["machine"]
    device = f", {found['gpu']}" if found["gpu"] else ""
    versions = [f"Python {found['python']}"]
    versions += [f"{title} {found[name]}" for name, title in _VERSIONS.items() if found[name]]
    lines = [
        f"## {found['gpu'] or found['processor']}, {found['cores']} cores",
        "",
        f"{result['date']}, `{result['command']}`. {found['processor']}, {found['cores']} cores, "
        f"{found['memory_gib']} GiB{device}; {', '.join(versions)}.",
        "",
        "| benchmark | ratio | target | holds | candidate s | yardstick s | rounds |",
        "|---|--:|---|---|--:|--:|--:|",
    ]
    for row in result["rows"]:
        cells = (
            row["name"],
            shown(row["ratio"], 3),
            row["target"],
            "yes" if row["holds"] else "**no**",
            shown(row["candidate_seconds"], 3),
            shown(row["yardstick_seconds"], 3),
            str(row["rounds"]),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    remark = baselines({row["name"]: row["ratio"] for row in result["rows"]})
    return "\n".join([*lines, "", *([remark, ""] if remark else [])])


def baselines(ratios: Mapping[str, float | None]) -> str:
    """Return what the bars of the cohorts are over, and what comes out over the stronger baseline; "" if a row lacks."""
    found = [
        next((ratio for name, ratio in ratios.items() if what in name and ratio is not None), None)
        for what in (_OVER_FORMER, _OVER_PLAIN, _OVER_PROCESSES, _OVER_CAPTURED)
    ]
    if None in found:
        return ""
    former, plain, processes, captured = (shown(ratio, 3) for ratio in found)
    return (
        "Two bars are over the weaker of two baselines: at the paper's shape the cohort's is over a plain arm as it was before "
        f"({former} times; over a plain arm as it is now {plain}), and that over processes is over plain ones ({processes} "
        f"times; over captured ones {captured})."
    )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    contents = [json.loads(file.read_text(encoding="utf-8")) for file in options.results]
    options.out.write_text(markdown(contents), encoding="utf-8")


if __name__ == "__main__":
    main()
