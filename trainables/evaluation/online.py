"""Online detection: per-frame precision, and early warning at several rates of false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early_warning import Thresholds, raise_alarms
from crescendo.trainables.evaluation.frame_targets import frame_targets
from crescendo.trainables.evaluation.per_frame import FramePrecision, frame_precision
from crescendo.trainables.evaluation.protocols import DEFAULT_RULE, MatchingRule
from crescendo.trainables.evaluation.span_scores import SpanScores
from crescendo.trainables.evaluation.warning_summary import WarningSummary
from crescendo.trainables.inference.decoded_subset import DecodedSubset


@dataclass(frozen=True)
class OnlineDetection:
    """Online results on one subset; `warnings` maps a rate of false alarms, such as `1/h`, to early warning at that rate."""

    frame: FramePrecision
    warnings: Mapping[str, WarningSummary]
    hours: float
    without_frames: int

    def to_json(self) -> dict[str, Any]:
        """Return what `FramePrecision.to_json` does, and under `alarms` rate -> what `WarningSummary.to_json` does."""
        return {
            **self.frame.to_json(),
            "hours": self.hours,
            "segments_without_frames": self.without_frames,
            "alarms": {rate: warning.to_json() for rate, warning in self.warnings.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> OnlineDetection:
        """Return the results whose `to_json` is `content`."""
        return cls(
            FramePrecision.from_json(content),
            {rate: WarningSummary.from_json(warning) for rate, warning in content["alarms"].items()},
            content["hours"],
            content["segments_without_frames"],
        )


def online_detection(
    decoded: DecodedSubset, spans: SpanScores, alarms: Mapping[str, Thresholds], rule: MatchingRule = DEFAULT_RULE
) -> OnlineDetection:
    """Measure per-frame precision and early warning on a subset.

    Parameters
    ----------
    spans
        `span_scores(decoded)`.
    alarms
        Rate -> label -> threshold, chosen on the validation split (`early_warning.alarm_thresholds`).
    rule
        Under a rule that drops ambiguous segments, frames of the label `Ambiguous` are left out of per-frame precision.

    Raises
    ------
    InputError
        If a label has no threshold, or no frame of the subset lies in an activity.
    """
    dataset = decoded.dataset
    targets = frame_targets(decoded, rule)
    if not any((target > 0).any() for target in targets):
        raise InputError(f"subset {decoded.subset!r} has no frame within an activity: there is nothing to rank")
    scores = [decoded.scores[recording] for recording in decoded.recordings]
    return OnlineDetection(
        frame=frame_precision(scores, targets, dataset.labels),
        warnings={rate: raise_alarms(spans, thresholds).summary() for rate, thresholds in alarms.items()},
        hours=spans.hours,
        without_frames=spans.without_frames,
    )
