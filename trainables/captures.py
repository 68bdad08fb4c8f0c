"""CUDA graphs: what would spoil a capture is kept from it, and what one that fails leaves behind is put in order."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

LOOKS = "synchronizing CUDA operation"
"""Is in the message of the `RuntimeError` that `without_looks` raises."""


@contextmanager
def without_looks() -> Iterator[None]:
    """Raise `RuntimeError` where the block looks at a number on the GPU, which would spoil a capture."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def capturing(graph: torch.cuda.CUDAGraph, stream: torch.cuda.Stream) -> Iterator[None]:
    """Capture what the block launches as `graph`, on `stream`; other threads may use CUDA meanwhile.

    If that fails, the current stream, torch's memory and its default generator are in order again. A generator that was
    registered with `graph` is not.
    """
    before, collected, pool = torch.cuda.current_stream(), gc.isenabled(), torch.cuda.graph_pool_handle()
    # Another graph that is only now collected as garbage would spoil this one.
    gc.disable()
    try:
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            yield
    except BaseException:
        torch.cuda.set_stream(before)
        _put_in_order(before.device, pool)
        raise
    finally:
        if collected:
            gc.enable()


def _put_in_order(device: torch.device, pool: tuple[int, int]) -> None:
    """End what a capture that was spoilt has not ended: torch would free no memory any more, and draw no random numbers."""
    try:
        torch._C._cuda_endAllocateToPool(device.index, pool)
    except RuntimeError:  # it came to its end, as it does if the block raised what has nothing to do with CUDA
        return
    torch._C._cuda_releasePool(device.index, pool)
    # The generator believes that it is captured, until a capture ends.
    with torch.cuda.graph(torch.cuda.CUDAGraph(), capture_error_mode="thread_local"):
        torch.zeros(1, device=device)
