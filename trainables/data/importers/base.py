"""How an importer reports what it does, without knowing of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Reporter(Protocol):
    """Receives an import's progress and its decisions."""

    def say(self, line: str) -> None:
        """Show one line to the user."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items`, `total` of them, and show the progress; `what` names the work."""


class Silent:
    """A reporter that shows nothing."""

    def say(self, line: str) -> None:
        """Ignore `line`."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items`."""
        yield from items
