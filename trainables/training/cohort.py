"""Trainings that share every batch, one step of each at a time: the one training loop there is.

Arms of a study that share a seed share their batches (protocol section 8), so one feed serves them all, and a GPU that one
small training leaves idle takes the steps of several side by side. None of them notices: a training alone, among others,
or resumed in other company has the same weights to the last bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import torch

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.sampler import SequenceSampler
from crescendo.trainables.errors import DivergedError
from crescendo.trainables.plurals import counted
from crescendo.trainables.training.clipping import ClippedSteps
from crescendo.trainables.training.feed import Feed, feed_for
from crescendo.trainables.training.graphs import TRIED, CapturedStep, take_both_ways
from crescendo.trainables.training.mean_losses import LossSums
from crescendo.trainables.training.room import make_room, room_for
from crescendo.trainables.training.step import UNREAD, TrainingStep


class Member(Protocol):
    """A training as a cohort sees it: a `Trainer`."""

    config: TrainingConfig
    dataset: Dataset
    device: torch.device
    step: TrainingStep
    iteration: int
    losses: LossSums
    clipped: ClippedSteps

    def note(self, text: str) -> None:
        """Keep what its user should know of how it trains."""


Progress = Callable[[Member, int, float], None]
"""(training, iterations done, loss of the last): called for every iteration, in order, on a GPU a few at once.

The training itself may have come further meanwhile, even past a divergence: its weights are those of its `iteration`.
"""


def batches_of(config: TrainingConfig, dataset: Dataset) -> tuple[object, ...]:
    """Return what two trainings share that share every batch."""
    return dataset.content_hash, config.seed, config.sequences, config.sequence_length


def crowded(count: int, at_once: int) -> str:
    """Return the note for trainings of which the GPU's memory holds fewer at once."""
    return f"the GPU's memory does not hold {counted(count, 'training')} at once: {at_once} train at a time"


