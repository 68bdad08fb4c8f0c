"""Of equal arms any is called different in 3 to 7 % of studies: `benchmarks/calibration.py` in small."""

import math

import numpy as np
import pytest
from calibration import HIGHEST, LOWEST, cases, measure, page
from simulated_labels import LabelCase
from simulated_studies import Case, called_different, critical_values, differences, simulated

from crescendo.reports.analysis.family import critical_value
from crescendo.reports.analysis.statistics import paired_differences
from crescendo.reports.analysis.variance import FoldSample

STUDIES = 1500
ERROR = 3 * math.sqrt(0.05 * 0.95 / STUDIES)


@pytest.mark.parametrize(
    "case",
    [
        Case(),
        Case(groups=4),
        Case(parts="t3"),
        Case(groups=10, each=2, alike=0.5),
        Case(repeats=3, search=1.0),
        Case(repeats=5, search=2.0, parts="skewed"),
        Case(folds=5, groups=6, search=1.0),
        Case(folds=5, groups=6, search=1.0, unequal=2.0),
        Case(arms=1, folds=5, groups=6, search=2.0),
        Case(folds=4, groups=1, each=7, search=1.0),
    ],
    ids=str,
)
def test_of_equal_arms_any_is_called_different_in_3_to_7_percent(case):
    found = np.concatenate([called_different(case, values) for values in simulated(case, STUDIES, 5)])
    assert LOWEST - ERROR < found.mean() < HIGHEST + ERROR


def test_the_simulation_calls_different_what_the_report_does():
    case, resamples = Case(arms=3, folds=3, repeats=2, seeds=2, groups=4, search=1.0), 4000
    moved = np.linspace(0, 6, 6) * case.error
    values = differences(case, 6, np.random.default_rng(3)) + moved[:, None, None, None, None, None, None]
    weights = np.random.default_rng(1).multinomial(4, np.full(4, 0.25), size=resamples) / 4
    called = called_different(case, values)
    assert 0 < called.sum() < 6
    for study, expected in zip(values.mean(axis=-1), called, strict=True):
        folds = [
            [FoldSample(tuple(f.mean(axis=-1)), tuple(weights @ one.T for one in f), 4) for f in arm] for arm in study
        ]
        found = paired_differences(folds)
        assert any(one.p_adjusted < 0.05 for one in found) == expected


def test_the_curve_of_critical_values_is_that_of_the_report():
    for degrees in (1.3, 4.2, 9.1, 37.0, 4e6):
        assert critical_values(np.array([degrees]), 4)[0] == pytest.approx(critical_value(degrees, 4, 0.05), rel=0.002)


def test_every_row_of_the_table_has_a_name_of_its_own_and_a_place_on_the_page():
    rows = list(cases())
    assert len({(part, name) for part, name, _, _ in rows}) == len(rows) > 50
    measured = [measure(*rows[0], studies=50), measure("Labels", "few", LabelCase((6, 3), groups=6), None, 50)]
    assert measured[0].refused == "3 groups of recordings are too few, it takes 4"
    assert "| 3 groups |" in page(measured)
    assert "no answer is given" in page(measured)
