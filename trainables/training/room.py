"""What becomes of a training that the device has no memory for."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from crescendo.trainables.errors import NoRoomError


def make_room() -> None:
    """Free what only references in a circle keep, and leave the GPU's memory that is free to other processes."""
    gc.collect()
    torch.cuda.empty_cache()


@contextmanager
def room_for(what: str, device: torch.device, lower: str) -> Iterator[None]:
    """Raise `NoRoomError` where torch finds no memory for `what` in the block; `lower` names the keys that would help."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise NoRoomError(
            f"device {device}: its free memory does not hold {what}; lower {lower}, or wait until others have left it"
        ) from None
