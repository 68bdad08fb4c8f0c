"""How far work on frames is, at what rate, and how long the rest takes: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from crescendo.trainables.plurals import counted

Frame = TypeVar("Frame")
_QUIET, _EVERY = 2.0, 30.0
"""Seconds before anything is said, and between two lines where there is no terminal."""
_BLOCK = 100  # frames that are counted before anybody is told


def frame_bar(console: Console, *, leave: bool = False) -> Progress:
    """Return a bar of frames done, not shown yet; each task has a field `rate`. `leave` it there in the end."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=not leave,
        disable=not console.is_terminal,
    )


class FrameProgress:
    """Tells of one piece of work, if it takes longer than a moment; call it with the frames done and, if known, in all."""

    def __init__(self, console: Console, what: str, bar: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        """Say nothing yet. `bar` is shown already, or shown by someone else."""
        self._console, self._what, self._bar, self._clock = console, what, bar, clock
        self._began = self._told = clock()
        self._task: TaskID | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Tell that so many frames are done."""
        now = self._clock()
        rate = done / max(now - self._began, 1e-9)
        if done == total or now - self._began < _QUIET:
            return
        if self._console.is_terminal:
            if self._task is None:
                self._task = self._bar.add_task(self._what, total=total, rate="")
            self._bar.update(self._task, completed=done, rate=f"{rate:,.0f} frames/s")
        elif now - self._told >= _EVERY:
            self._told = now
            self._console.print(f"{self._what}: {_line(done, total, rate)}", soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None


@contextmanager
def frame_progress(console: Console, what: str) -> Iterator[FrameProgress]:
    """Tell of the work of the block on `console`."""
    with frame_bar(console) as bar:
        progress = FrameProgress(console, what, bar)
        try:
            yield progress
        finally:
            progress.close()


def with_progress(frames: Iterable[Frame], progress: FrameProgress, total: int | None) -> Iterator[Frame]:
    """Yield `frames`, telling `progress` of them."""
    for number, frame in enumerate(frames, 1):
        yield frame
        if number % _BLOCK == 0:
            progress(number, total)


def _line(done: int, total: int | None, rate: float) -> str:
    if total is None:
        return f"{counted(done, 'frame')}, {rate:,.0f} frames/s"
    minutes, seconds = divmod(round((total - done) / max(rate, 1e-9)), 60)
    return f"{done:,} of {counted(total, 'frame')}, {rate:,.0f} frames/s, {minutes}:{seconds:02d} left"
