"""The edit distance of two sequences of labels."""

from __future__ import annotations

import numpy as np


def edit_distance(one: np.ndarray, other: np.ndarray) -> int:
    """Return the smallest number of insertions, deletions and replacements that turn `one` into `other` (Levenshtein).

    Both are (n,) int64. A row of the usual table is computed at a time, along the longer sequence.
    """
    short, long = sorted((one, other), key=len)
    place = np.arange(len(long) + 1)
    row = place
    for number, label in enumerate(short.tolist(), 1):
        replaced = np.append(number, np.minimum(row[:-1] + (long != label), row[1:] + 1))
        # An entry may also be reached from one to its left, at the price of their distance.
        row = np.minimum.accumulate(replaced - place) + place
    return int(row[-1])
