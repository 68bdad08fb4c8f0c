"""Average precision of matched detections (protocol section 4)."""

from __future__ import annotations

import numpy as np

from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, Matches


def average_precision(
    truth: GroundTruth,
    detections: DetectionArrays,
    matches: Matches,
    *,
    labels: int,
    sets: int = 1,
    enveloped: bool = True,
) -> np.ndarray:
    """Return the AP of every label, (sets, labels, thresholds) float64; NaN where a label has no ground truth.

    It is the mean over the ground truth of the precision at each true positive; `enveloped`: of each precision raised to
    the best one at equal or higher recall (the interpolated envelope of VOC 2011). `labels` and `sets` tell how many there
    are; all indices lie below.
    """
    positives = np.bincount(truth.label, minlength=labels)
    label = detections.label[matches.order]
    # True positives of one set, threshold and label stand together, in the order of counting: a row.
    row = matches.hit_column * labels + label[matches.hit]
    lengths = _row_lengths(row)
    before = _counted_before(detections, matches, sets)
    if matches.dropped.any():
        before += _sum_before(matches.dropped[matches.hit].astype(np.int64), lengths)
    found = _sum_before(np.ones(len(row), dtype=np.int64), lengths)
    precision = (found + 1) / (before + 1)
    sums = np.zeros(sets * matches.thresholds * labels)
    sums[row[np.cumsum(lengths) - lengths]] = _sums(precision, lengths, enveloped=enveloped)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: np.ndarray = sums.reshape(sets, matches.thresholds, labels) / np.where(positives > 0, positives, np.nan)
    return result.transpose(0, 2, 1)


def _row_lengths(row: np.ndarray) -> np.ndarray:
    if len(row) == 0:
        return np.zeros(0, dtype=np.int64)
    changes = np.flatnonzero(row[1:] != row[:-1]) + 1
    return np.diff(changes, prepend=0, append=len(row))


def _counted_before(detections: DetectionArrays, matches: Matches, sets: int) -> np.ndarray:
    """Return for each true positive how many of its set and label come before it and are not dropped."""
    since, until, label = (getattr(detections, name)[matches.order] for name in ("since", "until", "label"))
    counted = ~matches.dropped
    before = np.empty(len(matches.hit), dtype=np.int64)
    bounds = np.searchsorted(matches.hit_column, np.arange(sets + 1) * matches.thresholds)
    label_start = np.searchsorted(label, np.arange(label.max(initial=0) + 1))[label[matches.hit]]
    total = np.zeros(len(label) + 1, dtype=np.int64)
    for number in range(sets):
        mine = slice(bounds[number], bounds[number + 1])
        np.cumsum((since <= number) & (number < until) & counted, out=total[1:])
        before[mine] = total[matches.hit[mine]] - total[label_start[mine]]
    return before


def _sum_before(amounts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the sum of `amounts` from each entry's row's start up to the entry, not included; rows have `lengths`."""
    before = np.cumsum(amounts) - amounts
    result: np.ndarray = before - np.repeat(before[np.cumsum(lengths) - lengths], lengths)
    return result


def _sums(precision: np.ndarray, lengths: np.ndarray, enveloped: bool) -> np.ndarray:
    """Return the sum of each row; `enveloped`: of the largest precision from each entry to the end of its row."""
    height, width = len(lengths), lengths.max(initial=0)
    # Rows become the columns of a matrix: accumulated and summed side by side, each in its own order.
    matrix = np.zeros((width, height))
    begins = np.cumsum(lengths) - lengths
    place = np.repeat(np.arange(height) - begins * height, lengths)
    place += np.arange(0, len(precision) * height, max(height, 1))
    matrix.ravel()[place] = precision
    if enveloped:
        np.maximum.accumulate(matrix[::-1], axis=0, out=matrix[::-1])
    result: np.ndarray = matrix.sum(axis=0)
    return result
