"""p and critical values over several arms, against formulas of their own and against simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crescendo.reports.analysis.family import adjusted_p, critical_value


@given(st.floats(0, 50), st.floats(1, 200))
def test_of_one_arm_p_is_that_of_student(size, degrees):
    assert adjusted_p(-size, degrees, 1) == pytest.approx(2 * stats.t.sf(size, degrees), rel=1e-9)


@pytest.mark.parametrize("comparisons", [2, 4, 8])
def test_where_the_spread_is_known_p_is_sidaks(comparisons):
    single = 2 * stats.norm.sf(2.3)
    assert adjusted_p(2.3, math.inf, comparisons) == pytest.approx(1 - (1 - single) ** comparisons)
    assert adjusted_p(2.3, 1e5, comparisons) == pytest.approx(1 - (1 - single) ** comparisons, rel=1e-3)


@pytest.mark.parametrize("degrees", [1.5, 4, 9.1, 30])
@pytest.mark.parametrize("comparisons", [2, 4])
def test_p_is_the_share_of_families_with_any_as_large(degrees, comparisons):
    random = np.random.default_rng(int(10 * degrees) + comparisons)
    spread = np.sqrt(random.chisquare(degrees, 200_000) / degrees)
    largest = np.abs(random.normal(size=(comparisons, 200_000))).max(axis=0) / spread
    for size in (1.0, 2.5, 4.0):
        assert adjusted_p(size, degrees, comparisons) == pytest.approx((largest >= size).mean(), abs=0.004)


@pytest.mark.parametrize(("degrees", "expected"), [(5, 3.619), (10, 3.004), (20, 2.751)])
def test_the_critical_value_is_that_of_the_tables(degrees, expected):
    """Studentised maximum modulus, 4 values, 5 % (Stoline and Ury 1979)."""
    assert critical_value(degrees, 4, 0.05) == pytest.approx(expected, abs=0.03)


@given(st.floats(1, 300), st.integers(2, 12))
def test_critical_value_and_p_agree_and_lie_between_students_and_bonferronis(degrees, comparisons):
    critical = critical_value(degrees, comparisons, 0.05)
    assert adjusted_p(critical, degrees, comparisons) == pytest.approx(0.05, rel=1e-6)
    assert stats.t.ppf(0.975, degrees) < critical <= stats.t.ppf(1 - 0.025 / comparisons, degrees) * 1.001
