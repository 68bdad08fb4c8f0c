"""Batches on the device, in the order of their iterations, for every training that shares them.

Content and order are those of `SequenceSampler`, whatever the road: on a CPU a batch is what the sampler returns; on a GPU
it lies in the same tensors every time, which a captured step reads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from crescendo.trainables.data.run_positions import LAST_FRAME, RunPositions
from crescendo.trainables.data.sampler import BLOCK, Batch, SequenceSampler

# Threads that gather batches, and batches that are gathered ahead.
_THREADS, _AHEAD = 3, 4
# Of the GPU's free memory, what the features of the training recordings may take.
_SHARE = 0.25


class DeviceBatch(NamedTuple):
    """A learning batch on the device: `data.sampler.Batch` as tensors."""

    features: Tensor
    labels: Tensor
    valid: Tensor
    positions: RunPositions[Tensor] | None = None


class Feed(Protocol):
    """Where batches come from."""

    def load(self, iteration: int) -> DeviceBatch:
        """Return the batch of `iteration`; on CUDA what the current stream does next sees it."""


def feed_for(sampler: SequenceSampler, device: torch.device) -> Feed:
    """Return the quickest feed that the device has room for."""
    if device.type != "cuda":
        return HostFeed(sampler)
    free, _ = torch.cuda.mem_get_info(device)
    numbers = 8 if sampler.positions is None else 16
    a_frame = sampler.width * sampler.dtype.itemsize + numbers
    if not sampler.pixels and (len(sampler.labels) + 1) * a_frame <= _SHARE * free:
        return ResidentFeed(sampler, device)
    return PinnedFeed(sampler, device)


class HostFeed:
    """Batches in the host's memory, drawn when they are asked for."""

    def __init__(self, sampler: SequenceSampler) -> None:
        self._sampler = sampler

    def load(self, iteration: int) -> DeviceBatch:
        """Return the batch of `iteration`."""
        return _on_host(self._sampler.batch(iteration))


class ResidentFeed:
    """All training frames in the device's memory, copied once; a batch is gathered there."""

    def __init__(self, sampler: SequenceSampler, device: torch.device) -> None:
        self._sampler = sampler
        self._batch, self._padding = _tensors(sampler, device), len(sampler.labels)
        # The last row stands for the frames that pad a short recording.
        self._features = self._batch.features.new_zeros(self._padding + 1, sampler.width)
        row = 0
        for matrix in sampler.matrices():
            self._features[row : row + len(matrix)] = _tensor(matrix)
            row += len(matrix)
        self._labels = torch.from_numpy(np.append(sampler.labels, 0).astype(np.int64)).to(device)
        self._positions = [
            torch.from_numpy(np.append(one, last)).to(device)
            for one, last in zip(sampler.positions or (), LAST_FRAME, strict=False)
        ]
        self._offsets = torch.arange(sampler.length, device=device).unsqueeze(-1)
        self._block: tuple[int, Tensor, Tensor, Tensor, list[Tensor]] | None = None

    def load(self, iteration: int) -> DeviceBatch:
        """Return the batch of `iteration`."""
        block, row = divmod(iteration, BLOCK)
        if self._block is None or self._block[0] != block:
            first, end = (torch.from_numpy(one).to(self._offsets.device) for one in self._sampler.windows(block))
            frames = first.unsqueeze(1) + self._offsets
            valid = frames < end.unsqueeze(1)
            frames = torch.where(valid, frames, self._padding)
            self._block = block, frames, self._labels[frames], valid, [one[frames] for one in self._positions]
        _, frames, labels, valid, positions = self._block
        # Time first: (BLOCK, frames, sequences).
        features = self._batch.features.transpose(0, 1)
        if features.is_contiguous():
            torch.index_select(self._features, 0, frames[row].view(-1), out=features.view(-1, features.shape[-1]))
        else:
            features.copy_(self._features[frames[row]])
        self._batch.labels.t().copy_(labels[row])
        self._batch.valid.t().copy_(valid[row])
        for own, one in zip(self._batch.positions or (), positions, strict=True):
            own.t().copy_(one[row])
        return self._batch


