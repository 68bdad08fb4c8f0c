"""How far alarm thresholds can be trusted: what the validation hours allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crescendo.trainables.evaluation.early_warning import Thresholds, allowed_alarms, read_rate

FEWEST = 3
"""False alarms of a label that the validation hours must allow at a rate, for its thresholds to be called calibrated."""


@dataclass(frozen=True)
class Calibration:
    """What the validation split says of the thresholds that were chosen for one rate of false alarms.

    Attributes
    ----------
    hours
        Of validation recordings.
    allowed
        False alarms of a label that these hours allow at the rate: rate x hours, rounded down.
    same_as
        The lowest other rate with the same thresholds, if there is one: the two are told apart by their names alone.
    """

    hours: float
    allowed: int
    same_as: str | None = None

    @property
    def calibrated(self) -> bool:
        """Whether enough false alarms are allowed for thresholds that rest on them."""
        return self.allowed >= FEWEST

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and whether the thresholds are calibrated."""
        return {
            "validation_hours": self.hours,
            "allowed_false_alarms": self.allowed,
            "calibrated": self.calibrated,
            "same_as": self.same_as,
        }


def calibrations(alarms: Mapping[str, Thresholds], hours: float) -> dict[str, Calibration]:
    """Return rate -> calibration of the thresholds `alarms` (rate -> label -> threshold), chosen on `hours` of validation."""
    rising = sorted(alarms, key=read_rate)
    first = {rate: next(other for other in rising if dict(alarms[other]) == dict(alarms[rate])) for rate in rising}
    return {
        rate: Calibration(hours, allowed_alarms(read_rate(rate), hours), None if first[rate] == rate else first[rate])
        for rate in alarms
    }


def remarks(found: Mapping[str, Calibration]) -> Iterator[str]:
    """Yield what to know of thresholds that are not calibrated, and of rates that coincide, a sentence each."""
    unsure = [rate for rate, one in found.items() if not one.calibrated]
    if unsure:
        hours = found[unsure[0]].hours
        yield (
            f"Not calibrated: {', '.join(unsure)}. The {hours:.2f} hours of validation allow fewer than {FEWEST} false alarms "
            f"of a label there; {FEWEST / hours:.3g}/h is the lowest rate that they can calibrate."
        )
    groups: dict[str, list[str]] = {}
    for rate, one in found.items():
        if one.same_as is not None:
            groups.setdefault(one.same_as, [one.same_as]).append(rate)
    for rates in groups.values():
        yield f"{', '.join(rates[:-1])} and {rates[-1]} coincide: all labels have the same thresholds there."
