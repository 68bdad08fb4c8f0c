"""How a training process asks the system for memory."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# The largest size that glibc takes from memory it holds; more is always asked for, and given back, by itself.
_HELD = 32 * 2**20
_KEPT = 2**30


def keep_freed_memory() -> None:
    """Have the C library keep memory that is freed, up to 1 GiB, for the next step of training to use again.

    Every step takes and frees the same few dozen megabytes. Given back each time, they come anew as pages that the
    system must clear, one after the other: a tenth of the time of a small step. It holds for the whole process; where
    the C library is another than glibc, nothing is done.
    """
    if sys.platform == "linux":
        adjust = getattr(ctypes.CDLL(None), "mallopt", None)
        if adjust is not None:
            adjust(_MMAP_THRESHOLD, _HELD)
            adjust(_TRIM_THRESHOLD, _KEPT)
