"""Verdicts: how often each is given where the truth is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crescendo.reports.analysis.enough import too_rare
from crescendo.reports.analysis.family import critical_value
from crescendo.reports.analysis.planning import components_of, detectable_with, parts_with
from crescendo.reports.analysis.statistics import LEVEL, detectable_difference, paired_differences
from crescendo.reports.analysis.variance import FoldSample, Layout, Parts, Variance, put_together
from crescendo.reports.analysis.verdicts import verdict

STUDIES, RESAMPLES = 300, 200
SAMPLING_ERROR = 2.6 * math.sqrt(0.05 * 0.95 / STUDIES)


def paired(arms, shares):
    """The differences of arms that were searched once, from their values by (seed, group)."""
    groups = shares.shape[1]
    return paired_differences([[FoldSample((one.mean(axis=1),), (shares @ one.T,), groups)] for one in arms])


def answers(truths, *, seeds=5, groups=30, spread=(0.2, 1.0, 0.2), margin=1.0, studies=STUDIES):
    """The verdicts of simulated studies: a row a study, a column an arm whose true difference is one of `truths`."""
    random = np.random.default_rng(len(truths) * 1000 + seeds)
    shares = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES) / groups
    found = []
    for _ in range(studies):
        baseline = spread[1] * random.normal(size=groups) / math.sqrt(2)  # which all differences share
        arms = [
            truth
            + spread[0] * random.normal(size=(seeds, 1))
            + spread[1] * random.normal(size=groups) / math.sqrt(2)
            + baseline
            + spread[2] * random.normal(size=(seeds, groups))
            for truth in truths
        ]
        found.append([verdict(one, comparisons=len(truths), margin=margin) for one in paired(arms, shares)])
    return found


def share(found, *wanted):
    """The share of studies in which any arm gets one of the `wanted` answers."""
    return np.mean([any(one.answer in wanted for one in study) for study in found])


@pytest.mark.parametrize("arms", [1, 4])
def test_of_equal_arms_any_is_called_better_or_worse_in_one_study_of_twenty_at_most(arms):
    assert share(answers([0.0] * arms), "better", "worse") < 0.05 + SAMPLING_ERROR


@pytest.mark.parametrize("arms", [1, 4])
def test_arms_as_far_apart_as_the_margin_are_called_equivalent_in_one_study_of_twenty_at_most(arms):
    found = answers([0.6] * arms, margin=0.6, studies=STUDIES // 3)
    assert share(found, "equivalent") < 0.05 + math.sqrt(3) * SAMPLING_ERROR


def test_equal_arms_are_shown_to_be_equivalent_where_the_study_is_large_enough():
    assert share(answers([0.0], groups=100, spread=(0.05, 1.0, 0.05), margin=0.5), "equivalent") > 0.9


def test_all_intervals_of_a_study_hold_together():
    random = np.random.default_rng(3)
    seeds, groups, arms = 4, 25, 4
    shares = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES) / groups
    missed = 0
    for _ in range(STUDIES):
        values = random.normal(size=(arms, 1, groups)) + 0.3 * random.normal(size=(arms, seeds, groups))
        missed += any(not one.low <= 0 <= one.high for one in paired(values, shares))
    assert missed / STUDIES < 0.05 + SAMPLING_ERROR


@pytest.mark.parametrize(("seeds", "groups", "spread"), [(3, 3, 1.0), (2, 30, 1.0), (3, 30, 0.0)])
def test_from_too_little_nothing_is_concluded(seeds, groups, spread):
    found = answers([50.0], seeds=seeds, groups=groups, spread=(spread, spread, spread))
    assert share(found, "better", "worse", "equivalent") == 0
    assert all(one.unfit for study in found for one in study)


def test_with_as_many_seeds_as_it_takes_the_difference_is_shown_in_four_studies_of_five():
    spread, groups, margin = (1.0, 1.0, 0.5), 60, 1.0
    found = answers([0.0], seeds=4, groups=groups, spread=spread, margin=margin, studies=STUDIES // 10)
    few = [one for [one] in found if one.answer == "undecided"]
    wanted = int(np.median([one.seeds for one in few if one.seeds is not None]))
    assert wanted > 4
    shown = share(
        answers([margin], seeds=wanted, groups=groups, spread=spread, margin=margin, studies=STUDIES // 2), "better"
    )
    assert 0.7 < shown < 0.95


def test_where_recordings_are_the_limit_no_number_of_seeds_is_named():
    found = [
        one
        for [one] in answers([0.0], groups=8, spread=(0.1, 1.0, 0.1), margin=0.3, studies=50)
        if one.answer == "undecided"
    ]
    assert all(one.seeds is None and one.detectable > 0.3 for one in found)


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 8), st.integers(4, 12), st.integers(0, 2**32 - 1))
@example(3, 4, 1)  # measured together: more than of the seeds
def test_what_seeds_add_to_the_detectable_difference_falls_with_their_number(seeds, groups, number):
    random = np.random.default_rng(number)
    values = random.normal(size=(seeds, groups)) + random.normal(size=groups) + random.normal(size=(seeds, 1))
    [one] = paired([values], random.multinomial(groups, np.full(groups, 1 / groups), size=100) / groups)
    layout, parts = Layout((groups,), 1, seeds), one.variance.parts
    now, never = (detectable_with(one.variance, layout, Layout((groups,), 1, wanted)) for wanted in (seeds, 10**9))
    shared = min(parts.together, parts.groups, parts.units)
    if parts.together == shared:
        assert now == pytest.approx(detectable_difference(one.standard_error, one.degrees), rel=1e-6)
    assert never == pytest.approx(
        detectable_difference(math.sqrt(parts.groups - shared), groups - 1), rel=1e-3, abs=1e-3
    )


LAYOUTS = [Layout((19,), 1, 3), Layout((19,), 3, 3), Layout((6,) * 5, 1, 3), Layout((6,) * 5, 2, 3)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_with_what_there_is_planned_is_what_was_measured(layout):
    parts = Parts(3.0, 2.0, 0.5, 0.8 * (layout.repeats > 1), 5.5 * (layout.folds > 1))
    planned = put_together(parts_with(components_of(parts, layout), layout), layout)
    assert list(map(float, planned)) == pytest.approx(list(map(float, put_together(parts, layout))))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_planned_variances_are_those_of_means_over_more(layout):
    """From known components: of one group, search, seed, and seed and group together."""
    group, search, seed, both = 4.0, 1.5, 0.7, 0.3

    def of_both(one):
        units = one.repeats * (one.seeds if layout.repeats == 1 else 1)
        return both / units / sum(one.groups)

    def expected(one):
        found = one.folds * one.repeats
        seen = search / found if layout.folds * layout.repeats > 1 else 0.0
        return group / sum(one.groups) + seen + seed / found / one.seeds + of_both(one)

    def parts(one):
        groups, trained = sum(one.groups), one.folds * one.repeats * one.seeds
        of_search = search / one.folds / one.repeats if one.repeats > 1 else 0.0
        of_seeds = seed / trained if one.repeats > 1 else 0.0
        between = expected(one) if one.folds > 1 else 0.0
        shared = of_both(one)
        return Parts(group / groups + shared, of_search + seed / trained + shared, shared, of_seeds, between)

    for wanted in (
        Layout(layout.groups, layout.repeats, 7),
        Layout(tuple(3 * one for one in layout.groups), layout.repeats, 3),
        *([Layout(layout.groups, layout.repeats + 2, 3)] if layout != LAYOUTS[0] else []),
    ):
        total, _ = put_together(parts_with(components_of(parts(layout), layout), wanted), wanted)
        assert total == pytest.approx(expected(wanted))


def test_more_searches_are_named_where_the_search_is_the_limit():
    layout = Layout((6,) * 5, 1, 3)
    parts = Parts(groups=0.1, units=0.05, together=0.0, seeds=0.0, folds=2.0)
    one = difference_of(parts, layout, value=0.5)
    found = verdict(one, comparisons=4, margin=3.0)
    assert (found.answer, found.seeds) == ("undecided", None)
    assert 1 < found.repeats < 20


def difference_of(parts, layout, value):
    """A difference of this value and variance, of arms that all have the same."""
    [one] = paired([np.random.default_rng(0).normal(size=(3, 4))], np.full((2, 4), 0.25))
    total, degrees = put_together(parts, layout, 4)
    error = math.sqrt(float(total))
    variance = Variance(parts, float(total), float(degrees), 4)
    return replace(one, value=value, p_adjusted=0.9, standard_error=error, variance=variance, layout=layout)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (Layout((1, 1, 1), 1, 3), "3 groups of recordings are too few"),
        (Layout((19,), 1, 2), "2 seeds are too few"),
        (Layout((10, 10), 1, 3), "2 folds are too few"),
    ],
)
def test_what_there_is_too_little_of_is_said(layout, said):
    parts = Parts(0.1, 0.1, 0.0, 0.0, 0.1)
    found = verdict(replace(difference_of(parts, layout, 50.0), p_adjusted=0.0), comparisons=1, margin=1.0)
    assert found.answer == "undecided"
    assert found.unfit.startswith(said)


@pytest.mark.parametrize(
    ("having", "fit"),
    [((10, 10, 5), True), ((*[10] * 7, 1), True), ((10, 10, 10, 2), False), ((10, 1), False), ((), True)],
)
def test_labels_that_few_groups_have_say_little(having, fit):
    assert (too_rare(having) is None) == fit


@pytest.mark.parametrize("degrees", [2, 4, 18, 1000])
def test_the_detectable_difference_has_the_power_it_says(degrees):
    random = np.random.default_rng(degrees)
    size = detectable_difference(1.0, degrees, comparisons=2)
    spread = np.sqrt(random.chisquare(degrees, 200_000) / degrees)
    passed = np.abs((size + random.normal(size=200_000)) / spread) > critical_value(degrees, 2, LEVEL)
    assert passed.mean() == pytest.approx(0.8, abs=0.005)
