"""How long a study waits where what it works with, a disk or a data set, is gone or full for now."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

_PAUSES = (5.0, 20.0, 60.0)  # seconds


class Patience:
    """Pauses, each longer than the last, until there is none left.

    Attributes
    ----------
    left : bool
        Whether another fault would be waited out.
    """

    def __init__(self, pauses: Sequence[float] = _PAUSES, clock: Callable[[], float] = time.monotonic) -> None:
        self._pauses, self._clock = pauses, clock
        self._taken, self._until = 0, float("-inf")

    @property
    def left(self) -> bool:
        """Whether another fault would be waited out."""
        return self._taken < len(self._pauses)

    def wait(self) -> float:
        """Begin the next pause and return its seconds; one that is under way goes on, with what is left of it."""
        if not self.waiting:
            self._until = self._clock() + self._pauses[self._taken]
            self._taken += 1
        return self._until - self._clock()

    @property
    def waiting(self) -> bool:
        """Whether a pause is under way."""
        return self._clock() < self._until

    def reset(self) -> None:
        """Take it that what was gone is there again."""
        self._taken, self._until = 0, float("-inf")
