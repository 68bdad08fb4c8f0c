"""Pairs that are joined one after the other, whole arrays at a time."""

from __future__ import annotations

import numpy as np


def join(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the indices of the pairs that are joined when each, in order, is joined if both its sides are still free."""
    remaining = np.arange(len(left))
    first_left = np.empty(left.max(initial=-1) + 1, dtype=np.int64)
    first_right = np.empty(right.max(initial=-1) + 1, dtype=np.int64)
    taken_left, taken_right = np.zeros(len(first_left), dtype=bool), np.zeros(len(first_right), dtype=bool)
    joined = [remaining[:0]]
    while len(remaining):
        one, other = left[remaining], right[remaining]
        # Of repeated indices the last assignment stays: assigned backwards, the first pair.
        first_left[one[::-1]] = remaining[::-1]
        first_right[other[::-1]] = remaining[::-1]
        leads = (first_left[one] == remaining) & (first_right[other] == remaining)
        joined.append(remaining[leads])
        taken_left[one[leads]] = taken_right[other[leads]] = True
        remaining = remaining[~(taken_left[one] | taken_right[other])]
    return np.concatenate(joined)
