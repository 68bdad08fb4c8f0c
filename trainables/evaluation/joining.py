"""Pairs of things that agree, and pairs that are joined one after the other, whole arrays at a time."""

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


def same_cell(queries: tuple[np.ndarray, ...], targets: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return all pairs of a query and a target that agree in every key, as two index arrays; by query, then target."""
    query_cell, target_cell = np.zeros(len(queries[0]), np.int64), np.zeros(len(targets[0]), np.int64)
    for query, target in zip(queries, targets, strict=True):
        size = max(query.max(initial=0), target.max(initial=0)) + 1
        query_cell, target_cell = query_cell * size + query, target_cell * size + target
    order = np.argsort(target_cell, kind="stable")
    counts = np.bincount(target_cell, minlength=query_cell.max(initial=0) + 1)
    count = counts[query_cell]
    query_index = np.repeat(np.arange(len(query_cell)), count)
    first = (np.cumsum(counts) - counts)[query_cell]
    return query_index, order[counting_up(count, first)]


def counting_up(counts: np.ndarray, first: np.ndarray, step: int = 1) -> np.ndarray:
    """Return, one after the other for each element, `counts` numbers: first, first + step, first + 2 * step, ..."""
    begins = np.cumsum(counts) - counts
    numbers: np.ndarray = np.repeat(first - begins * step, counts)
    numbers += np.arange(0, len(numbers) * step, step)
    return numbers
