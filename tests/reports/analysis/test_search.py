"""What an arm searched: read back from the study as MLflow has it."""

from dataclasses import replace

import pytest

from crescendo.reports.analysis.search import ablated, combinations_tried, proposed
from crescendo.reports.source.runs import ArmRuns


def study(golden_runs, **sections):
    return replace(golden_runs, settings={**golden_runs.settings, **sections})


def test_named_arms_and_grids_tell_what_sets_an_arm_apart(golden_runs):
    blocks = [
        {"grid": None, "name": "CNN", "settings": {"model": "cnn", "variant": "none"}},
        {"grid": {"variant": ["score"], "bptt": [20, 40]}, "name": None, "settings": {}},
    ]
    found = study(golden_runs, ablate=blocks)
    arm = golden_runs.arms[0]
    assert ablated(found, replace(arm, name="CNN")) == {"model": "cnn", "variant": "none"}
    assert ablated(found, ArmRuns("bptt=40,variant=score", (), (), (), {}, ())) == {"bptt": "40", "variant": "score"}
    assert ablated(found, replace(arm, name="other")) == {}


def test_what_is_ablated_or_ruled_out_was_not_searched(golden_runs):
    none, score, _ = golden_runs.arms
    assert set(proposed(golden_runs, none, none.search[0])) == {"dropout", "learning_rate"}
    assert set(proposed(golden_runs, score, score.search[0])) == {"dropout", "learning_rate", "lambda_r"}
    fixed = study(golden_runs, ablate=[{"grid": {"dropout": [0.2], "variant": ["score"]}}])
    arm = replace(score, name="dropout=0.2,variant=score")
    assert set(proposed(fixed, arm, arm.search[0])) == {"learning_rate", "lambda_r"}


@pytest.mark.parametrize(
    ("decode", "expected"),
    [
        ({"merge_gap": {"low": 0, "high": 12}, "reset": ["memory", "none"], "trials": 100}, 26),
        ({"merge_gap": {"low": 0, "high": 12}, "reset": ["memory"], "trials": 5}, 5),
        ({"merge_gap": {"low": 0, "high": 12, "step": 4}, "reset": ["memory"], "trials": 100}, 4),
        ({"merge_gap": {"choices": [3, 5]}, "reset": ["memory", "none"], "trials": 100}, 4),
        ({"merge_gap": 20, "reset": ["memory"], "trials": 100}, 1),
        ({}, 1),
    ],
    ids=str,
)
def test_combinations_tried_on_scores(golden_runs, decode, expected):
    assert combinations_tried(study(golden_runs, decode=decode), golden_runs.arms[0]) == expected
