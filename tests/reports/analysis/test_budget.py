"""The expected best of a number of trials, against all ways to take them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.reports.analysis.budget import best_shares, expected_best

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=7)


@settings(max_examples=50)
@given(st.lists(VALUES, min_size=1, max_size=3))
def test_it_is_the_mean_and_the_band_over_all_ways_to_take_the_trials(searches):
    found = expected_best(searches)
    assert list(found.trials) == list(range(1, min(map(len, searches)) + 1))
    for place, number in enumerate(found.trials):
        best = [[max(some) for some in itertools.combinations(one, number)] for one in searches]
        assert found.mean[place] == pytest.approx(np.mean([np.mean(one) for one in best]))
        values = np.concatenate(best)
        shares = np.concatenate([np.full(len(one), 1 / len(one) / len(best)) for one in best])
        for share, end in ((0.1, found.low[place]), (0.9, found.high[place])):
            assert shares[values <= end].sum() >= share - 1e-6
            assert shares[values < end].sum() <= share + 1e-6


def test_the_best_of_one_trial_is_the_mean_and_of_all_the_best():
    found = expected_best([[0.3, 0.5, 0.1]])
    assert (found.mean[0], found.mean[-1]) == pytest.approx((0.3, 0.5))
    assert (found.low[-1], found.high[-1]) == (0.5, 0.5)


def test_shares_of_many_trials_are_finite():
    shares = best_shares(2000, 2000)
    assert shares.sum(axis=1) == pytest.approx(np.ones(2000))
