"""Every figure of one subset: mAP and its diagnosis, early and online detection, progression, segments, calibration, starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.diagnosis import Diagnosis
from crescendo.trainables.evaluation.early import EarlyDetection
from crescendo.trainables.evaluation.frame_calibration import FrameCalibration
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.online import OnlineDetection
from crescendo.trainables.evaluation.progression import Progression
from crescendo.trainables.evaluation.segmental import SegmentalMetrics
from crescendo.trainables.evaluation.start_detection import StartDetection


@dataclass(frozen=True)
class SubsetMetrics:
    """The figures of one subset; what was not measured is None.

    `evaluation`, `early`, `progression`: protocol sections 4, 5 and 6; `online`: per-frame precision and early warning;
    `segmental`: frame accuracy, edit score, segmental F1 and confusion matrix; `diagnosis`: why mAP is not 1; `calibration` of
    frame scores; `starts`: point-level detection of action starts. Runs of earlier versions lack these four.
    """

    evaluation: Evaluation
    early: EarlyDetection | None = None
    progression: Progression | None = None
    online: OnlineDetection | None = None
    segmental: SegmentalMetrics | None = None
    diagnosis: Diagnosis | None = None
    calibration: FrameCalibration | None = None
    starts: StartDetection | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what `Evaluation.to_json` does, and the other parts that were measured under their names."""
        parts = {
            "early": self.early,
            "progression": self.progression,
            "online": self.online,
            "segmental": self.segmental,
            "diagnosis": self.diagnosis,
            "calibration": self.calibration,
            "starts": self.starts,
        }
        return {
            **self.evaluation.to_json(),
            **{name: part.to_json() for name, part in parts.items() if part is not None},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SubsetMetrics:
        """Return the figures whose `to_json` is `content`.

        Raises
        ------
        InputError
            If `content` is something else.
        """
        try:
            evaluation = Evaluation.from_json(content)
            early = EarlyDetection.from_json(content["early"]) if "early" in content else None
            if early is not None and any(one.iou != evaluation.iou for one in early.evaluations):
                raise ValueError("early detection has other IoU thresholds")
            for part in ("online", "segmental", "diagnosis", "calibration", "starts"):
                _check_numbers(content.get(part, {}))
            return cls(
                evaluation,
                early,
                Progression.from_json(content["progression"]) if "progression" in content else None,
                OnlineDetection.from_json(content["online"]) if "online" in content else None,
                SegmentalMetrics.from_json(content["segmental"]) if "segmental" in content else None,
                Diagnosis.from_json(content["diagnosis"]) if "diagnosis" in content else None,
                FrameCalibration.from_json(content["calibration"]) if "calibration" in content else None,
                StartDetection.from_json(content["starts"]) if "starts" in content else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"not the metrics of a subset ({type(error).__name__}: {error})") from error


def _check_numbers(content: Any) -> None:
    """Raise `TypeError` unless all that `content` holds, however deep, are numbers, or null where there is none."""
    if isinstance(content, Mapping):
        for value in content.values():
            _check_numbers(value)
    elif content is not None and not isinstance(content, int | float):
        raise TypeError(f"{content!r:.40} is no number")
