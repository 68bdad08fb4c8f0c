"""What a report says of folds and repeats."""

import json
from dataclasses import replace

import numpy as np
import pytest
from several_searches import several

from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.charts.chart_set import charts
from crescendo.reports.page.sentences import CHOSEN, sentences, summary
from crescendo.reports.tables.table_set import tables
from crescendo.trainables.data.groups import Groups

HEADLINE, FOLDS = "mAP/iou_0.50", ("1", "2", "3", "4")


@pytest.fixture(scope="module")
def folded(golden_runs):
    return summarise([several(golden_runs, FOLDS)], resamples=100)


@pytest.fixture(scope="module")
def repeated(golden_runs):
    return summarise([several(golden_runs, repeats=3)], resamples=100)


def table_of(model, name):
    [found] = [table for table in tables(model) if table.name == name]
    return found


def test_a_study_without_folds_and_repeats_says_what_it_said(golden_runs, golden_model):
    assert report_json(summarise([several(golden_runs)], resamples=200)) == report_json(golden_model)
    assert "replicates" not in {table.name for table in tables(golden_model)}
    assert CHOSEN in summary(golden_model)


def test_figures_are_means_over_folds_and_each_fold_is_shown(golden_model, folded):
    for arm, whole in zip(folded.arms, golden_model.arms, strict=True):
        assert [one.fold for one in arm.replicates] == list(FOLDS)
        assert len(arm.detection["0.50"].values) == 4
        each = [one.detection["0.50"] for one in arm.replicates]
        assert arm.detection["0.50"].mean == pytest.approx(np.mean(each)) == pytest.approx(whole.detection["0.50"].mean)
    for arm in folded.arms[1:]:
        one = arm.difference[HEADLINE]
        assert one.value == pytest.approx(np.mean(list(one.folds.values())))
        assert (list(one.folds), one.seeds_each, one.repeats) == (list(FOLDS), 3, 1)
        for replicate, of_baseline in zip(arm.replicates, folded.baseline_arm.replicates, strict=True):
            expected = replicate.detection["0.50"] - of_baseline.detection["0.50"]
            assert one.folds[replicate.fold] == pytest.approx(expected)
    shown = table_of(folded, "replicates")
    assert shown.columns == ("Arm", "Of", "fold 1", "fold 2", "fold 3", "fold 4")
    assert len(shown.rows) == 6


def test_recordings_and_groups_count_over_the_folds(golden_runs, golden_model, folded):
    assert (folded.recordings, folded.groups) == (4 * golden_model.recordings, 4 * golden_model.groups)
    names = sorted(set(golden_runs.arms[0].artifacts[0].truth["recording"].to_pylist()))
    people = Groups(dict.fromkeys(names, "one"), "people")
    alone = tuple(
        replace(arm, artifacts={seed: replace(one, groups=people) for seed, one in arm.artifacts.items()})
        for arm in golden_runs.arms
    )
    model = summarise([several(replace(golden_runs, arms=alone), FOLDS)], resamples=50)
    assert (model.recordings, model.groups, model.groups_are) == (4 * golden_model.recordings, 4, "people")
    assert all(arm.difference[HEADLINE].verdict.unfit is None for arm in model.arms[1:])


def test_folds_that_test_the_same_people_are_no_evidence(golden_runs):
    made = several(golden_runs, FOLDS)

    def same(artifacts):
        groups = {name: name.rpartition(" ")[0] for name in set(artifacts.truth["recording"].to_pylist())}
        return replace(artifacts, groups=Groups(groups, "people"))

    arms = tuple(replace(arm, artifacts={seed: same(one) for seed, one in arm.artifacts.items()}) for arm in made.arms)
    model = summarise([replace(made, arms=arms)], resamples=50)
    for arm in model.arms[1:]:
        verdict = arm.difference[HEADLINE].verdict
        assert verdict.answer == "undecided"
        assert "is tested in several folds" in verdict.unfit


def test_the_first_sentence_says_what_the_answers_hold_for(folded, repeated):
    assert "searched anew in each of 4 folds, so the search's luck is in it" in summary(folded)
    assert "Each arm was searched 3 times, so the search's luck is in it" in summary(repeated)
    assert CHOSEN not in summary(folded) + summary(repeated)


def test_repeats_have_their_own_seeds_and_one_split(golden_model, repeated):
    assert (repeated.recordings, repeated.groups) == (golden_model.recordings, golden_model.groups)
    for arm in repeated.arms[1:]:
        one = arm.difference[HEADLINE]
        assert (one.seeds_each, one.repeats, one.folds) == (3, 3, {})
        assert one.seeds == (0, 1, 2, 10000, 10001, 10002, 20000, 20001, 20002)
    assert table_of(repeated, "replicates").columns[2:] == ("repeat 1", "repeat 2", "repeat 3")


def test_every_search_has_its_row_and_its_best(folded):
    search = table_of(folded, "search")
    assert search.columns[:2] == ("Arm", "Replicate")
    assert "Best validation mAP (optimistic)" in search.columns
    assert [row[1].text for row in search.rows[:4]] == [f"fold {one}" for one in FOLDS]
    drawn = {chart.name: chart for chart in charts(folded)[0]}
    assert "of each fold and repeat" in drawn["optimisation_history"].caption
    assert len({row[0] for row in drawn["optimisation_history"].numbers.rows}) == 12
    assert folded.costs[0].trainings == 4 * 8


def test_every_number_of_folds_is_json(folded):
    found = json.loads(json.dumps(report_json(folded), allow_nan=False))
    assert set(found["arms"][1]["difference"][HEADLINE]["folds"]) == set(FOLDS)
    assert [one["fold"] for one in found["arms"][0]["replicates"]] == list(FOLDS)
    assert found["studies"][0]["folds"] == list(FOLDS)


def test_each_arm_gets_a_sentence(folded, repeated):
    for model in (folded, repeated):
        assert len(sentences(model)) == 2
