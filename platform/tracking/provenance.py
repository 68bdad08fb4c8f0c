"""Where a result comes from: the code, the versions and the machine that made it, as tags of its run."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from crescendo.trainables.plurals import counted

_ROOMS = ("platform", "trainables", "search_spaces", "reports", "pyproject.toml")
_DISTRIBUTIONS = {
    "crescendo": "crescendo-ablation",
    "torch": "torch",
    "ray": "ray",
    "optuna": "optuna",
    "mlflow": "mlflow",
    "numpy": "numpy",
}


@cache
def provenance() -> dict[str, str]:
    """Return `crescendo.git.commit`, `crescendo.git.dirty`, `crescendo.version.*` and `crescendo.device`.

    Commit and dirty flag are those of the code that runs; `unknown` where it was installed from a wheel.
    """
    commit, dirty = git_state(Path(__file__).resolve().parents[2])
    versions = {name: _version(distribution) for name, distribution in _DISTRIBUTIONS.items()}
    return {
        "crescendo.git.commit": commit,
        "crescendo.git.dirty": dirty,
        **{f"crescendo.version.{name}": one for name, one in versions.items()},
        "crescendo.version.python": ".".join(map(str, sys.version_info[:3])),
        "crescendo.device": device(),
    }


def git_state(root: Path) -> tuple[str, str]:
    """Return the commit checked out in `root` and whether the package's files differ from it (`true`, `false`).

    Both are `unknown` where `root` lies in no checkout of ours: one that ignores it, as that of a virtual environment
    does, is somebody else's.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", *_ROOMS)
    if commit is None or changes is None or _git(root, "check-ignore", "--quiet", ".") is not None:
        return "unknown", "unknown"
    return commit, "true" if changes else "false"


def device() -> str:
    """Return what this process computes on: the GPUs it sees, else the processor and its number of cores."""
    # It takes seconds; only a process that computes is asked.
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return ", ".join(names)
    return f"{_processor()}, {counted(os.cpu_count() or 1, 'core')}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else os.uname().machine


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
