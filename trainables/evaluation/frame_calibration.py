"""How far frame scores are probabilities: calibration error, likelihood, reliability diagram (protocol section 4).

After Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.frame_targets import frame_targets
from crescendo.trainables.evaluation.protocols import DEFAULT_RULE, MatchingRule
from crescendo.trainables.inference.decoded_subset import DecodedSubset

BINS = 15
"""Bins of equal width between confidences of 0 and 1; the upper edge belongs to a bin."""

LEAST = float(np.finfo(np.float32).tiny)
"""Scores below this, which float32 rounds to 0, count as this much in the likelihood: at most 87.3 a frame."""

# Softmax in float32 may exceed 1 by its last bits.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class FrameCalibration:
    """How confident a model is of the labels of frames, and how often it is right.

    Attributes
    ----------
    frames
        (`BINS`,) int64: the number of frames whose highest score falls in each bin.
    confidence, accuracy
        (`BINS`,) float64: the mean of these highest scores, and the share of frames whose label they name; 0 in empty bins.
    negative_log_likelihood
        The mean over frames of -log of the true label's score, in nats.
    """

    frames: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    negative_log_likelihood: float

    @property
    def expected_calibration_error(self) -> float:
        """The mean over frames of the distance between confidence and accuracy in their bin."""
        return float(self.frames @ np.abs(self.accuracy - self.confidence) / self.frames.sum())

    def measures(self) -> dict[str, float]:
        """Return both figures by their names."""
        return {
            "expected_calibration_error": self.expected_calibration_error,
            "negative_log_likelihood": self.negative_log_likelihood,
        }

    def to_json(self) -> dict[str, Any]:
        """Return both figures, and under `reliability` number of the bin (from 1) -> its values; empty ones are absent."""
        filled = np.flatnonzero(self.frames).tolist()
        return {
            **self.measures(),
            "reliability": {
                str(number + 1): {
                    "confidence": float(self.confidence[number]),
                    "accuracy": float(self.accuracy[number]),
                    "frames": int(self.frames[number]),
                }
                for number in filled
            },
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> FrameCalibration:
        """Return the calibration whose `to_json` is `content`."""
        frames, confidence, accuracy = np.zeros(BINS, dtype=np.int64), np.zeros(BINS), np.zeros(BINS)
        for number, row in content["reliability"].items():
            place = range(1, BINS + 1).index(int(number))
            frames[place], confidence[place], accuracy[place] = row["frames"], row["confidence"], row["accuracy"]
        if frames.min() < 0 or not frames.any():
            raise ValueError("a reliability diagram counts frames, of which there must be some")
        return cls(frames, confidence, accuracy, float(content["negative_log_likelihood"]))


def frame_calibration(scores: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> FrameCalibration:
    """Return the calibration over all frames of some recordings, those of background too.

    A frame's confidence is its highest score, its label the one of that score; of equal scores the lowest index.

    Parameters
    ----------
    scores
        (frames, labels) of each recording, softmax probabilities.
    targets
        (frames,) int64 of each recording, the index of each frame's label; frames with a negative one are left out.

    Raises
    ------
    InputError
        If no frame has a label, or a score is no probability.
    """
    parts = [_of_recording(matrix[mine >= 0], mine[mine >= 0]) for matrix, mine in zip(scores, targets, strict=True)]
    confidence, right, likelihood = (np.concatenate(column) for column in zip(*parts, strict=True))
    if not len(confidence):
        raise InputError("no recording of the subset has a frame with a label: there is nothing to be calibrated")
    number = np.minimum(np.searchsorted(np.arange(1, BINS + 1) / BINS, confidence, side="left"), BINS - 1)
    frames = np.bincount(number, minlength=BINS)
    sums = (np.bincount(number, weights=values, minlength=BINS) for values in (confidence, right))
    mean_confidence, accuracy = (total / np.maximum(frames, 1) for total in sums)
    return FrameCalibration(frames, mean_confidence, accuracy, float(-likelihood.mean()))


def calibration_of_decoded(decoded: DecodedSubset, rule: MatchingRule = DEFAULT_RULE) -> FrameCalibration:
    """Return the calibration of the frame scores of `decoded`.

    Under a rule that drops ambiguous segments, frames annotated as `Ambiguous` are left out.
    """
    return frame_calibration(
        [decoded.scores[recording] for recording in decoded.recordings], frame_targets(decoded, rule)
    )


def _of_recording(scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return confidence, whether the label is right, and the log likelihood of each frame, (frames,) float64 each."""
    if scores.size and not (scores.min() >= -_ROUNDING and scores.max() <= 1 + _ROUNDING):
        raise InputError(f"scores must be probabilities but range from {scores.min():g} to {scores.max():g}")
    found, frame = scores.argmax(axis=1), np.arange(len(scores))
    confidence, true = (scores[frame, label].astype(np.float64) for label in (found, target))
    return confidence, (found == target).astype(np.float64), np.log(np.maximum(true, LEAST))
