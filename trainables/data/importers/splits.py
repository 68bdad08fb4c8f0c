"""Splits that depend on names alone: not on a seed, nor on the order of files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from crescendo.trainables.data.groups import Groups

VALIDATION_SHARE = 0.2


def held_out(names: Sequence[str], groups: Groups, share: float = VALIDATION_SHARE) -> frozenset[str]:
    """Return about the `share` of `names`, whole groups only.

    Groups are taken by the SHA-256 of their names, a recording without one by that of its own, until the share, rounded,
    is reached. At least one group is held out if there are two or more, and never all.
    """
    members: dict[int, list[str]] = {}
    for name, number in zip(names, groups.numbers(names).tolist(), strict=True):
        members.setdefault(number, []).append(name)
    wanted = max(round(len(names) * share), 1)
    chosen: list[str] = []
    for one in sorted(members.values(), key=lambda one: _place(one[0], groups))[:-1]:
        if len(chosen) < wanted:
            chosen += one
    return frozenset(chosen)


def _place(name: str, groups: Groups) -> tuple[bytes, bool]:
    return hashlib.sha256(groups.of.get(name, name).encode()).digest(), name in groups.of
