"""The segmental measures of an arm: means over its trainings, and its confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.means import means
from crescendo.reports.analysis.member import Training
from crescendo.trainables.evaluation.segmental import OVERLAPS, SegmentalMetrics

F1_KEYS = tuple(f"F1@{100 * overlap:g}" for overlap in OVERLAPS)
"""Of F1 in `SegmentalSummary.measures`: `F1@10`, `F1@25`, `F1@50`."""


@dataclass(frozen=True)
class SegmentalSummary:
    """What came of an arm's frame labels on the test split.

    Attributes
    ----------
    measures
        `accuracy`, `edit` and `F1_KEYS`.
    with_background
        `edit` and `F1_KEYS`, where background counts as a segment.
    labels
        Background and the activities: the rows and columns of `confusion`.
    confusion
        (labels, labels) int64: test frames by true label (rows) and predicted label, of all trainings together.
    """

    measures: Mapping[str, Estimate]
    with_background: Mapping[str, Estimate]
    labels: tuple[str, ...]
    confusion: np.ndarray


def segmental_summary(found: Mapping[Training, SegmentalMetrics]) -> SegmentalSummary | None:
    """Return what came of `found`, the measures of each training; None if there are none."""
    if not found:
        return None
    labels = tuple(dict.fromkeys(label for one in found.values() for label in one.labels))
    place = {label: number for number, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for one in found.values():
        rows = np.array([place[label] for label in one.labels])
        confusion[np.ix_(rows, rows)] += one.confusion
    plain = {key: {"accuracy": one.accuracy, **_scores(one, background=False)} for key, one in found.items()}
    whole = {key: _scores(one, background=True) for key, one in found.items()}
    return SegmentalSummary(means(plain), means(whole), labels, confusion)


def _scores(found: SegmentalMetrics, *, background: bool) -> dict[str, float]:
    scores = found.with_background if background else found.scores
    return {"edit": scores.edit, **dict(zip(F1_KEYS, scores.f1, strict=True))}
