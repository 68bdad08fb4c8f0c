"""AP on many resamples of the recordings at once.

A run's detections are matched with the ground truth once. A resample only says how often each recording counts, so its
AP needs sums of counts, which are taken for hundreds of resamples side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, Matches, match
from crescendo.trainables.evaluation.protocols import DEFAULT_RULE, MatchingRule

CHUNK = 256


@dataclass(frozen=True)
class LabelHits:
    """The true positives of one label, as counts by recording: what a resample weighs.

    A row is the true positives at one threshold, by rank; equal rows of several thresholds are kept once, and stand one
    after the other.

    Attributes
    ----------
    recordings : (n,) int64, those with detections of the label
    own : (hits,) int64, the place in `recordings` of each true positive's recording
    found, counted : (hits, n) float64, true positives, and detections that count, up to and with each true positive
    begin : (rows,) int64, where among the hits a row begins
    row : (thresholds,) int64, the row of each threshold; -1 where nothing hits
    """

    recordings: np.ndarray
    own: np.ndarray
    found: np.ndarray
    counted: np.ndarray
    begin: np.ndarray
    row: np.ndarray


@dataclass(frozen=True)
class MatchedRun:
    """A run's detections, matched at every threshold.

    `hits` are those of each label; `positives` (labels, recordings) float64 counts the ground truth; `enveloped` tells
    whether precision is raised to the best one at equal or higher recall.
    """

    hits: tuple[LabelHits, ...]
    positives: np.ndarray
    thresholds: int
    enveloped: bool


def matched_run(
    truth: GroundTruth,
    detections: DetectionArrays,
    iou: Sequence[float],
    *,
    labels: int,
    recordings: int,
    rule: MatchingRule = DEFAULT_RULE,
    ambiguous: int | None = None,
    recording: np.ndarray | None = None,
) -> MatchedRun:
    """Match one run's detections (one set; see `matching.DetectionArrays`) with the ground truth.

    Parameters
    ----------
    labels, recordings
        How many there are; all indices lie below.
    ambiguous
        As in `match`; the label itself is none that is scored.
    recording
        The recording that each `recording` index of truth and detections belongs to, where those are parts of
        recordings, as the sequences of early detection are.
    """
    matches = match(truth, detections, iou, rule, ambiguous=ambiguous)
    of = np.arange(recordings) if recording is None else recording
    positives = np.zeros((labels, recordings))
    np.add.at(positives, (truth.label, of[truth.recording]), 1)
    if ambiguous is not None:
        positives[ambiguous] = 0
    hits = _hits_by_label(matches, detections.label, of[detections.recording], labels)
    return MatchedRun(hits, positives, matches.thresholds, rule.enveloped)


def _hits_by_label(matches: Matches, label: np.ndarray, recording: np.ndarray, labels: int) -> tuple[LabelHits, ...]:
    """Return the hits of each label; `label` and `recording` are of the detections, in their own order."""
    ranked = label[matches.order]
    bounds = np.searchsorted(ranked, np.arange(labels + 1))
    hit_label = ranked[matches.hit]
    hits = []
    for number in range(labels):
        mine = slice(bounds[number], bounds[number + 1])
        of_label = hit_label == number
        hits.append(
            _label_hits(
                recording[matches.order[mine]],
                matches.dropped[mine],
                matches.hit[of_label] - bounds[number],
                matches.hit_column[of_label],
                matches.thresholds,
            )
        )
    return tuple(hits)


def _label_hits(
    recording: np.ndarray, dropped: np.ndarray, hit: np.ndarray, column: np.ndarray, thresholds: int
) -> LabelHits:
    """Return the hits of one label; `recording` and `dropped` are of its detections, by rank, which `hit` points into."""
    recordings, place = np.unique(recording, return_inverse=True)
    each = np.zeros((len(place), len(recordings)))
    each[np.arange(len(place)), place] = 1
    before = np.cumsum(each * ~dropped[:, None], axis=0) - each * ~dropped[:, None]
    rows: dict[bytes, int] = {}
    row = np.full(thresholds, -1)
    own: list[np.ndarray] = []
    found: list[np.ndarray] = []
    counted: list[np.ndarray] = []
    for threshold in np.unique(column):
        places = hit[column == threshold]
        row[threshold] = rows.setdefault(places.tobytes(), len(rows))
        if row[threshold] < len(own):
            continue
        own.append(place[places])
        found.append(np.cumsum(each[places], axis=0))
        # A true positive counts even where it would be dropped.
        saved = each[places] * dropped[places][:, None]
        counted.append(before[places] + each[places] + np.cumsum(saved, axis=0) - saved)
    lengths = np.array([len(one) for one in own], dtype=np.int64)
    nothing = np.zeros((0, len(recordings)))
    return LabelHits(
        recordings,
        np.concatenate([np.zeros(0, dtype=np.int64), *own]),
        np.concatenate([nothing, *found]),
        np.concatenate([nothing, *counted]),
        np.cumsum(lengths) - lengths,
        row,
    )


def weighted_ap(run: MatchedRun, weights: np.ndarray) -> np.ndarray:
    """Return the AP on each resample, (resamples, labels, thresholds) float64; NaN where a label has no ground truth.

    `weights` are (resamples, recordings) counts. A recording counts as often as its weight says, ground truth and
    detections; copies of a detection follow one another, and each hits a copy of what the detection hits.
    """
    counts = np.ascontiguousarray(weights.T, dtype=np.float64)
    positives = run.positives @ counts
    ap = np.zeros((len(run.hits), run.thresholds, counts.shape[1]))
    for hits, mine in zip(run.hits, ap, strict=True):
        if len(hits.begin):
            reached = hits.row >= 0
            mine[reached] = _row_sums(hits, counts[hits.recordings], run.enveloped)[hits.row[reached]]
    with np.errstate(invalid="ignore", divide="ignore"):
        ap /= np.where(positives > 0, positives, np.nan)[:, None]
    return ap.transpose(2, 0, 1)


def mean_ap(run: MatchedRun, weights: np.ndarray) -> np.ndarray:
    """Return the mAP on each resample, (resamples, thresholds) float64: the mean over the labels with ground truth in it.

    NaN where there is none at all.
    """
    ap = weighted_ap(run, weights)
    labels = (~np.isnan(ap)).sum(axis=1)
    mean: np.ndarray = np.nansum(ap, axis=1) / np.where(labels > 0, labels, np.nan)
    return mean


def _row_sums(hits: LabelHits, counts: np.ndarray, enveloped: bool) -> np.ndarray:
    """Return the sum of the precisions at each row's true positives, (rows, resamples), from (n, resamples) counts."""
    copies, found, counted = counts[hits.own], hits.found @ counts, hits.counted @ counts
    if enveloped:
        # Precision rises over the copies of one detection, so the envelope at each is that at the last. Where a
        # detection does not count, precision is at most what it was before: the envelope passes over it.
        precision = np.divide(found, counted, out=found, where=counted > 0)
        for begin, end in zip(hits.begin, np.append(hits.begin[1:], len(precision)), strict=True):
            for place in range(end - 2, begin - 1, -1):
                np.maximum(precision[place], precision[place + 1], out=precision[place])
        precision *= copies
    else:
        precision = np.zeros_like(found)
        found, counted = found - copies, counted - copies
        for nth in range(1, int(copies.max(initial=0)) + 1):
            np.add(precision, (found + nth) / (counted + nth), out=precision, where=copies >= nth)
    return np.asarray(np.add.reduceat(precision, hits.begin, axis=0))


def resample_weights(recordings: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield bootstrap resamples as counts, (up to `CHUNK`, recordings) int64 each: as many draws as recordings."""
    for number, begin in enumerate(range(0, resamples, CHUNK)):
        generator = np.random.default_rng([seed, number])
        size = min(CHUNK, resamples - begin)
        yield generator.multinomial(recordings, np.full(recordings, 1 / recordings), size=size)


def resampled_mean_ap(
    runs: Sequence[MatchedRun], recordings: int, *, resamples: int, seed: int, threads: int = 2
) -> np.ndarray:
    """Return the mAP of every run on the same resamples, (runs, resamples, thresholds) float64.

    NaN where a resample holds no ground truth at all.
    """

    def chunk(weights: np.ndarray) -> np.ndarray:
        return np.stack([mean_ap(run, weights) for run in runs])

    # The matrices are small: threads of the BLAS library's own would wait for each other most of the time.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(chunk, resample_weights(recordings, resamples, seed))), axis=1)
