"""The edit distance of two sequences of labels."""

from __future__ import annotations

import numpy as np


def edit_distance(one: np.ndarray, other: np.ndarray) -> int:
    """Return the smallest number of insertions, deletions and replacements that turn `one` into `other` (Levenshtein).

    Both are (n,) int64. A column of the usual table is computed at a time, as bits of whole numbers: neighbours in it differ
    by one at most (Myers, "A fast bit-vector algorithm for approximate string matching", 1999, in the form of Hyyrö 2003).
    """
    short, long = sorted((one.tolist(), other.tolist()), key=len)
    if not long:
        return 0
    places: dict[int, int] = {}
    for place, label in enumerate(long):
        places[label] = places.get(label, 0) | 1 << place
    every, last = (1 << len(long)) - 1, 1 << (len(long) - 1)
    # Where an entry is larger, or smaller, than the one above it; across: than the one to its left.
    larger, smaller, distance = every, 0, len(long)
    for label in short:
        equal = places.get(label, 0)
        diagonal = (((equal & larger) + larger) ^ larger) | equal
        larger_across = smaller | ~(diagonal | larger)
        smaller_across = larger & diagonal
        distance += bool(larger_across & last) - bool(smaller_across & last)
        larger_across = larger_across << 1 | 1
        vertical = equal | smaller
        larger = (smaller_across << 1 | ~(vertical | larger_across)) & every
        smaller = larger_across & vertical & every
    return distance
