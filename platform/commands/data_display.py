"""What `crescendo data` shows: progress of an import, tables of a description."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from crescendo.platform.terminal_text import terminal_console
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.importers.base import Reporter
from crescendo.trainables.plurals import counted

Item = TypeVar("Item")

# Without a terminal a line now and then tells a log that the import is alive.
SECONDS_BETWEEN_LINES = 10.0


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return the task's rate in items a second."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f}/s")


class _Terminal:
    """A live bar with rate and time left, on standard error."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def say(self, line: str) -> None:
        """Print `line` above the bar."""
        self._progress.console.print(line)

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items` under a bar."""
        yield from self._progress.track(items, total=total, description=what)


class _Lines:
    """Plain lines on standard error, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """Print `line`."""
        self._console.print(line, soft_wrap=True)

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items` and print a line at their end, and every few seconds before."""
        began = printed = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            if done == 1:
                printed = now  # what came before it tells nothing of the rate
            if done == total or now - printed > SECONDS_BETWEEN_LINES:
                printed = now
                rate = done / max(now - began, 1e-9)
                self.say(f"{what}: {done} of {total}, {rate:,.1f}/s, {(total - done) / rate:,.0f} s left")


class Heard:
    """A reporter that passes everything on to another and remembers what was said."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter, self._said = reporter, set[str]()

    def say(self, line: str) -> None:
        """Pass `line` on."""
        self._said.add(line)
        self._reporter.say(line)

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Pass the work on."""
        return self._reporter.track(items, total, what)

    def say_the_rest(self, notes: Iterable[str]) -> None:
        """Say those of `notes` that were not said."""
        for note in notes:
            if note not in self._said:
                self.say(note)


@contextmanager
def terminal() -> Iterator[Reporter]:
    """Yield a reporter that fits where standard error goes."""
    console = terminal_console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Terminal(progress)


def print_summary(dataset: Dataset) -> None:
    """Print in one line, on standard output, what a data set that was just made holds."""
    recordings = dataset.annotations.recordings
    segments = sum(len(one.segments) for one in recordings.values())
    features = "no features" if dataset.feature_dim is None else f"{counted(dataset.feature_dim, 'feature')}"
    terminal_console().print(
        f"{dataset.path}: {counted(len(recordings), 'recording')}, {counted(sum(map(dataset.frames, recordings)), 'frame')} at "
        f"{dataset.fps:g} a second, {features}, {counted(segments, 'segment')} of {counted(len(dataset.labels) - 1, 'activity')}",
        soft_wrap=True,
    )
