"""Per-frame average precision of online action detection: AP, and calibrated AP (cAP) (protocol section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.trainables.data.frames import BACKGROUND_INDEX

# Columns copied together: a row of scores is read from memory once for all of them.
_COLUMNS = 16


@dataclass(frozen=True)
class FramePrecision:
    """How well frame scores rank the frames of each label before all others.

    `labels` are the activities that have frames, in the data set's order; `ap` and `cap` (labels,) float64, fractions
    of 1.
    """

    labels: tuple[str, ...]
    ap: np.ndarray
    cap: np.ndarray

    @property
    def mean_ap(self) -> float:
        """The mean AP over the labels."""
        return float(self.ap.mean())

    @property
    def mean_cap(self) -> float:
        """The mean cAP over the labels."""
        return float(self.cap.mean())

    def to_json(self) -> dict[str, Any]:
        """Return `{"frame_mAP": ..., "frame_cAP": ..., "frame_AP": {label: {"AP": ..., "cAP": ...}}}`."""
        columns = zip(self.labels, self.ap.tolist(), self.cap.tolist(), strict=True)
        return {
            "frame_mAP": self.mean_ap,
            "frame_cAP": self.mean_cap,
            "frame_AP": {label: {"AP": ap, "cAP": cap} for label, ap, cap in columns},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> FramePrecision:
        """Return the precision whose `to_json` is `content`; means are computed again from its values."""
        rows = content["frame_AP"]
        ap, cap = (np.array([row[name] for row in rows.values()], dtype=np.float64) for name in ("AP", "cAP"))
        return cls(tuple(rows), ap, cap)


def frame_precision(
    scores: Sequence[np.ndarray], targets: Sequence[np.ndarray], labels: Sequence[str]
) -> FramePrecision:
    """Return AP and cAP of every activity over all frames of some recordings.

    The frames are ranked by the label's score. AP is the mean, over the label's frames, of the precision TP / (TP + FP)
    among all frames that score at least as much; cAP the same of the calibrated precision w TP / (w TP + FP), w being
    the number of other frames divided by the number of the label's, so that rare and frequent labels can be compared
    (De Geest et al., "Online Action Detection", ECCV 2016, section 5). Frames of equal score are counted together: no
    result depends on the order of frames or recordings. Background has no AP, but its frames are negatives of every
    activity.

    Parameters
    ----------
    scores
        (frames, labels) of each recording, finite.
    targets
        (frames,) of each recording, the index of each frame's label; frames with a negative one are left out.
    labels
        Names of the label indices, background first.
    """
    kept = [target >= 0 for target in targets]
    target = np.concatenate([labelled[mine] for labelled, mine in zip(targets, kept, strict=True)])
    count = np.bincount(target, minlength=len(labels))
    present = np.flatnonzero(count[BACKGROUND_INDEX + 1 :]) + BACKGROUND_INDEX + 1
    ap, cap = np.zeros(len(labels)), np.zeros(len(labels))
    for first in range(0, len(labels), _COLUMNS):
        columns = [matrix[mine, first : first + _COLUMNS] for matrix, mine in zip(scores, kept, strict=True)]
        block = np.ascontiguousarray(np.concatenate(columns).T)
        for label in present[(first <= present) & (present < first + _COLUMNS)].tolist():
            ap[label], cap[label] = _precision(block[label - first], target == label)
    return FramePrecision(tuple(labels[label] for label in present.tolist()), ap[present], cap[present])


def _precision(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    positives, negatives = np.sort(scores[positive]), np.sort(scores[~positive])
    true = len(positives) - np.searchsorted(positives, positives)
    false = len(negatives) - np.searchsorted(negatives, positives)
    # w TP / (w TP + FP), divided by w; where there are no negatives nothing is false.
    calibrated = true / (true + false * (len(positives) / max(len(negatives), 1)))
    return float((true / (true + false)).mean()), float(calibrated.mean())
