"""Early warning in figures: the share of activities that were announced, how late, and how often the alarm was false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.trainables.evaluation.early_classification import EarlyClassification


@dataclass(frozen=True)
class Quantiles:
    """Median and 90 % quantile over segments; None where it falls on a segment that was missed."""

    median: float | None
    quantile_90: float | None

    @classmethod
    def of(cls, waited: np.ndarray) -> Quantiles:
        """Return the quantiles of (segments,) fractions or seconds, inf where one was missed; they are not interpolated."""
        if len(waited) == 0:
            return cls(None, None)
        # Between two of the values, one may be infinite.
        values = np.quantile(waited, (0.5, 0.9), method="inverted_cdf")
        return cls(*(float(value) if np.isfinite(value) else None for value in values))

    def to_json(self) -> dict[str, float | None]:
        """Return `{"median": ..., "quantile_90": ...}`."""
        return {"median": self.median, "quantile_90": self.quantile_90}


@dataclass(frozen=True)
class LabelWarning:
    """Early warning of one label; `detected` is None if it has no segment."""

    segments: int
    detected: float | None
    observed_fraction: Quantiles
    false_alarms_per_hour: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields; `observed_fraction` as `seen`."""
        return {
            "segments": self.segments,
            "detected": self.detected,
            "seen": self.observed_fraction.to_json(),
            "false_alarms_per_hour": self.false_alarms_per_hour,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> LabelWarning:
        """Return the figures whose `to_json` is `content`."""
        return cls(
            content["segments"], content["detected"], Quantiles(**content["seen"]), content["false_alarms_per_hour"]
        )


@dataclass(frozen=True)
class WarningSummary:
    """Early warning of all labels together, and of each.

    Attributes
    ----------
    segments : number of annotated segments that have a frame
    detected : share of them within which an alarm of their label was up; None if there are none
    observed_fraction : of all segments, missed ones counted as never announced
    observed_fraction_if_detected : of those that were detected
    false_alarms, false_alarms_per_hour : of all labels together
    labels : label -> its own figures
    classification : the alarms as early classification; None without segments, and in runs of earlier versions
    latency, latency_if_detected : seconds in place of observed fractions; None in runs of earlier versions
    """

    segments: int
    detected: float | None
    observed_fraction: Quantiles
    observed_fraction_if_detected: Quantiles
    false_alarms: int
    false_alarms_per_hour: float
    labels: Mapping[str, LabelWarning]
    classification: EarlyClassification | None = None
    latency: Quantiles | None = None
    latency_if_detected: Quantiles | None = None

    def measures(self) -> dict[str, float]:
        """Return the figures of all labels together by their names in MLflow; quantiles that are None are absent."""
        measures = {
            "detected": self.detected,
            "false_alarms_per_hour": self.false_alarms_per_hour,
        }
        for name, (every, detected) in self._waits().items():
            measures |= {
                f"{name}_median": every.median,
                f"{name}_quantile_90": every.quantile_90,
                f"{name}_median_if_detected": detected.median,
                f"{name}_quantile_90_if_detected": detected.quantile_90,
            }
        decided = {} if self.classification is None else self.classification.to_json()
        return {**{name: value for name, value in measures.items() if value is not None}, **decided}

    def to_json(self) -> dict[str, Any]:
        """Return the fields; observed fractions as `seen` and `seen_if_detected` (`docs/online.md`)."""
        waits = {
            key: quantiles.to_json()
            for name, (every, detected) in self._waits().items()
            for key, quantiles in ((name, every), (f"{name}_if_detected", detected))
        }
        return {
            "segments": self.segments,
            "detected": self.detected,
            **waits,
            "false_alarms": self.false_alarms,
            "false_alarms_per_hour": self.false_alarms_per_hour,
            **({} if self.classification is None else self.classification.to_json()),
            "labels": {label: figures.to_json() for label, figures in self.labels.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> WarningSummary:
        """Return the figures whose `to_json` is `content`."""
        return cls(
            content["segments"],
            content["detected"],
            Quantiles(**content["seen"]),
            Quantiles(**content["seen_if_detected"]),
            content["false_alarms"],
            content["false_alarms_per_hour"],
            {label: LabelWarning.from_json(figures) for label, figures in content["labels"].items()},
            EarlyClassification.from_json(content),
            *(Quantiles(**content[name]) if name in content else None for name in ("latency", "latency_if_detected")),
        )

    def _waits(self) -> dict[str, tuple[Quantiles, Quantiles]]:
        """Return what was waited for an alarm, as parts seen and as seconds: of all segments, and of those detected."""
        waits = {"seen": (self.observed_fraction, self.observed_fraction_if_detected)}
        if self.latency is not None and self.latency_if_detected is not None:
            waits["latency"] = self.latency, self.latency_if_detected
        return waits
