"""What a study of another size would show."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.reports.analysis.planning import Components, components_of, parts_with, planned_detectable
from crescendo.reports.analysis.selection import chosen
from crescendo.reports.analysis.variance import Layout, with_times_the_seeds

MEASURED = Components(group=9e-3, search=4e-4, seed=3e-4, together=2e-3)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (Layout((19,), 3, 3), Layout((19,), 5, 3)),
        (Layout((19,), 3, 3), Layout((19,), 3, 6)),
        (Layout((19,), 3, 3), Layout((30,), 3, 3)),
        (Layout((6,) * 5, 1, 3), Layout((6,) * 5, 2, 3)),
        (Layout((6,) * 5, 1, 2), Layout((12,) * 5, 1, 2)),
    ],
    ids=str,
)
def test_a_larger_study_shows_smaller_differences(less, more):
    assert planned_detectable(MEASURED, more, 4, 4) < planned_detectable(MEASURED, less, 4, 4)


def test_more_arms_take_larger_differences_unless_they_tell_of_the_variance():
    known = Layout((1000,), 1, 1000)
    assert planned_detectable(MEASURED, known, 4, 4) > planned_detectable(MEASURED, known, 1, 1)
    few = Layout((100_000,), 2, 1)
    assert planned_detectable(MEASURED, few, 4, 4) < planned_detectable(MEASURED, few, 1, 1)


@pytest.mark.parametrize("layout", [Layout((19,), 3, 4), Layout((6,) * 5, 2, 3)], ids=str)
def test_components_come_back_from_the_parts_they_make_up(layout):
    components = Components(9e-3, 4e-4, 3e-4, 2e-3, 1e-3 if layout.folds > 1 else 0.0, by_search=True)
    found = components_of(parts_with(components, layout), layout)
    for name in ("group", "search", "seed", "together", "fold"):
        assert getattr(found, name) == pytest.approx(getattr(components, name)), name


@settings(max_examples=40)
@given(
    source=st.lists(st.floats(1e-5, 1e-2), min_size=4, max_size=4),
    groups=st.integers(2, 60),
    repeats=st.integers(1, 4),
    seeds=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_an_arm_of_other_seeds_is_scaled_to_what_it_would_have_been(source, groups, repeats, seeds):
    group, search, seed, together = source
    components = Components(group, search if repeats > 1 else 0.0, seed, together, by_search=repeats > 1)
    before, after = (parts_with(components, Layout((groups,), repeats, number)) for number in seeds)
    found = with_times_the_seeds(before, seeds[1] / seeds[0], by_search=repeats > 1)
    for name in ("groups", "units", "together", "seeds"):
        assert getattr(found, name) == pytest.approx(getattr(after, name)), name


def test_what_a_search_chooses_is_better_and_surer_with_more_trials_less_noise_or_finalists():
    for (few, many), noise in itertools.product([(2, 5), (5, 20), (20, 60)], (0.3, 1.0)):
        (low, wide), (high, narrow) = chosen(few, noise=noise), chosen(many, noise=noise)
        assert high > low
        assert narrow < wide
    assert chosen(20, noise=0.3)[0] > chosen(20, noise=1.0)[0]
    assert chosen(20, 3)[0] > chosen(20, 1)[0]


def test_without_noise_the_best_of_two_is_chosen():
    mean, spread = chosen(2, noise=0.0)
    assert mean == pytest.approx(0.564, abs=0.02)
    assert spread == pytest.approx(0.826, abs=0.02)
