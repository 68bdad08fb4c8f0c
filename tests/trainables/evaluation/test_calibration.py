"""What alarm thresholds rest on: alarms allowed in validation, rates that coincide, exact intervals of rates."""

import math

import pytest

from crescendo.trainables.evaluation.calibration import calibrations, remarks
from crescendo.trainables.evaluation.rate_interval import rate_interval


def poisson_at_most(count: int, mean: float) -> float:
    """The chance of at most `count` events, term by term."""
    return sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(count + 1))


@pytest.mark.parametrize("count", [0, 1, 3, 20])
@pytest.mark.parametrize("hours", [0.2, 4.0])
def test_the_interval_leaves_a_fortieth_of_the_poisson_counts_on_either_side(count, hours):
    low, high = rate_interval(count, hours)
    assert poisson_at_most(count, high * hours) == pytest.approx(0.025)
    assert 1 - poisson_at_most(count - 1, low * hours) == pytest.approx(0.025) if count else low == 0


def test_a_mean_of_counts_has_an_interval_between_its_neighbours():
    (low, high), below, above = (rate_interval(count, 2.0) for count in (2.5, 2, 3))
    assert below[0] < low < above[0]
    assert below[1] < high < above[1]


def test_hours_that_allow_fewer_than_three_false_alarms_calibrate_nothing():
    """Eleven minutes of validation, as in the issue: 1/h allows none."""
    alarms = {"0.5/h": {"run": 0.7}, "1/h": {"run": 0.7}, "10/h": {"run": 0.5}, "20/h": {"run": 0.2}}
    found = calibrations(alarms, 11 / 60)
    assert [one.allowed for one in found.values()] == [0, 0, 1, 3]
    assert [one.calibrated for one in found.values()] == [False, False, False, True]
    assert [one.same_as for one in found.values()] == [None, "0.5/h", None, None]
    assert list(remarks(found)) == [
        "Not calibrated: 0.5/h, 1/h, 10/h. The 0.18 hours of validation allow fewer than 3 false alarms of a label there; "
        "16.4/h is the lowest rate that they can calibrate.",
        "0.5/h and 1/h coincide: all labels have the same thresholds there.",
    ]
    assert list(remarks(calibrations({"20/h": {"run": 0.2}}, 1.0))) == []
