"""Turns at one GPU: of the cohorts that share it, one trains while the others begin or work out their results."""

from __future__ import annotations

import fcntl
import functools
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import torch


@contextmanager
def turn(file: Path) -> Iterator[None]:
    """Wait until no other process is within `turn(file)`, and keep others out for the time of the block.

    The kernel ends the turn of a process that dies.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def gpu_turn(device: str) -> Callable[[], AbstractContextManager[None]]:
    """Return what makes a turn, among this user's processes, at the GPU that `device` names; none waits for a CPU.

    `device` is a configuration's: `auto`, `cpu`, `cuda` or `cuda:1`.
    """
    if device == "cpu" or not torch.cuda.is_available():
        return nullcontext
    return functools.partial(turn, turn_file(torch.device("cuda" if device == "auto" else device)))


def turn_file(gpu: torch.device) -> Path:
    """Return the file of the turns at `gpu`: processes number the GPUs that they are shown, each from 0."""
    name = re.sub(r"[^A-Za-z0-9-]", "", str(torch.cuda.get_device_properties(gpu).uuid))
    return Path(tempfile.gettempdir()) / f"crescendo-{os.getuid()}-gpu-{name}.lock"
