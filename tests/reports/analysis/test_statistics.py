"""How sure a difference is: against scipy and statsmodels where they have the same thing, and by simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from crescendo.reports.analysis.statistics import (
    LEVEL,
    detectable_difference,
    mean_interval,
    paired_differences,
    percentile_interval,
    probability_of_improvement,
)
from crescendo.reports.analysis.variance import FoldSample

STUDIES, RESAMPLES = 1000, 400
SAMPLING_ERROR = 2.6 * math.sqrt(LEVEL * (1 - LEVEL) / STUDIES)  # 99 %


def paired_difference(observed, resampled, groups):
    """The difference of one arm in one fold, searched once."""
    [found] = paired_differences([[FoldSample((observed,), (resampled,), groups)]])
    return found


def test_the_interval_of_a_mean_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=5)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval(values)
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), expected.low, expected.high))


def test_one_value_has_no_interval():
    found = mean_interval([0.5])
    assert (found.mean, found.low, found.high) == (0.5, None, None)


def test_seeds_resampled_alone_give_the_percentile_interval_of_scipy():
    values = np.random.default_rng(1).normal(size=12)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    found = percentile_interval(np.tile(values, (20_000, 1)), seed=0)
    assert found == pytest.approx((expected.low, expected.high), abs=0.02)


def test_recordings_resampled_alone_give_the_percentile_interval_of_scipy():
    random = np.random.default_rng(3)
    values = random.normal(size=20)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(4)
    ).confidence_interval
    resampled = random.multinomial(20, np.full(20, 0.05), size=20_000) @ values / 20
    assert percentile_interval(resampled[:, None], seed=0) == pytest.approx((expected.low, expected.high), abs=0.02)


def means_of_resamples(values, random, resamples):
    """(seeds, recordings) differences -> their means on resamples of the recordings, (resamples, seeds)."""
    recordings = values.shape[1]
    return random.multinomial(recordings, np.full(recordings, 1 / recordings), size=resamples) @ values.T / recordings


def share_called_different(spread, *, seeds, recordings, difference=0.0, seed=0):
    """The share of simulated studies with p below the level; `spread`: of seeds, recordings, and both together."""
    random = np.random.default_rng(seed)
    shares = random.multinomial(recordings, np.full(recordings, 1 / recordings), size=RESAMPLES) / recordings
    called = 0
    for _ in range(STUDIES):
        values = (
            difference
            + spread[0] * random.normal(size=seeds)[:, None]
            + spread[1] * random.normal(size=recordings)
            + spread[2] * random.normal(size=(seeds, recordings))
        )
        found = paired_difference(values.mean(axis=1), shares @ values.T, recordings)
        called += found.p < LEVEL
    return called / STUDIES


SPREADS, SIZES = [(0.3, 0.0, 0.3), (0.0, 1.0, 0.1), (0.25, 1.0, 0.3)], [(3, 19), (5, 19), (3, 50)]
QUICK = tuple(zip(SPREADS, SIZES, strict=True))  # each of both once


@pytest.mark.parametrize(
    ("spread", "size"),
    [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
        for case in itertools.product(SPREADS, SIZES)
    ],
    ids=str,
)
def test_equal_arms_are_called_different_in_one_study_of_twenty(spread, size):
    seeds, recordings = size
    assert share_called_different(spread, seeds=seeds, recordings=recordings) == pytest.approx(0.05, abs=SAMPLING_ERROR)


def test_equal_arms_are_called_different_less_often_where_seeds_and_recordings_differ_only_together():
    assert share_called_different((0.0, 0.0, 1.0), seeds=3, recordings=19) < 0.05


def test_a_planted_difference_is_found():
    assert share_called_different((0.3, 1.0, 0.3), seeds=5, recordings=19, difference=2.0) > 0.95


def test_the_detectable_difference_is_found_in_four_studies_of_five():
    spread, seeds, recordings = (0.1, 1.0, 0.1), 5, 19
    error = math.sqrt(spread[0] ** 2 / seeds + spread[1] ** 2 / recordings + spread[2] ** 2 / seeds / recordings)
    planted = detectable_difference(error, recordings - 1)
    found = share_called_different(spread, seeds=seeds, recordings=recordings, difference=planted)
    assert found == pytest.approx(0.8, abs=0.04)


def test_more_comparisons_need_a_larger_difference():
    assert detectable_difference(1.0, 18, 4) > detectable_difference(1.0, 18, 1)


@pytest.mark.parametrize(
    ("groups", "each", "alike"),
    [
        (6, 10, 0.5),
        (20, 3, 0.0),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [(10, 2, 0.5), (30, 2, 0.2)]),
    ],
)
def test_recordings_of_one_person_are_alike_so_people_are_resampled(groups, each, alike):
    """`alike`: the intraclass correlation of the recordings of a person."""
    random = np.random.default_rng(groups)
    seeds, recordings = 3, groups * each
    shares = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES) / groups
    one_by_one = random.multinomial(recordings, np.full(recordings, 1 / recordings), size=RESAMPLES) / recordings
    called = np.zeros(2)
    for _ in range(STUDIES):
        people = math.sqrt(alike) * random.normal(size=groups).repeat(each)
        of_recordings = people + math.sqrt(1 - alike) * random.normal(size=recordings)
        of_seeds = 0.5 / math.sqrt(recordings) * random.normal(size=(seeds, 1))
        values = of_recordings + of_seeds + 0.2 * random.normal(size=(seeds, recordings))
        means = values.reshape(seeds, groups, each).mean(axis=2)
        observed = values.mean(axis=1)
        called += [
            paired_difference(observed, shares @ means.T, groups).p < LEVEL,
            paired_difference(observed, one_by_one @ values.T, recordings).p < LEVEL,
        ]
    by_people, by_recordings = called / STUDIES
    assert 0.03 - SAMPLING_ERROR < by_people < 0.07 + SAMPLING_ERROR
    assert by_recordings > 0.1 or alike < 0.5


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(2, 10), st.integers(0, 2**32 - 1))
def test_p_and_interval_agree_and_both_are_symmetric(seeds, recordings, number):
    random = np.random.default_rng(number)
    values = random.normal(size=(seeds, recordings)) + 0.5
    resampled = means_of_resamples(values, random, 50)
    one = paired_difference(values.mean(axis=1), resampled, recordings)
    other = paired_difference(-values.mean(axis=1), -resampled, recordings)
    assert (one.p < LEVEL) == (not one.low <= 0 <= one.high)
    assert (other.value, other.low, other.high, other.p) == pytest.approx((-one.value, -one.high, -one.low, one.p))
    assert other.improvement == pytest.approx(1 - one.improvement)


def test_without_any_difference_nothing_is_called_different():
    found = paired_difference(np.zeros(3), np.zeros((10, 3)), 5)
    assert (found.value, found.p, found.low, found.high, found.improvement) == (0, 1, 0, 0, 0.5)


def test_where_nothing_varies_there_is_no_evidence():
    found = paired_difference(np.full(3, 0.1), np.full((10, 3), 0.1), 5)
    assert found.standard_error == pytest.approx(0, abs=1e-15)
    assert found.p == 1


@pytest.mark.parametrize(("seeds", "recordings"), [(1, 5), (3, 1)])
def test_one_seed_or_one_group_says_nothing_of_others(seeds, recordings):
    with pytest.raises(ValueError, match="at least 2 groups and 2 seeds"):
        paired_difference(np.zeros(seeds), np.zeros((10, seeds)), recordings)


def test_what_other_arms_vary_is_no_evidence_for_one_that_does_not():
    random = np.random.default_rng(0)
    weights = random.multinomial(8, np.full(8, 1 / 8), size=100) / 8
    values = random.normal(size=(3, 8))
    varied = [FoldSample((values.mean(axis=1),), (weights @ values.T,), 8)]
    still = [FoldSample((np.full(3, 0.1),), (np.full((100, 3), 0.1),), 8)]
    [_, found] = paired_differences([varied, still])
    assert (found.standard_error, found.p, found.p_adjusted) == (0, 1, 1)


@pytest.mark.parametrize("others", [1, 3])
@pytest.mark.parametrize("repeats", [1, 2])
def test_an_arm_that_does_not_vary_says_nothing_of_how_others_do(others, repeats):
    random = np.random.default_rng(repeats)
    weights = random.multinomial(8, np.full(8, 1 / 8), size=100) / 8
    values = random.normal(size=(repeats, 3, 8))
    varied = [FoldSample(tuple(one.mean(axis=1) for one in values), tuple(weights @ one.T for one in values), 8)]
    still = [FoldSample((np.zeros(3),) * repeats, (np.zeros((100, 3)),) * repeats, 8)]
    [alone], [found, *_] = paired_differences([varied]), paired_differences([varied, *[still] * others])
    assert (found.standard_error, found.variance) == (alone.standard_error, alone.variance)


def test_the_value_is_the_mean_over_folds_of_the_mean_over_repeats_of_the_mean_over_seeds():
    folds = [
        FoldSample((np.array([1.0, 2.0]), np.array([3.0])), (np.zeros((5, 2)), np.zeros((5, 1))), 4),
        FoldSample((np.array([10.0, 11.0, 12.0]),), (np.zeros((5, 3)),), 4),
    ]
    [found] = paired_differences([folds])
    assert found.value == pytest.approx(((1.5 + 3) / 2 + 11) / 2)


def test_ties_are_half_an_improvement():
    assert probability_of_improvement(np.array([[1.0, 0.0], [-1.0, 0.0]])) == 0.5
