"""What mAP would be if detections of one kind were mended or gone (protocol section 4, Diagnosis).

After Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors" (ECCV 2020).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crescendo.trainables.evaluation.average_precision import average_precision
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, Matches, counting_order
from crescendo.trainables.evaluation.outcomes import FOUND, KINDS, Outcomes

MISSED = "missed"

MENDED = ("wrong_label", "poor_overlap")
"""Kinds whose detections are mended; those of the others are left out."""


def mean_ap_without(
    found: Outcomes,
    kind: str | None,
    *,
    enveloped: bool,
    detections: np.ndarray | slice = slice(None),
    activities: np.ndarray | slice = slice(None),
) -> float:
    """Return mAP without `kind`, one of `KINDS` or `MISSED`; None: as it is.

    `wrong_label` and `poor_overlap`: each detection becomes a true positive of the segment that it is about, with that
    segment's label and its own score. Where the segment is found already, or by such a detection with a higher score (of
    equal ones by start, end and the order of counting), it is left out instead. `both`, `double`, `background`: they are left
    out.
    `missed`: missed activities (`Outcomes.missed`) need not be found; a label of which nothing else is to be found is left
    out of the mean, which is 1 where no label is left.

    Parameters
    ----------
    detections, activities
        (detections,), (truths,) bool: only these are mended, left out or need not be found; all others stay as they are.
    """
    truth, ranked, hit = found.truth, found.detections, found.kind == FOUND
    if kind == MISSED:
        truth = truth.taken(~_among(found.missed, activities))
    elif kind is not None:
        changed = _among(found.of_kind(kind), detections)
        kept = ~changed
        if kind in MENDED:
            mended = _mended(found, changed)
            label = ranked.label.copy()
            label[mended] = truth.label[found.about[mended]]
            ranked = replace(ranked, label=label)
            kept[mended] = hit[mended] = True
        ranked, hit = ranked.taken(kept), hit[kept]
    left = np.unique(truth.label)
    if not len(left):
        return 1.0
    return float(_average_precision(truth, ranked, hit, enveloped=enveloped)[left].mean())


def all_mean_ap_without(
    found: Outcomes,
    *,
    enveloped: bool,
    detections: np.ndarray | slice = slice(None),
    activities: np.ndarray | slice = slice(None),
) -> dict[str, float]:
    """Return `mean_ap_without` of every kind, and of missed activities."""
    return {
        kind: mean_ap_without(found, kind, enveloped=enveloped, detections=detections, activities=activities)
        for kind in (*KINDS, MISSED)
    }


def _among(rows: np.ndarray, some: np.ndarray | slice) -> np.ndarray:
    """Return which of `rows`, bool, are among `some`."""
    both = np.zeros_like(rows)
    both[some] = rows[some]
    return both


def _mended(found: Outcomes, changed: np.ndarray) -> np.ndarray:
    """Return which of the `changed` detections become true positives, one at most for each segment that has none."""
    rows = np.flatnonzero(changed)
    rows = rows[~found.found[found.about[rows]]]
    detections = found.detections.taken(rows)
    order = np.lexsort((detections.end, detections.start, -detections.score))
    _, first = np.unique(found.about[rows[order]], return_index=True)
    mended: np.ndarray = rows[order[first]]
    return mended


def _average_precision(
    truth: GroundTruth, detections: DetectionArrays, hit: np.ndarray, *, enveloped: bool
) -> np.ndarray:
    """Return the AP of every label, (labels,), where `hit` says which detections are true positives."""
    labels = 1 + max(truth.label.max(initial=0), detections.label.max(initial=0))
    order = counting_order(detections)
    places = np.flatnonzero(hit[order])
    matches = Matches(order, np.zeros(len(order), dtype=bool), np.zeros_like(places), places, 1)
    ap: np.ndarray = average_precision(truth, detections, matches, labels=labels, enveloped=enveloped)[0, :, 0]
    return ap
