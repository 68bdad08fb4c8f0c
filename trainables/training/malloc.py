"""How a training process asks the system for memory."""

from __future__ import annotations

import ctypes
import re
import sys
from contextlib import suppress
from pathlib import Path

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# The largest threshold that glibc accepts: a larger block is always mapped by itself, and unmapped when freed.
_HELD = 32 * 2**20
_KEPT = 2**30


def keep_freed_memory() -> None:
    """Have the C library keep up to 1 GiB of freed memory, for the next step of training to use again.

    Every step allocates and frees the same few dozen megabytes. If they went back to the system each time, it would have
    to clear every page before the next step gets it: a tenth of the time of a small step. The setting holds for the whole
    process. With another C library than glibc nothing is done.
    """
    if sys.platform == "linux":
        adjust = getattr(ctypes.CDLL(None), "mallopt", None)
        if adjust is not None:
            adjust(_MMAP_THRESHOLD, _HELD)
            adjust(_TRIM_THRESHOLD, _KEPT)


def available_memory() -> int:
    """Return the bytes of main memory that Linux says processes can still take; 0 on other systems."""
    with suppress(OSError):
        if found := re.search(r"^MemAvailable:\s*(\d+) kB$", Path("/proc/meminfo").read_text("utf-8"), re.MULTILINE):
            return int(found[1]) * 1024
    return 0
