"""What the alarm thresholds of a study's runs rest on, and how long their alarms were counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crescendo.reports.analysis.member import ReportedArm
from crescendo.trainables.evaluation.calibration import FEWEST
from crescendo.trainables.evaluation.early_warning import allowed_alarms, read_rate


@dataclass(frozen=True)
class AlarmHours:
    """Hours of recordings of the confirmed runs.

    Attributes
    ----------
    validation
        That thresholds were chosen on: of several folds, the fewest.
    tested
        That the alarms of one training were counted on: of several folds, of one training of each.
    """

    validation: float
    tested: float

    def allowed(self, rate: str) -> int:
        """Return how many false alarms of a label `rate` (`1/h`) allows on validation."""
        return allowed_alarms(read_rate(rate), self.validation)

    def calibrated(self, rate: str) -> bool:
        """Tell whether that is enough for thresholds that rest on them (`evaluation.calibration`)."""
        return self.allowed(rate) >= FEWEST

    def nearest(self, rates: Iterable[str], wanted: float) -> str:
        """Return the rate nearest to `wanted` of those that are calibrated; where none is, of all."""
        every = list(rates)
        return min(
            [one for one in every if self.calibrated(one)] or every, key=lambda key: abs(read_rate(key) - wanted)
        )


def shown_rate(hours: AlarmHours | None, rates: Iterable[str]) -> str | None:
    """Return the rate that early warning is shown at: the calibrated one nearest to one false alarm an hour; None of none."""
    every = list(rates)
    return (hours or AlarmHours(0.0, 0.0)).nearest(every, 1.0) if every else None


def alarm_hours(members: Sequence[ReportedArm]) -> AlarmHours | None:
    """Return the hours of the runs of all arms; None where they have no online metrics, or do not say how long validation is."""
    runs = [(key, one) for member in members for key, one in member.artifacts.items()]
    validation = [one.validation_hours for _, one in runs if one.validation_hours]
    tested = {
        key[0].fold: one.metrics.online.hours
        for key, one in runs
        if one.metrics is not None and one.metrics.online is not None
    }
    return AlarmHours(min(validation), sum(tested.values())) if validation and tested else None
