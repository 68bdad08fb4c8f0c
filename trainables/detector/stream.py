"""Live detection: frames in one by one, events out, in time and memory that do not grow with the stream."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from crescendo.trainables.data.frames import seconds
from crescendo.trainables.detector.events import Event
from crescendo.trainables.detector.folder import ModelMetadata
from crescendo.trainables.detector.span_decoder import SpanDecoder
from crescendo.trainables.detector.step import RecurrentStep
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.base import State
from crescendo.trainables.plurals import rate_text

_NEVER = 2**53  # frames


class TimeGapError(InputError):
    """A frame's time stamp is not that of the next frame."""


class Frame(NamedTuple):
    """The features of a frame and, where frames carry one, its time stamp: the second at which it begins, on any clock."""

    features: ArrayLike
    time: float | None = None


class Stream(Iterator[Event]):
    """Detection frame by frame.

    Iterating takes frames from the source that the stream was given; `push` and `close` need no source. After the last
    frame all open spans end.

    A frame that cannot be used raises `InputError`, which names it, and changes nothing. The caller decides how to
    continue: `push` the mended frame, `hold` to use the last good frame in its place, or `restart` to end what is open.
    Iterating continues with the source's next frame, as if the bad one had not existed.

    Without time stamps frame t begins at t / fps seconds. Where frames carry time stamps, these must follow each other
    at the model's frame rate, to half a frame, and events take their times from them.
    """

    def __init__(
        self,
        metadata: ModelMetadata,
        step: RecurrentStep,
        source: Iterable[ArrayLike | Frame] = (),
        *,
        thresholds: Mapping[str, float] | None = None,
        revise_every: float = 1.0,
    ) -> None:
        """See `Detector.stream`."""
        self._fps, self._width = metadata.fps, metadata.features.dimension
        self._step, self._source = step, iter(source)
        self._decoder = SpanDecoder(
            metadata.labels,
            metadata.merge_gap,
            revise_every=max(1, round(min(revise_every * metadata.fps, _NEVER))),
            thresholds=thresholds,
        )
        self._events: deque[Event] = deque()
        self._ended = False
        self._last: np.ndarray | None = None
        # The next frame is due `_since` frames after `_origin`, that of the last time stamp.
        self._origin, self._since, self._any_time = 0.0, 0, True
        self.frames = 0
        self._state = step.model.initial_state(1)

    def push(self, features: ArrayLike, time: float | None = None) -> list[Event]:
        """Take in one frame's features (`feature_dim`,) and return the events that follow from it.

        Raises
        ------
        InputError
            If the frame has another size, is no array of numbers, holds NaN or infinity (or numbers so large that its
            scores are not finite). Nothing is changed.
        TimeGapError
            An `InputError` too: if the frame's time stamp is not that of the next frame. Nothing is changed.
        """
        values = self._checked(features)
        if time is not None:
            self._check_time(time)
        scores, state = self._score(values)
        if time is not None:
            self._origin, self._since = float(time), 0
        self._any_time = False
        start = self._origin + seconds(self._since, self._fps)
        self._since += 1
        self._state, self._last = state, values
        self.frames += 1
        return self._decoder.push(scores, start, self._origin + seconds(self._since, self._fps))

    def hold(self) -> list[Event]:
        """Use the last good frame in place of one that was lost or bad; `InputError` if there was none."""
        if self._last is None:
            raise self._refused("there is no frame before it that could stand in for it; begin with a good one")
        return self.push(self._last)

    @property
    def can_hold(self) -> bool:
        """Whether there has been a good frame since the beginning or the last restart."""
        return self._last is not None

    def restart(self, time: float | None = None) -> list[Event]:
        """End what is open and begin afresh, as after a gap in the recording; return the events of what ended.

        The next frame begins at `time` (default: where the last one ended), or at its own time stamp.
        """
        events = self._decoder.close()
        if time is not None:
            self._origin, self._since = float(time), 0
        self._any_time, self._last = True, None
        self._state = self._step.model.initial_state(1)
        return events

    def close(self) -> list[Event]:
        """End the stream and return the events of what was still open; closing again returns none."""
        return self.restart()

    def __next__(self) -> Event:
        while not self._events:
            if self._ended:
                raise StopIteration
            try:
                item = next(self._source)
            except StopIteration:
                self._ended = True
                self._events.extend(self.close())
                continue
            self._events.extend(self.push(*item) if isinstance(item, Frame) else self.push(item))
        return self._events.popleft()

    def _checked(self, features: ArrayLike) -> np.ndarray:
        try:
            given = np.asarray(features)
        except (ValueError, TypeError):
            raise self._refused("is no array of numbers") from None
        if given.dtype.kind not in "fiu":
            raise self._refused(f"is of type {given.dtype}; features are real numbers")
        if given.shape != (self._width,):
            raise self._refused(f"has shape {given.shape}; the model takes ({self._width},)")
        with np.errstate(over="ignore"):
            values = given.astype(np.float32)  # a copy: the caller's array may change
        if not np.isfinite(values).all():
            column = int(np.flatnonzero(~np.isfinite(values))[0])
            raise self._refused(f"holds {given[column]} as feature {column}; every value must be finite in float32")
        return values

    def _check_time(self, time: float) -> None:
        if isinstance(time, bool) or not isinstance(time, int | float | np.number) or not math.isfinite(time):
            raise self._refused(f"has the time stamp {time!r}; it must be a finite number of seconds")
        due = self._origin + seconds(self._since, self._fps)
        if not self._any_time and abs(time - due) > 0.5 / self._fps:
            stamp = f"{float(time):.10g} s but was due at {due:.10g} s ({rate_text(self._fps)})"
            raise TimeGapError(
                f"frame {self.frames}: has the time stamp {stamp}; put the missing frames in, or restart the stream after "
                "the gap"
            )

    @torch.inference_mode()
    def _score(self, values: np.ndarray) -> tuple[np.ndarray, State]:
        scores, *state = self._step(torch.from_numpy(values).unsqueeze(0), *self._state)
        found: np.ndarray = scores[0].numpy()
        if not np.isfinite(found).all():
            raise self._refused("has values so large that its scores are not finite; mend or scale them")
        return found, tuple(state)

    def _refused(self, why: str) -> InputError:
        return InputError(f"frame {self.frames}: {why}")
