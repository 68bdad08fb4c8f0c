"""Parts of the variance of a difference: against analysis of variance, and against the means that simulations use."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_studies import Case, differences, parts_of_means

from crescendo.reports.analysis.variance import FoldSample, Layout, Parts, combined, layout_of, parts_of, put_together

RESAMPLES = 20_000


def folds_of(values):
    """The folds of one arm from its differences by group, (folds, repeats, seeds, groups)."""
    groups = values.shape[-1]
    weights = np.random.default_rng(1).multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES) / groups
    return [
        FoldSample(tuple(one.mean(axis=-1) for one in fold), tuple(weights @ one.T for one in fold), groups)
        for fold in values
    ]


@pytest.mark.parametrize(
    "case",
    [
        Case(arms=1, seeds=4, groups=12, seed=1.0),
        Case(arms=1, seeds=3, groups=12, repeats=4, search=1.0),
        Case(arms=1, seeds=3, groups=7, folds=4, search=1.0),
        Case(arms=1, seeds=2, groups=7, folds=3, repeats=2),
        Case(arms=1, seeds=3, groups=1, folds=4),
    ],
    ids=str,
)
def test_bootstraps_of_means_have_the_variances_that_simulations_take(case):
    values = differences(case, 1, np.random.default_rng(0)).mean(axis=-1)
    found, expected = parts_of(folds_of(values[0, 0])), parts_of_means(values)
    for name in ("units", "seeds", "folds"):
        assert getattr(found, name) == pytest.approx(float(getattr(expected, name)[0, 0])), name
    for name in ("groups", "together"):
        assert getattr(found, name) == pytest.approx(float(getattr(expected, name)[0, 0]), rel=0.05, abs=2e-4), name


def test_of_one_split_and_one_search_the_variance_is_that_of_the_two_way_analysis_of_variance():
    random = np.random.default_rng(5)
    seeds, groups = 6, 30
    values = random.normal(size=(seeds, 1)) + random.normal(size=groups) + random.normal(size=(seeds, groups))
    residual = values - values.mean(axis=0) - values.mean(axis=1)[:, None] + values.mean()
    squares = (
        seeds * values.mean(axis=0).var(ddof=1),
        groups * values.mean(axis=1).var(ddof=1),
        (residual**2).sum() / (seeds - 1) / (groups - 1),
    )
    expected = squares[0] + squares[1] - squares[2]
    total, degrees = put_together(parts_of(folds_of(values[None, None])), Layout((groups,), 1, seeds))
    assert total == pytest.approx(expected / (seeds * groups), rel=0.03)
    freedom = (groups - 1, seeds - 1, (seeds - 1) * (groups - 1))
    weighed = sum(square**2 / of for square, of in zip(squares, freedom, strict=True))
    assert degrees == pytest.approx(expected**2 / weighed, rel=0.05)


def test_of_folds_the_variance_is_at_least_what_their_means_vary_and_what_is_seen_within_them():
    parts = Parts(groups=2.0, units=1.0, together=0.5, seeds=0.0, folds=4.0)
    layout = Layout((6,) * 5, 1, 3)
    total, degrees = put_together(parts, layout)
    assert (total, degrees) == (4.0, 4.0)
    total, degrees = put_together(Parts(2.0, 1.0, 0.5, 0.0, 1.0), layout)
    assert total == 2.5
    assert 10 < degrees < 40


def test_searches_vary_at_least_as_much_as_their_seeds_do():
    layout = Layout((100_000,), 3, 4)
    total, degrees = put_together(Parts(groups=0.0, units=0.1, together=0.0, seeds=1.0, folds=0.0), layout)
    assert (total, degrees) == (1.0, 9.0)
    total, degrees = put_together(Parts(groups=0.0, units=2.0, together=0.0, seeds=1.0, folds=0.0), layout)
    assert (total, degrees) == (2.0, 2.0)


@settings(max_examples=40)
@given(st.lists(st.floats(0, 10), min_size=2, max_size=5), st.integers(1, 4), st.integers(1, 4), st.integers(2, 6))
def test_arms_are_drawn_together_and_the_order_of_arms_does_not_matter(sizes, folds, repeats, seeds):
    layout, values = Layout((5,) * folds, repeats, seeds), np.array(sizes)
    parts = Parts(values, values / 2, values / 4, values / 8 * (repeats > 1), values * (folds > 1))
    found = combined(parts, layout)
    assert np.mean(found.parts.groups) == pytest.approx(values.mean())
    assert np.ptp(found.parts.groups) == pytest.approx(np.ptp(values) / 4)
    turned = combined(Parts(*(getattr(parts, name)[::-1] for name in Parts.__dataclass_fields__)), layout)
    assert np.asarray(turned.total)[::-1] == pytest.approx(np.asarray(found.total))
    assert np.all(found.total >= np.asarray(found.parts.groups) - 1e-12)
    assert np.all(np.asarray(found.degrees) > 0)


def test_the_layout_of_incomplete_folds_is_that_of_the_fewest():
    three, two = np.zeros(3), np.zeros(2)
    resampled = {3: np.zeros((4, 3)), 2: np.zeros((4, 2))}
    folds = [
        FoldSample((three, two), (resampled[3], resampled[2]), 6),
        FoldSample((three,), (resampled[3],), 7),
    ]
    assert layout_of(folds) == Layout((6, 7), 1, 2)
