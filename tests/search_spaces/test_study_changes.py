"""What changed between two forms of a study, and what only adds."""

import pytest

from crescendo.platform.studies.settings import resolve_settings
from crescendo.search_spaces.changes import added, differences, extends
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.study import Study

TEXT = """\
name: test
dataset: synthetic
base: {iterations: 50}
ablate: {variant: [none, score]}
search:
  trials: 4
  space: {lambda_r: {low: 0.1, high: 30, log: true, when: {variant: score}}, dropout: [0.1, 0.5]}
confirm: {seeds: [0, 1]}
"""


def study(*overrides: str, text: str = TEXT) -> Study:
    return parse_study(text, "test.yaml", overrides, resolve_settings)


ADDITIONS = [
    (["search.trials=6"], ["search.trials: 4 -> 6"]),
    (["confirm.seeds=[1, 0, 2]"], ["confirm.seeds: [0, 1] -> [1, 0, 2]"]),
    (
        ["ablate.variant=[none, score, margin]"],
        [
            "ablate: [{grid: {variant: [none, score]}, settings: {}}] -> [{grid: {variant: [none, score, margin]}, settings: {}}]"
        ],
    ),
    (["ablate=[{grid: {variant: [score, none]}}, {name: small, settings: {hidden_size: 8}}]"], None),
    (["search.trials=5", "confirm.seeds=[0, 1, 9]", "ablate.variant=[naive, score, none]"], None),
    # An arm comes with what it alone searches, and where that is to begin.
    (
        [
            "ablate.variant=[none, score, weighted]",
            "search.space={lambda_r: {low: 0.1, high: 30, log: true, when: {variant: score}}, dropout: [0.1, 0.5], "
            "lambda_r.weighted: {low: 0.1, high: 10, log: true, when: {variant: weighted}}}",
            "search.start=[{lambda_r.weighted: 1}]",
        ],
        None,
    ),
    (
        [
            "ablate.variant=[none, score, margin]",
            "search.space.lambda_r={low: 0.1, high: 30, log: true, when: {variant: [score, margin]}}",
        ],
        None,
    ),
]
CHANGES = [
    (["search.trials=3"], ["search.trials: 4 -> 3"]),
    (["confirm.seeds=[0]"], ["confirm.seeds: [0, 1] -> [0]"]),
    (["ablate.variant=[score, margin]"], None),
    (["base.iterations=60"], ["base.iterations: 50 -> 60"]),
    (["base.normalise=false"], ["base.normalise: true -> false"]),
    (["name=other"], ["name: test -> other"]),
    (["trainable=cnn"], ["trainable: lstm -> cnn"]),
    (["search.seed=7"], ["search.seed: 1000 -> 7"]),
    (["search.sampler=random"], ["search.sampler: tpe -> random"]),
    (["search.space.lambda_r.high=60"], ["search.space.lambda_r.high: 30 -> 60"]),
    (
        [
            "ablate.variant=[none, score, naive]",
            "search.space.dropout={choices: [0.1, 0.5], when: {variant: [score, naive]}}",
        ],
        None,
    ),
    (["search.start=[{lambda_r: 6}]"], ["search.start: [] -> [{lambda_r: 6}]"]),
    (["search.space.layers=[1, 2]"], ["search.space.layers: not there -> {when: {}, choices: [1, 2]}"]),
    (["decode.reset=none"], ["decode.reset: not there -> [none]"]),
    (["objective.metric=mAP/mean"], ["objective.metric: mAP/iou_0.50 -> mAP/mean"]),
    (["early_stopping={asha: {grace: 9}}"], ["early_stopping: not there -> {asha: {grace: 9, reduction: 3}}"]),
    (["search.trials=9", "base.dropout=0.1"], ["base.dropout: 0.5 -> 0.1", "search.trials: 4 -> 9"]),
]
NEUTRAL = [
    ["description=x"],
    ["dataset=elsewhere"],
    ["resources.cpus=8"],
    ["resources.cohort=4"],
    ["failures.retries=0"],
    ["baseline={variant: score}"],
]


@pytest.mark.parametrize(("overrides", "lines"), [*ADDITIONS, *CHANGES])
def test_differences_name_old_and_new(overrides: list[str], lines: list[str] | None) -> None:
    found = differences(study(), study(*overrides))
    assert found == lines if lines is not None else found
    assert study().fingerprint != study(*overrides).fingerprint


@pytest.mark.parametrize(("overrides", "lines"), ADDITIONS)
def test_more_trials_arms_or_seeds_extend_a_study(overrides: list[str], lines: object) -> None:
    assert extends(study(), study(*overrides))
    assert not extends(study(*overrides), study())


@pytest.mark.parametrize(("overrides", "lines"), CHANGES)
def test_nothing_else_extends_it(overrides: list[str], lines: object) -> None:
    assert not extends(study(), study(*overrides))


@pytest.mark.parametrize(
    ("override", "line"),
    [("primary=early", "primary: detection -> early"), ("confirm.margin=2", "confirm.margin: 1.0 -> 2.0")],
)
def test_the_question_is_a_difference_though_it_changes_no_trial(override: str, line: str) -> None:
    assert differences(study(), study(override)) == [line]
    assert not extends(study(), study(override))
    assert study().fingerprint == study(override).fingerprint


@pytest.mark.parametrize("overrides", NEUTRAL)
def test_what_changes_no_trial_is_no_difference(overrides: list[str]) -> None:
    assert differences(study(), study(*overrides)) == []
    assert study().fingerprint == study(*overrides).fingerprint
    assert extends(study(), study(*overrides))


def test_comments_layout_and_short_forms_are_no_difference() -> None:
    text = TEXT.replace("search:", "# a comment\nsearch:").replace("[0.1, 0.5]", "{choices: [0.1, 0.5]}")
    text = text.replace("ablate: {variant: [none, score]}", "ablate: [{grid: {variant: [none, score]}}]")
    assert differences(study(), study(text=text)) == []


def test_a_study_read_back_is_the_same() -> None:
    assert differences(study(), Study.from_json(study().to_json())) == []


@pytest.mark.parametrize(
    ("old", "new", "grows"),
    [
        ("{hours: 2}", "{hours: 3}", True),
        ("{hours: 2}", "null", True),
        ("{hours: 2}", "{hours: 1}", False),
        ("null", "{hours: 9}", False),
        ("{hours: 2}", "{hours: 2, gpu_hours: 1}", False),
        ("{hours: 2, gpu_hours: 1}", "{hours: 2}", True),
        ("{gpu_hours: 2}", "{hours: 2}", False),
    ],
)
def test_a_budget_may_be_raised_and_not_lowered(old, new, grows):
    before, after = (study("resources.gpus=1", f"budget={one}") for one in (old, new))
    assert extends(before, after) == grows
    assert ("hours" in added(before, after)) or not grows
    assert extends(before, before)
    assert "hours" not in added(before, before)
