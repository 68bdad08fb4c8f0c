"""What a finished study measured, for the plans of others."""

import json
from dataclasses import replace

import numpy as np
import pytest
from several_searches import several

from crescendo.reports.analysis.member import members_of
from crescendo.reports.analysis.planning import Components
from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.analysis.variance import Layout
from crescendo.reports.planning.measuring import _starts, settings_of
from crescendo.reports.planning.reading import measured_sources, shipped, shipped_sources
from crescendo.reports.planning.sources import Sources, Spread
from crescendo.trainables.errors import InputError


@pytest.fixture(scope="module")
def folded(golden_runs):
    return summarise([several(golden_runs, ("1", "2", "3", "4"))], resamples=100)


def test_a_study_in_folds_tells_its_layout_and_its_parts(golden_runs, golden_model, folded):
    found = folded.sources
    assert (found.folds, found.repeats, found.seeds, found.compared) == (4, 1, 3, 2)
    assert sum(found.groups) == folded.groups
    assert found.spread.search is not None
    assert found.trials == golden_runs.study.search.trials
    difference = folded.arms[1].difference[folded.headline]
    assert found.measure == difference.measure
    trainings = sum(cost.trainings for cost in folded.costs)
    hours = found.hours.trial * 4 * 3 * 5 + found.hours.confirmation * 4 * 3 * 3
    assert (trainings, hours) == (96, pytest.approx(sum(cost.hours for cost in folded.costs)))


def test_one_search_tells_nothing_of_others(golden_model):
    assert golden_model.sources.spread.search is None
    assert golden_model.sources.groups == (golden_model.groups,)


def test_it_is_read_back_from_the_report(folded, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report_json(folded)), encoding="utf-8")
    found = measured_sources(str(file))
    assert found.to_json() == folded.sources.to_json()
    assert Sources.from_json(found.to_json(), "again") == found
    assert found.spread.group == pytest.approx(folded.sources.spread.group, rel=1e-3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "no report of a study"),
        ({"sources": None}, "no arm could be compared"),
        ({"sources": {}}, "not what a study measured (study: Field required)"),
        ({"sources": 3}, "not what a study measured"),
    ],
)
def test_what_is_no_report_is_refused(content, said, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        measured_sources(str(file))
    assert str(refused.value).startswith(str(file))
    assert said in str(refused.value)


def test_starts_that_differ_by_noise_alone_are_told_alike():
    arms = [0, 1, 2] * 4
    assert _starts(arms, np.tile([1.0, 1.1, 0.9], 4), noise=10.0) == pytest.approx((1.0, 1.0, 1.0))
    apart = _starts(arms, np.tile([0.0, 5.0, 10.0], 4), noise=1.0)
    assert apart == pytest.approx((0.0, 5.0, 10.0), abs=0.2)
    assert apart[0] > 0


def test_figures_that_ship_can_be_read_and_have_no_hours():
    for dataset in shipped():
        found = shipped_sources(dataset)
        assert found.dataset == dataset
        assert found.hours is None
        assert isinstance(found.spread, Spread)
        assert shipped_sources("elsewhere", found.study) == found
    with pytest.raises(InputError, match="nowhere: no figures of this data set ship"):
        shipped_sources("nowhere", "mine")
    with pytest.raises(InputError, match="nowhere: no figures of this data set ship"):
        shipped_sources("nowhere")


@pytest.mark.parametrize(("spread", "noise"), [(2.0, 1.0), (1.0, 2.0), (0.0, 1.5)])
def test_the_spread_of_settings_is_told_from_the_noise_of_their_trials(golden_runs, spread, noise):
    runs = several(golden_runs, tuple("123456789"), repeats=6)
    random = np.random.default_rng(3)
    better = {name: random.standard_normal() for name in {run.replicate.name for run in runs.arms}}
    starts = {arm: 2.0 * number for number, arm in enumerate(dict.fromkeys(run.arm.name for run in runs.arms))}

    def tried(run, trial):
        quality = starts[run.arm.name] if trial.number < len(run.arm.start) else spread * random.standard_normal()
        value = 70 + 3 * better[run.replicate.name] + quality + noise * random.standard_normal()
        return replace(trial, metrics={**trial.metrics, "objective": value / 100}, state="finished")

    arms = tuple(replace(run, search=tuple(tried(run, one) for one in run.search)) for run in runs.arms)
    components = Components(group=0.0, search=0.0, seed=2 * (noise / 100) ** 2, together=0.0)
    found = settings_of(members_of([replace(runs, arms=arms)]), components, Layout((6,) * 9, 6, 2))
    assert found is not None
    assert found.noise == pytest.approx(noise)
    assert np.interp([0.16, 0.84], np.linspace(0, 1, 11), found.drawn) == pytest.approx((-spread, spread), abs=0.4)
    assert found.start == pytest.approx((0.0, 2.0, 4.0)[: len(found.start)], abs=0.6)
