"""Splits that depend on names alone: not on a seed, nor on the order of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

VALIDATION_SHARE = 0.2


def held_out(names: Iterable[str], share: float = VALIDATION_SHARE) -> frozenset[str]:
    """Return the `share` of `names` whose SHA-256 comes first: rounded, and at least one if there are two or more."""
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    count = round(len(ordered) * share)
    return frozenset(ordered[: max(count, 1) if len(ordered) > 1 else 0])
