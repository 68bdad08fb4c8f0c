"""The hours that a study may take: what is spent, and how many trainings what is left pays for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from crescendo.search_spaces.schema.confirm import Budget
from crescendo.trainables.storage.json_files import read_json, write_json

FILE = "budget.json"
_SAVED_EVERY = 5.0  # seconds


class Purse:
    """Counts the hours of a study over all its starts, in `FILE` beside its results.

    Attributes
    ----------
    cold
        Identities of the trainings that began before any had ended: their processes were only starting, so they say
        little of how long others take.
    """

    def __init__(self, budget: Budget, output: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Go on counting from what was spent before."""
        self._budget, self._file, self._clock = budget, output / FILE, clock
        self._before = float(read_json(self._file)["spent_seconds"]) if self._file.is_file() else 0.0
        self._began = self._saved = clock()
        self._warm: float | None = None
        self._ended, self._last = 0, 0.0
        self.cold: set[str] = set()

    @property
    def spent(self) -> float:
        """Seconds of the clock so far."""
        return self._before + self._clock() - self._began

    def save(self, *, now: bool = False) -> None:
        """Write down what is spent, at most every few seconds unless it must be `now`."""
        if now or self._clock() - self._saved >= _SAVED_EVERY:
            self._saved = self._clock()
            write_json(self._file, {"spent_seconds": self.spent})

    def begin(self, identities: Iterable[str]) -> None:
        """Note that a training, or a cohort, begins."""
        if not self._last:
            self.cold.update(identities)
        elif self._warm is None:
            self._warm, self._ended = self._clock(), 0

    def end(self) -> None:
        """Note that a training ended."""
        self._ended, self._last = self._ended + 1, self._clock()

    def each(self, at_once: int) -> float:
        """Return the seconds that a training takes here with all that goes on between trainings; 0: not known yet.

        It is measured from the first that follows another: what came before waited for processes to start, which they do once.
        """
        return 0.0 if self._warm is None or not self._ended else (self._last - self._warm) * at_once / self._ended

    def trainings(self, seconds: float, trained: float, at_once: int, gpus: float) -> float:
        """Return how many trainings can still begin and end in time.

        Parameters
        ----------
        seconds
            That one takes; 0: not known yet.
        trained
            The sum over those that began, to the end of those that run.
        at_once, gpus
            How many run side by side, and the share of a GPU that each has.
        """
        paid = []
        if self._budget.hours is not None:
            left = 3600 * self._budget.hours - self.spent
            paid.append(at_once * _times(left - (seconds if at_once > 1 else 0.0), seconds))
        if self._budget.gpu_hours is not None:
            paid.append(_times(3600 * self._budget.gpu_hours / gpus - trained, seconds))
        return max(0.0, min(paid) + 1e-9)  # what is lost in adding seconds costs no training

    def __str__(self) -> str:
        """Say what may be spent."""
        return str(self._budget)


def _times(left: float, seconds: float) -> float:
    if seconds:
        return left / seconds
    return float("inf") if left > 0 else 0.0
