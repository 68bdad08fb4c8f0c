"""Average precision of matched detections (protocol section 4)."""

from __future__ import annotations

import numpy as np

from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, Matches, Protocol


def average_precision(
    truth: GroundTruth,
    detections: DetectionArrays,
    matches: Matches,
    *,
    labels: int,
    sets: int = 1,
    protocol: Protocol = "paper",
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return the AP of every label, (sets, labels, thresholds) float64; NaN where a label has no ground truth.

    `thumos14`: the mean over the ground truth of the precision at each true positive. `paper` and `activitynet`: the
    same with each precision raised to the best one at equal or higher recall (the interpolated envelope of VOC 2011).

    Parameters
    ----------
    labels, sets
        How many there are; all indices lie below.
    weights
        (recordings,) int64: count each recording so many times, ground truth and detections. A bootstrap over recordings
        draws them and needs no matching again.
    """
    positives = np.bincount(
        truth.label, weights=None if weights is None else weights[truth.recording], minlength=labels
    )
    label = detections.label[matches.order]
    weight = np.ones(len(label), dtype=np.int64) if weights is None else weights[detections.recording[matches.order]]
    # True positives of one set, threshold and label stand together, in the order of counting: a row.
    row = matches.hit_column * labels + label[matches.hit]
    lengths = _row_lengths(row)
    before = _counted_before(detections, matches, weight, sets)
    if matches.dropped.any():
        before += _sum_before((weight * matches.dropped)[matches.hit], lengths)
    copies = weight[matches.hit]
    found = _sum_before(copies, lengths)
    if weights is not None:
        # One whose recording counts twice comes twice, one after the other.
        nth = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies)
        row, before, found = np.repeat(row, copies), np.repeat(before, copies) + nth, np.repeat(found, copies) + nth
        lengths = _row_lengths(row)
    found += 1
    before += 1
    precision = found / before
    sums = np.zeros(sets * matches.thresholds * labels)
    sums[row[np.cumsum(lengths) - lengths]] = _sums(precision, lengths, enveloped=protocol != "thumos14")
    with np.errstate(invalid="ignore", divide="ignore"):
        result: np.ndarray = sums.reshape(sets, matches.thresholds, labels) / np.where(positives > 0, positives, np.nan)
    return result.transpose(0, 2, 1)


def _row_lengths(row: np.ndarray) -> np.ndarray:
    if len(row) == 0:
        return np.zeros(0, dtype=np.int64)
    changes = np.flatnonzero(row[1:] != row[:-1]) + 1
    return np.diff(changes, prepend=0, append=len(row))


def _counted_before(detections: DetectionArrays, matches: Matches, weight: np.ndarray, sets: int) -> np.ndarray:
    """Return for each true positive the weight of those of its set and label that come before it and are not dropped."""
    since, until, label = (getattr(detections, name)[matches.order] for name in ("since", "until", "label"))
    counted = np.where(matches.dropped, 0, weight)
    before = np.empty(len(matches.hit), dtype=np.int64)
    bounds = np.searchsorted(matches.hit_column, np.arange(sets + 1) * matches.thresholds)
    label_start = np.searchsorted(label, np.arange(label.max(initial=0) + 1))[label[matches.hit]]
    total = np.zeros(len(label) + 1, dtype=np.int64)
    for number in range(sets):
        mine = slice(bounds[number], bounds[number + 1])
        np.cumsum(np.where((since <= number) & (number < until), counted, 0), out=total[1:])
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
