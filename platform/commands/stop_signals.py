"""Signals that ask a command to end, heard between two pieces of its work and while it waits for the next."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

_Item = TypeVar("_Item")
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopped(BaseException):
    """A signal has asked the command to end; `exit_code` is 128 + its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class StopSignals:
    """Within it Ctrl-C, SIGTERM and SIGHUP end a wait and nothing else, so that no piece of work is left half done.

    A signal that the process was told to ignore, as by `nohup`, stays ignored. After the first one only another Ctrl-C
    does anything: it ends the process at once.
    """

    def __init__(self) -> None:
        self._asked: int | None = None
        self._waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        heard = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._hear) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait_for(self, take: Callable[[], _Item]) -> _Item:
        """Return `take()`; `Stopped` if a signal has come since the last wait, or comes during this one."""
        try:
            self._waiting = True
            if self._asked is not None:
                raise Stopped(self._asked)
            return take()
        finally:
            self._waiting = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._asked is not None:
            return
        self._asked = number
        # Whoever reads our output may have stopped reading: writing what is open would then take for ever.
        if signal.SIGINT in self._before:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        if self._waiting:
            raise Stopped(number)
