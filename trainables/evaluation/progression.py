"""How scores move while an activity goes on (protocol section 6, the paper's figures 10 and 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import frame_span
from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.decoded_subset import checked_scores

POINTS = 20
CURVES = ("score", "margin", "worst_negative")
"""Attributes of a `Progression` that are curves."""


@dataclass(frozen=True)
class Violation:
    """How often and how deep a quantity falls within an activity.

    `share` is the share of frames, of all segments together and each segment's first frame aside, whose quantity lies
    below the largest one of the segment so far; `depth` is the mean amount by which those frames lie below it (0 if
    none does).
    """

    share: float
    depth: float

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Violation:
        """Return the violation whose fields `content` holds."""
        return cls(float(content["share"]), float(content["depth"]))


@dataclass(frozen=True)
class Progression:
    """Mean curves over the segments of a subset, from their first frame to their last, and the violations in them.

    `score` of the true label, `worst_negative` (the highest other label's score, background included) and `margin`
    (their difference): (`POINTS`,) float64 each. `segments` of them were averaged; `without_frames` more have no frame.
    """

    score: np.ndarray
    margin: np.ndarray
    worst_negative: np.ndarray
    score_violation: Violation
    margin_violation: Violation
    segments: int
    without_frames: int

    @property
    def violations(self) -> dict[str, Violation]:
        """The violations of `score` and of `margin`."""
        return {"score": self.score_violation, "margin": self.margin_violation}

    @property
    def curves(self) -> dict[str, np.ndarray]:
        """Each of `CURVES` by its name, (`POINTS`,) float64."""
        return {name: getattr(self, name) for name in CURVES}

    def to_json(self) -> dict[str, Any]:
        """Return the curves as lists, and `{"share": ..., "depth": ...}` of score and margin under `violations`."""
        return {
            **{name: curve.tolist() for name, curve in self.curves.items()},
            "violations": {name: asdict(violation) for name, violation in self.violations.items()},
            "segments": self.segments,
            "without_frames": self.without_frames,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Progression:
        """Return the progression whose `to_json` is `content`; `ValueError`, say, if it is something else."""
        score, margin, worst_negative = (np.array(content[name], dtype=np.float64).reshape(POINTS) for name in CURVES)
        violations = content["violations"]
        return cls(
            score,
            margin,
            worst_negative,
            Violation.from_json(violations["score"]),
            Violation.from_json(violations["margin"]),
            int(content["segments"]),
            int(content["without_frames"]),
        )


def progression(dataset: Dataset, subset: str, scores: Mapping[str, np.ndarray]) -> Progression:
    """Return the mean curves and the violations over all segments of `subset`.

    Each segment's curve over its frames is resampled linearly to `POINTS` points, the first and the last frame being the
    ends; resampling and averaging are linear, so the mean margin is the mean score minus the mean worst negative.
    Where segments overlap, each is followed through all its frames.

    Parameters
    ----------
    scores
        Recording -> (frames, labels), at least the recordings of `subset`.

    Raises
    ------
    InputError
        If scores are lacking, NaN or of another shape than frames and labels, or no segment has a frame.
    """
    index = {label: number for number, label in enumerate(dataset.labels)}
    true_scores, rivals, without_frames = [], [], 0
    for recording in dataset.recordings(subset):
        matrix = np.asarray(checked_scores(dataset, recording, scores), dtype=np.float64)
        broken = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
        if len(broken):
            raise InputError(f"recording {recording!r}: scores of frame {broken[0]} hold NaN or infinity")
        for segment in dataset.annotations.recordings[recording].segments:
            first, last = frame_span(segment.start, segment.end, dataset.fps)
            inside, label = matrix[first:last], index[segment.label]
            if len(inside) == 0:
                without_frames += 1
                continue
            true_scores.append(inside[:, label])
            rivals.append(np.delete(inside, label, axis=1).max(axis=1))
    if not true_scores:
        raise InputError(f"subset {subset!r} has no segment with a frame: there is no progression to follow")
    margins = [score - rival for score, rival in zip(true_scores, rivals, strict=True)]
    return Progression(
        score=_mean_curve(true_scores),
        margin=_mean_curve(margins),
        worst_negative=_mean_curve(rivals),
        score_violation=_violation(true_scores),
        margin_violation=_violation(margins),
        segments=len(true_scores),
        without_frames=without_frames,
    )


def _mean_curve(curves: list[np.ndarray]) -> np.ndarray:
    resampled = [np.interp(np.linspace(0, len(curve) - 1, POINTS), np.arange(len(curve)), curve) for curve in curves]
    return np.asarray(np.mean(resampled, axis=0))


def _violation(curves: list[np.ndarray]) -> Violation:
    falls = np.concatenate([np.maximum.accumulate(curve)[:-1] - curve[1:] for curve in curves])
    deep = falls[falls > 0]
    return Violation(
        share=float(len(deep) / len(falls)) if len(falls) else 0.0,
        depth=float(deep.mean()) if len(deep) else 0.0,
    )