class Cohort:
    """Trainings of one data set, seed, number of sequences, sequence length and device, which step together."""

    def __init__(
        self,
        members: Sequence[Member],
        *,
        feed: Callable[[SequenceSampler], Feed] | None = None,
        read_every: int | None = None,
    ) -> None:
        """Take up the trainings, wherever each of them is; `ValueError` if they do not share their batches.

        Parameters
        ----------
        feed
            Makes the road of the batches to the device; default: the quickest one, `feed_for`.
        read_every
            Steps whose losses are read at once, at most `UNREAD`; default: that many on a GPU, one on a CPU, where the
            numbers are there as soon as the step is taken.
        """
        first = members[0]
        if len({(batches_of(one.config, one.dataset), one.device) for one in members}) != 1:
            raise ValueError(
                "the trainings of a cohort must share data set, seed, sequences, sequence_length and device"
            )
        self._members, self._device = list(members), first.device
        self._read_every = read_every or (UNREAD if self._device.type == "cuda" else 1)
        self._sampler = SequenceSampler(
            first.dataset,
            "training",
            sequences=first.config.sequences,
            length=first.config.sequence_length,
            seed=first.config.seed,
            positioned=any(member.config.needs_positions for member in members),
        )
        self._feed = None if feed is None else feed(self._sampler)
        # By what is captured: a training that is restored has another step.
        self._captured: dict[TrainingStep, CapturedStep | None] = {}
        # The libraries keep memory for every stream that they ever ran on, so as few are used as may be.
        self._streams: list[torch.cuda.Stream] = []

    def leave(self, member: Member) -> None:
        """Train `member` no more; the others go on, unchanged: each has a graph of its own, and none is captured anew."""
        self._members.remove(member)
        self._release(self._captured.keys() & {member.step})

    def prepare(self, until: int) -> None:
        """Do what `train` would begin with, so that it does not take the time of whoever waits for the GPU meanwhile.

        Where the GPU's memory does not hold it, `train` finds its own way.
        """
        with self._own_random():
            self._started(self._behind(until), until)

    def train(self, until: int, on_progress: Progress | None = None) -> dict[Member, DivergedError]:
        """Train every member up to iteration `until`; those that are there already wait.

        Those that are behind go first, until they meet the others. If the GPU's memory does not hold all of them, one half
        trains after the other, which they note.

        Returns
        -------
        dict
            The members that diverged and have left, with an error that names the iteration, the rate and the batch's
            recordings: the loss or the gradient was NaN or infinite.

        Raises
        ------
        NoRoomError
            If the GPU's free memory does not hold a single step beside what the members hold already. Some may have taken
            a step by half then: they go on from their checkpoints only.
        """
        with (
            self._own_random(),
            room_for("one training step", self._device, "sequences, sequence_length or hidden_size"),
        ):
            diverged = self._train(self._behind(until), until, on_progress)
        for member in diverged:
            self.leave(member)
        return diverged

    def _behind(self, until: int) -> list[Member]:
        """Return who has steps to take up to `until`, or has taken some that nobody has read."""
        return [member for member in self._members if member.iteration < until or member.step.unread]

    def _own_random(self) -> AbstractContextManager[None]:
        return torch.random.fork_rng(devices=[self._device] if self._device.type == "cuda" else [])

    def _train(
        self, members: Sequence[Member], until: int, on_progress: Progress | None
    ) -> dict[Member, DivergedError]:
        began, first = time.perf_counter(), {member: member.iteration for member in members}
        if not self._started(members, until):
            half = len(members) // 2
            if not half:
                raise torch.OutOfMemoryError
            for member in members:
                member.note(crowded(len(members), half))
            parts = (members[:half], members[half:])
            return {who: error for part in parts for who, error in self._train(part, until, on_progress).items()}
        diverged = self._run(members, until, on_progress)
        seconds = time.perf_counter() - began
        for member in members:
            member.losses.time(member.iteration - first[member], seconds)
        return diverged

    def _started(self, members: Sequence[Member], until: int) -> bool:
        """Make the feed, and capture the steps that are not captured yet, which takes a few; return whether there is room.

        Of others nothing stays captured.
        """
        self._release(self._captured.keys() - {member.step for member in members})
        try:
            if self._feed is None:
                self._feed = feed_for(self._sampler, self._device)
            for member in members:
                member.step.model.train()
                self._capture(member, until)
        except torch.OutOfMemoryError:
            # What could be captured, if anything, is given up here, and what the error holds on to with its end.
            self._release(list(self._captured))
        else:
            return True
        make_room()
        return False

    def _release(self, steps: Iterable[TrainingStep]) -> None:
        """Give up what is captured of `steps`, and the gradients, which lie in its memory."""
        for step in steps:
            del self._captured[step]
            step.forget_gradients()

    def _capture(self, member: Member, until: int) -> None:
        if self._device.type != "cuda" or member.step in self._captured or until - member.iteration < TRIED:
            return
        if member.config.graphs == "off":
            self._captured[member.step] = None
            return
        assert self._feed is not None  # noqa: S101  # `_started` made it
        stream = self._free_stream()
        self._captured[member.step], reason = take_both_ways(member.step, self._feed, member.iteration, stream)
        if reason:
            member.note(f"trains without CUDA graphs, which is slower: {reason}")
        else:
            member.iteration += TRIED

    def _free_stream(self) -> torch.cuda.Stream:
        """Return a stream that no captured step uses."""
        used = [captured.stream for captured in self._captured.values() if captured is not None]
        free = [stream for stream in self._streams if stream not in used]
        if not free:
            free = [torch.cuda.Stream()]
            self._streams += free
        return free[0]

    def _run(self, members: Sequence[Member], until: int, on_progress: Progress | None) -> dict[Member, DivergedError]:
        going, diverged = list(members), dict[Member, DivergedError]()
        while going:
            iteration = min(member.iteration for member in going)
            if iteration < until:
                self._step([member for member in going if member.iteration == iteration], iteration)
            if iteration + 1 >= until or any(member.step.unread >= self._read_every for member in going):
                diverged |= self._read(going, on_progress)
                going = [member for member in going if member not in diverged and member.iteration < until]
        return diverged

    def _step(self, members: Sequence[Member], iteration: int) -> None:
        assert self._feed is not None  # noqa: S101  # `_started` made it
        batch = self._feed.load(iteration)
        captured = []
        for member in members:
            member.step.prepare(iteration)
            replay = self._captured.get(member.step)
            if replay is None:
                member.step(batch)
            else:
                replay()
                captured.append(replay)
            member.iteration += 1
        for replay in captured:
            replay.join()

    def _read(self, members: Sequence[Member], on_progress: Progress | None) -> dict[Member, DivergedError]:
        """Take in the losses since the last time, and tell of them."""
        diverged = dict[Member, DivergedError]()
        for member in members:
            rows = member.step.read()
            first = member.iteration - len(rows)
            broken = next((number for number, row in enumerate(rows) if not all(map(math.isfinite, row))), None)
            finite = rows[:broken]
            for row in finite:
                member.losses.add(row[:3])
                member.clipped.add(row[3], member.step.largest_norm)
            if on_progress is not None:
                for done, row in enumerate(finite, first + 1):
                    on_progress(member, done, row[0])
            if broken is not None:
                # Only now: until here the iteration is that of the weights, which a checkpoint would be of.
                member.iteration = first + broken
                diverged[member] = self._error(member, rows[broken])
        return diverged

    def _error(self, member: Member, row: Sequence[float]) -> DivergedError:
        iteration, config = member.iteration, member.config
        what = "gradient" if all(map(math.isfinite, row[:3])) else "loss"
        recordings = sorted(set(self._sampler.recordings(iteration)))
        return DivergedError(
            f"iteration {iteration + 1}: the {what} is not finite at learning rate "
            f"{config.learning_rate * member.step.rate_factor(iteration):g}; batch of recordings {', '.join(recordings)}; "
            "lower learning_rate or set gradient_clip"
        )
