"""What an arm searched, and what was proposed to each of its trials."""

from dataclasses import replace

import pytest

from crescendo.reports.analysis.search import combinations_tried, proposed, search_summary
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.schema.phases import Block, Decode


def arm_of(runs, name, **sections):
    """The arm `name` of the study of `runs`, some of its sections replaced."""
    [arm] = [arm for arm in arms_of(runs.study.model_copy(update=sections)) if arm.name == name]
    return arm


def test_what_sets_an_arm_apart_is_what_the_study_says(golden_runs):
    assert [arm.arm.ablated for arm in golden_runs.arms] == [
        {"variant": "none"},
        {"variant": "score"},
        {"variant": "margin"},
    ]


def test_what_is_ablated_or_ruled_out_was_not_searched(golden_runs):
    none, score, _ = golden_runs.arms
    assert list(proposed(none, none.search[0])) == ["dropout", "learning_rate"]
    assert list(proposed(score, score.search[0])) == ["dropout", "lambda_r", "learning_rate"]
    blocks = (Block(grid={"dropout": (0.2,), "variant": ("score",)}),)
    fixed = replace(score, arm=arm_of(golden_runs, "dropout=0.2,variant=score", ablate=blocks))
    assert list(proposed(fixed, fixed.search[0])) == ["lambda_r", "learning_rate"]


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
    arm = arm_of(golden_runs, "variant=none", decode=Decode.model_validate(decode))
    assert combinations_tried(replace(golden_runs.arms[0], arm=arm)) == expected


def test_every_weight_of_several_variants_is_told(golden_runs):
    """As MLflow holds them: each a parameter of its own, beside the weight that goes for one variant alone."""
    score = golden_runs.arms[1]

    def told(**changes):
        runs = [replace(run, settings={**run.settings, **changes}) for run in score.search]
        return search_summary(golden_runs.study, replace(score, search=tuple(runs))).lambda_r

    weights = {"lambda_r.score": 3.0, "lambda_r.smoothing": 0.15}
    assert told(variant="score+smoothing", **weights) == {"score": 3.0, "smoothing": 0.15}
    assert told(variant="score", lambda_r=6.0) == 6.0
    assert told(variant="score", lambda_r=6.0, **weights) == 3.0
    assert told(variant="none", **weights) is None
