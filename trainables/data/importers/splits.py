"""Splits that depend on names alone: no seed, no file order, and a name keeps its side when others come or go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

VALIDATION_SHARE = 0.2


def held_out(names: Iterable[str], share: float = VALIDATION_SHARE) -> frozenset[str]:
    """Return the `share` of `names` (rounded, at least one of two) whose SHA-256 comes first."""
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    count = round(len(ordered) * share)
    return frozenset(ordered[: max(count, 1) if len(ordered) > 1 else 0])
