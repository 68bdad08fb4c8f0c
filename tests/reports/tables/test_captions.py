"""Captions say what means and intervals are over."""

import re
from dataclasses import replace

import pytest
from invented_model import invented

from crescendo.reports.charts.chart_set import charts
from crescendo.reports.tables.table_set import tables


def replicated(folds, repeats, seeds):
    """The invented study with these folds and repeats, of as many seeds each."""
    model = invented()
    arms = tuple(
        replace(
            arm,
            replicates=tuple(
                replace(arm.replicates[0], fold=fold, repeat=repeat, seeds=tuple(range(seeds)))
                for fold in folds
                for repeat in range(1, repeats + 1)
            ),
        )
        for arm in model.arms
    )
    return replace(model, arms=arms)


@pytest.mark.parametrize(
    ("study", "mean", "spread"),
    [
        ((["1", "2", "3", "4", "5"], 1, 2), "5 folds of 2 seeds", "folds"),
        ((["1", "2", "3"], 2, 1), "3 folds of 2 repeats of 1 seed", "folds"),
        (([None], 4, 3), "4 repeats of 3 seeds", "repeats"),
        ((["2"], 3, 2), "3 repeats of 2 seeds", "repeats"),
        ((["7"], 1, 4), "4 seeds", "seeds alone"),
    ],
)
def test_every_mean_and_every_interval_says_what_it_is_over(study, mean, spread):
    model = replicated(*study)
    said = [" ".join(one.caption.split()) for one in (*tables(model), *charts(model)[0])]
    intervals = [found for caption in said for found in re.findall(r"Student's t[^;.)]*", caption)]
    told = [caption for caption in said if f"mean over {mean}" in caption.replace("Mean", "mean")]
    assert len(intervals) > 9
    assert len(told) > 12
    assert set(intervals) == {f"Student's t over {spread}"}
    assert not [caption for caption in said if re.search(r"over (each arm's )?seeds(?! alone)", caption)]


def test_an_arm_that_has_one_fold_so_far_is_told_beside_one_that_has_several():
    model = replicated(["1", "2"], 1, 2)
    few, *others = model.arms
    few = replace(few, replicates=(few.replicates[0], replace(few.replicates[1], seeds=())))
    [table] = [one for one in tables(replace(model, arms=(few, *others))) if one.name == "segmental"]
    assert "Student's t over folds or seeds alone;" in table.caption