class PinnedFeed:
    """Batches gathered by threads ahead of the steps into pinned memory, and copied beside the steps."""

    def __init__(self, sampler: SequenceSampler, device: torch.device) -> None:
        self._batch, self._staged = _tensors(sampler, device), _tensors(sampler, device)
        self._ahead = GatheredAhead(sampler, pinned=True)
        self._copying, self._left = torch.cuda.Stream(device), torch.cuda.Event()

    def load(self, iteration: int) -> DeviceBatch:
        """Return the batch of `iteration`."""
        gathered = self._ahead.take(iteration)
        with torch.cuda.stream(self._copying):
            # Beside the last step, but not before its batch has left the staging tensors.
            self._copying.wait_event(self._left)
            _copy(self._staged, gathered)
            copied = torch.cuda.Event()
            copied.record()
        self._ahead.release(iteration, copied.synchronize)
        torch.cuda.current_stream().wait_event(copied)
        _copy(self._batch, self._staged)
        self._left.record()
        return self._batch


class GatheredAhead:
    """Batches in the host's memory, gathered by threads while the ones before are used; a few sets of tensors in turn."""

    def __init__(self, sampler: SequenceSampler, *, pinned: bool) -> None:
        self._sampler = sampler
        self._slots = [_tensors(sampler, torch.device("cpu"), pinned=pinned) for _ in range(_AHEAD)]
        self._gathered: dict[int, Future[DeviceBatch]] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="crescendo-feed")

    def take(self, iteration: int) -> DeviceBatch:
        """Return the batch of `iteration`, whose tensors are the caller's until `release`."""
        if iteration not in self._gathered:
            for other in self._gathered.values():
                other.result()
            self._gathered = {ahead: self._gather(ahead, None) for ahead in range(iteration, iteration + _AHEAD)}
        return self._gathered.pop(iteration).result()

    def release(self, iteration: int, wait: Callable[[], None] | None = None) -> None:
        """Gather another batch into the tensors of `iteration`, after `wait`, which a thread calls."""
        self._gathered[iteration + _AHEAD] = self._gather(iteration + _AHEAD, wait)

    def _gather(self, iteration: int, wait: Callable[[], None] | None) -> Future[DeviceBatch]:
        slot = self._slots[iteration % _AHEAD]

        def gather() -> DeviceBatch:
            if wait is not None:
                wait()
            batch = self._sampler.batch(iteration, slot.features.numpy())
            for own, gathered in zip(_listed(slot)[1:], _listed(_on_host(batch))[1:], strict=True):
                own.copy_(gathered)
            return slot

        return self._threads.submit(gather)


def _on_host(batch: Batch) -> DeviceBatch:
    features, labels, valid = (torch.from_numpy(one) for one in (batch.features, batch.labels, batch.valid))
    positions = None if batch.positions is None else RunPositions(*map(torch.from_numpy, batch.positions))
    return DeviceBatch(features, labels, valid, positions)


def _listed(batch: DeviceBatch) -> list[Tensor]:
    """Return the tensors of a batch."""
    return [batch.features, batch.labels, batch.valid, *(batch.positions or ())]


def _copy(to: DeviceBatch, source: DeviceBatch) -> None:
    for own, other in zip(_listed(to), _listed(source), strict=True):
        own.copy_(other, non_blocking=True)


def _tensors(sampler: SequenceSampler, device: torch.device, *, pinned: bool = False) -> DeviceBatch:
    sequences, length = sampler.sequences, sampler.length
    kind = torch.from_numpy(np.empty(0, sampler.dtype)).dtype
    # Time first in memory, as models and losses go through it; gathered, though, sequence by sequence.
    first = (sequences, length) if device.type == "cpu" else (length, sequences)
    features = torch.zeros(*first, sampler.width, dtype=kind, device=device, pin_memory=pinned)
    labels = torch.zeros(length, sequences, dtype=torch.int64, device=device, pin_memory=pinned)
    valid = torch.zeros(length, sequences, dtype=torch.bool, device=device, pin_memory=pinned)
    positions = None
    if sampler.positions is not None:
        positions = RunPositions(
            *(torch.zeros(length, sequences, device=device, pin_memory=pinned).t() for _ in sampler.positions)
        )
    return DeviceBatch(features if device.type == "cpu" else features.transpose(0, 1), labels.t(), valid.t(), positions)


def _tensor(matrix: np.ndarray) -> Tensor:
    # Views of the mapped store cannot be written to, of which torch warns.
    return torch.from_numpy(np.require(matrix, requirements="W"))
