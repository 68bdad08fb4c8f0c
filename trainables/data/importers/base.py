"""How an importer tells whoever started it what it does; it knows of no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Reporter(Protocol):
    """Hears of an import's progress and of what it decided."""

    def say(self, line: str) -> None:
        """Take one line that the user should read."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items`, of which there are `total`, and show how far they are; `what` names the work."""


class Silent:
    """A reporter that shows nothing."""

    def say(self, line: str) -> None:
        """Ignore `line`."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items`."""
        yield from items
