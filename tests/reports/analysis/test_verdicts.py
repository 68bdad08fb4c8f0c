"""Verdicts: how often each is given where the truth is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from crescendo.reports.analysis.statistics import LEVEL, detectable_difference, detectable_with, holm, paired_difference
from crescendo.reports.analysis.verdicts import verdict

STUDIES, RESAMPLES = 300, 200
SAMPLING_ERROR = 2.6 * math.sqrt(0.05 * 0.95 / STUDIES)


def answers(truths, *, seeds=5, groups=30, spread=(0.2, 1.0, 0.2), margin=1.0, studies=STUDIES):
    """The verdicts of simulated studies: a row a study, a column an arm whose true difference is one of `truths`."""
    random = np.random.default_rng(len(truths) * 1000 + seeds)
    shares = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES) / groups
    found = []
    for _ in range(studies):
        baseline = spread[1] * random.normal(size=groups) / math.sqrt(2)  # which all differences share
        paired = []
        for truth in truths:
            values = (
                truth
                + spread[0] * random.normal(size=(seeds, 1))
                + spread[1] * random.normal(size=groups) / math.sqrt(2)
                + baseline
                + spread[2] * random.normal(size=(seeds, groups))
            )
            paired.append(paired_difference(values.mean(axis=1), shares @ values.T, groups, comparisons=len(truths)))
        corrected = holm([one.p for one in paired])
        known = {"seeds": seeds, "groups": groups, "comparisons": len(truths), "margin": margin}
        found.append([verdict(one, p, **known) for one, p in zip(paired, corrected, strict=True)])
    return found


def share(found, *wanted):
    """The share of studies in which any arm gets one of the `wanted` answers."""
    return np.mean([any(one.answer in wanted for one in study) for study in found])


@pytest.mark.parametrize("arms", [1, 4])
def test_of_equal_arms_any_is_called_better_or_worse_in_one_study_of_twenty_at_most(arms):
    assert share(answers([0.0] * arms), "better", "worse") < 0.05 + SAMPLING_ERROR


@pytest.mark.parametrize("arms", [1, 4])
def test_arms_as_far_apart_as_the_margin_are_called_equivalent_in_one_study_of_twenty_at_most(arms):
    assert share(answers([0.6] * arms, margin=0.6), "equivalent") < 0.05 + SAMPLING_ERROR


def test_equal_arms_are_shown_to_be_equivalent_where_the_study_is_large_enough():
    assert share(answers([0.0], groups=100, spread=(0.05, 1.0, 0.05), margin=0.5), "equivalent") > 0.9


def test_all_intervals_of_a_study_hold_together():
    random = np.random.default_rng(3)
    seeds, groups, arms = 4, 25, 4
    shares = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES) / groups
    missed = 0
    for _ in range(STUDIES):
        values = random.normal(size=(arms, 1, groups)) + 0.3 * random.normal(size=(arms, seeds, groups))
        found = [paired_difference(one.mean(axis=1), shares @ one.T, groups, comparisons=arms) for one in values]
        missed += any(not one.low <= 0 <= one.high for one in found)
    assert missed / STUDIES < 0.05 + SAMPLING_ERROR


@pytest.mark.parametrize(("seeds", "groups", "spread"), [(3, 3, 1.0), (2, 30, 1.0), (3, 30, 0.0)])
def test_from_too_little_nothing_is_concluded(seeds, groups, spread):
    found = answers([50.0], seeds=seeds, groups=groups, spread=(spread, spread, spread))
    assert share(found, "better", "worse", "equivalent") == 0
    assert all(one.unfit for study in found for one in study)


def test_with_as_many_seeds_as_it_takes_the_difference_is_shown_in_four_studies_of_five():
    spread, groups, margin = (1.0, 1.0, 0.5), 60, 1.0
    few = [
        one
        for [one] in answers([0.0], seeds=4, groups=groups, spread=spread, margin=margin)
        if one.answer == "undecided"
    ]
    wanted = int(np.median([one.seeds for one in few if one.seeds is not None]))
    assert wanted > 4
    shown = share(answers([margin], seeds=wanted, groups=groups, spread=spread, margin=margin), "better")
    assert 0.7 < shown < 0.95


def test_where_recordings_are_the_limit_no_number_of_seeds_is_named():
    found = [one for [one] in answers([0.0], groups=8, spread=(0.1, 1.0, 0.1), margin=0.3) if one.answer == "undecided"]
    assert all(one.seeds is None and one.detectable > 0.3 for one in found)


@settings(deadline=None)
@given(st.integers(3, 8), st.integers(4, 12), st.integers(0, 2**32 - 1))
def test_what_seeds_add_to_the_detectable_difference_falls_with_their_number(seeds, groups, number):
    random = np.random.default_rng(number)
    values = random.normal(size=(seeds, groups)) + random.normal(size=groups) + random.normal(size=(seeds, 1))
    resampled = random.multinomial(groups, np.full(groups, 1 / groups), size=100) @ values.T / groups
    one = paired_difference(values.mean(axis=1), resampled, groups)
    now, never = (detectable_with(one.variance, seeds, groups, wanted) for wanted in (seeds, None))
    assert now == pytest.approx(detectable_difference(one.standard_error, one.variance.degrees))
    alone = max(0.0, one.variance.groups - one.variance.together)
    assert never == pytest.approx(detectable_difference(math.sqrt(alone), groups - 1))


@pytest.mark.parametrize("degrees", [2, 4, 18, 1000])
def test_the_detectable_difference_has_the_power_it_says(degrees):
    random = np.random.default_rng(degrees)
    size = detectable_difference(1.0, degrees, comparisons=2)
    spread = np.sqrt(random.chisquare(degrees, 200_000) / degrees)
    passed = np.abs((size + random.normal(size=200_000)) / spread) > stats.t.ppf(1 - LEVEL / 4, degrees)
    assert passed.mean() == pytest.approx(0.8, abs=0.005)
