"""Groups of recordings that are not independent of each other: those of one person, one session, one camera."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crescendo.trainables.plurals import counted

GROUPS = "groups"
"""What groups are called where nobody says."""


@dataclass(frozen=True)
class Groups:
    """Which recordings belong together.

    Attributes
    ----------
    of
        Recording -> the name of its group; a recording that is not here is a group of its own.
    are
        What groups are, a noun in the plural: `people`.
    """

    of: Mapping[str, str] = field(default_factory=dict)
    are: str = GROUPS

    def numbers(self, recordings: Sequence[str]) -> np.ndarray:
        """Return the number of each recording's group, (recordings,) int64, counted as they first appear."""
        numbers: dict[tuple[str, ...], int] = {}
        keys = [(self.of[name],) if name in self.of else ("", name) for name in recordings]
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)

    def members(self, recordings: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the recordings of each group, groups by the SHA-256 of their names: whatever order they come in.

        A recording without a group goes by its own name.
        """
        members: dict[int, list[str]] = {}
        for name, number in zip(recordings, self.numbers(recordings).tolist(), strict=True):
            members.setdefault(number, []).append(name)
        return sorted(map(tuple, members.values()), key=lambda one: self._place(one[0]))

    def _place(self, recording: str) -> tuple[bytes, bool]:
        return hashlib.sha256(self.of.get(recording, recording).encode()).digest(), recording in self.of

    def count(self, recordings: Sequence[str]) -> int:
        """Return how many groups `recordings` are of."""
        return len(set(self.numbers(recordings).tolist()))

    def counted(self, number: int) -> str:
        """Return a number of groups in words, of recordings where there are no groups: `3 people`, `1 group`."""
        if not self.of:
            return counted(number, "recording")
        return counted(number, "group", self.are)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able object."""
        return {"are": self.are, "of": dict(self.of)}

    @classmethod
    def from_json(cls, content: Any) -> Groups:
        """Return the groups whose `to_json` is `content`; `ValueError` if it is something else."""
        if not isinstance(content, dict) or not isinstance(content.get("of"), dict):
            raise ValueError("'groups' must be an object with 'of', recording -> group")
        of = content["of"]
        if not all(isinstance(group, str) for group in of.values()):
            raise ValueError("'groups' must map recordings to text")
        return cls(of, str(content.get("are", GROUPS)))
