"""A training step as one CUDA graph: what the processor would launch kernel by kernel is launched as one.

The step stays the same to the last bit, which is tried before anything relies on it.
"""

from __future__ import annotations

import torch

from crescendo.trainables.captures import LOOKS, capturing, without_looks
from crescendo.trainables.training.feed import DeviceBatch, Feed
from crescendo.trainables.training.step import TrainingStep

TRIED = 3
"""Steps that are taken both ways. The first ones of a process choose their algorithms, so one alone would not do."""


class CapturedStep:
    """One step, captured on a stream of its own; it reads the batch from the tensors that it was captured with."""

    def __init__(self, step: TrainingStep, batch: DeviceBatch, stream: torch.cuda.Stream) -> None:
        """Capture a step without taking it. The optimiser must have its state."""
        self._graph, self.stream = torch.cuda.CUDAGraph(), stream
        if step.generator is not None:
            self._graph.register_generator_state(step.generator)
        with capturing(self._graph, stream):
            step(batch)

    def __call__(self) -> None:
        """Take the step that `TrainingStep.prepare` was called for, after what is on the current stream.

        What comes on the current stream must wait for `join`.
        """
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            self._graph.replay()

    def join(self) -> None:
        """Let the current stream wait for the step."""
        torch.cuda.current_stream().wait_stream(self.stream)


def take_both_ways(
    step: TrainingStep, feed: Feed, first: int, stream: torch.cuda.Stream
) -> tuple[CapturedStep | None, str]:
    """Take steps `first` to `first + TRIED` (excluded), plainly and captured, and return the capture if both are equal.

    They are taken on `stream`, which no other training may use.

    Returns
    -------
    tuple of (CapturedStep or None, str)
        With a capture the steps are taken. Without one the training is where it was, and the text says why.

    Raises
    ------
    torch.OutOfMemoryError
        If there is no room for a capture; the training is where it was.
    """
    before = step.snapshot()
    iterations = range(first, first + TRIED)
    try:
        # A stream beside the default one, as every capture wants its warming up.
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            batch = feed.load(first)
            step.prepare(first)
            looks = _take_unseen(step, batch)
            if not looks:
                for iteration in iterations[1:]:
                    batch = feed.load(iteration)
                    step.prepare(iteration)
                    step(batch)
        torch.cuda.current_stream().wait_stream(stream)
        plain = step.snapshot()
        step.put_back(before)
        captured, reason = (None, looks) if looks else _captured(step, batch, stream)
        if captured is not None:
            for iteration in iterations:
                feed.load(iteration)
                step.prepare(iteration)
                captured()
                captured.join()
            if step.is_at(plain):
                return captured, ""
            reason = f"a captured step and the plain one differ within {TRIED} steps"
    except BaseException:
        torch.cuda.synchronize()
        step.put_back(before, keep=False)
        raise
    torch.cuda.synchronize()
    step.put_back(before, keep=False)
    return None, reason


def _take_unseen(step: TrainingStep, batch: DeviceBatch) -> str:
    """Take the step, and return what keeps it from being captured: that it looks at a number on the GPU. "" if it does not.

    A capture that fails has cost its time for nothing, so what would fail is found before.
    """
    try:
        with without_looks():
            step(batch)
    except Exception as error:  # of torch, or what somebody's own loss makes of it
        if LOOKS not in str(error):
            raise
        return f"its step looks at numbers on the GPU while it is taken ({' '.join(str(error).split())[:200]})"
    return ""


def _captured(step: TrainingStep, batch: DeviceBatch, stream: torch.cuda.Stream) -> tuple[CapturedStep | None, str]:
    try:
        return CapturedStep(step, batch, stream), ""
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a library's own code raises here
        step.renew_generator()
        return None, f"its step cannot be captured ({' '.join(str(error).split())[:200]})"
