"""What is wrong with a study: every problem found, each with its place, key, value and rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing to mend.

    `path` leads to the entry (`("search", "space", "lambda_r")`), `rule` says what holds there and what was found, and
    `needs` names other entries that the rule read: if one of those is wrong itself, this problem may merely follow from
    it.
    """

    path: Path
    rule: str
    needs: tuple[Path, ...] = ()

    def echoes(self, others: Iterable[Problem]) -> bool:
        """Tell whether one of `others` may explain this: one at, above or below an entry that its rule read."""
        mine = (self.path, *self.needs)
        return any(_related(path, other.path) for path in mine for other in others if other.path)


def _related(first: Path, second: Path) -> bool:
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


class StudyError(ValueError):
    """A study that cannot be run; `lines` holds every problem as one line, in the order of the file."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))
