"""From a study to its arms: names, settings, what is left to search, starting values, the baseline."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from crescendo.platform.studies.settings import resolve_settings
from crescendo.search_spaces.arms import arms_of, baseline_of
from crescendo.search_spaces.changes import differences, extends
from crescendo.search_spaces.cost import cost
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.study import Study
from crescendo.trainables.config import configuration

VARIANTS = ["none", "score", "margin", "combined", "naive"]
WITH_LAMBDA = {"low": 1, "high": 30, "log": True, "when": {"variant": VARIANTS[1:]}}


def study(**parts: Any) -> Study:
    content = {"name": "test", "dataset": "synthetic", **parts}
    return parse_study(yaml.safe_dump(content, sort_keys=False), "test.yaml", (), resolve_settings)


def test_without_ablate_there_is_one_arm() -> None:
    (arm,) = arms_of(study())
    assert (arm.name, arm.trials, dict(arm.space)) == ("base", 1, {})
    assert list(arm.decode.merge_gap.values()) == [20]
    assert arm.decode.reset == ("memory",)


def test_a_grid_is_every_combination_in_the_order_of_the_file() -> None:
    arms = arms_of(study(ablate={"variant": ["score", "margin"], "bptt": [10, 20]}))
    assert [arm.name for arm in arms] == [
        "bptt=10,variant=score",
        "bptt=20,variant=score",
        "bptt=10,variant=margin",
        "bptt=20,variant=margin",
    ]
    assert arms[1].settings["bptt"] == 20
    assert arms[1].settings["variant"] == "score"


def test_names_do_not_depend_on_the_order_of_a_grid() -> None:
    one = study(ablate={"variant": ["score", "margin"], "bptt": [10, 20]})
    other = study(ablate={"bptt": [20, 10], "variant": ["margin", "score"]})
    assert {arm.name: arm.settings for arm in arms_of(one)} == {arm.name: arm.settings for arm in arms_of(other)}


def test_grids_and_named_arms_stand_side_by_side() -> None:
    arms = arms_of(
        study(
            ablate=[
                {"name": "plain"},
                {"grid": {"variant": ["score"], "lambda_r": [1, 6]}},
                {"name": "CNN", "settings": {"model": "cnn"}},
            ]
        )
    )
    assert [arm.name for arm in arms] == ["plain", "lambda_r=1,variant=score", "lambda_r=6,variant=score", "CNN"]
    assert [arm.settings["model"] for arm in arms] == ["lstm", "lstm", "lstm", "cnn"]


def test_an_arm_without_ranking_loss_has_no_lambda() -> None:
    none, score = arms_of(
        study(ablate={"variant": ["none", "score"]}, search={"trials": 5, "space": {"lambda_r": WITH_LAMBDA}})
    )
    assert "lambda_r" not in none.space
    assert none.trials == 1  # one setting, and a training with the same seed would be the same training
    assert score.trials == 5
    assert score.space["lambda_r"] == Range(low=1.0, high=30.0, log=True)
    assert not score.space["lambda_r"].integer  # the setting is a real number, however its limits were written
    assert "lambda_r" not in score.settings


def test_the_kind_of_setting_decides_between_integers_and_real_numbers() -> None:
    (arm,) = arms_of(
        study(search={"space": {"hidden_size": {"low": 8, "high": 64}, "dropout": {"low": 0, "high": 0.5}}})
    )
    assert arm.space["hidden_size"].integer
    assert not arm.space["dropout"].integer


def test_what_an_arm_sets_is_not_searched_in_it() -> None:
    search = {"trials": 4, "space": {"dropout": [0.1, 0.3], "layers": [1, 2]}}
    recipe, without = arms_of(
        study(search=search, ablate=[{"name": "recipe"}, {"name": "without", "settings": {"dropout": 0}}])
    )
    assert set(recipe.space) == {"dropout", "layers"}
    assert set(without.space) == {"layers"}
    assert without.settings["dropout"] == 0
    assert (recipe.trials, without.trials) == (4, 2)


def test_an_arm_can_settle_what_is_searched_on_scores() -> None:
    arms = arms_of(
        study(
            decode={"merge_gap": {"low": 2, "high": 60}, "reset": ["memory", "none"]},
            ablate=[
                {"name": "recipe"},
                {"name": "without_merging", "settings": {"merge_gap": 0}},
                {"name": "without_reset", "settings": {"reset": "none"}},
            ],
            search={"start": [{"merge_gap": 20, "reset": "memory"}, {"merge_gap": 5}]},
        )
    )
    recipe, merging, reset = (arm.decode for arm in arms)
    assert recipe.merge_gap.size == 59
    assert recipe.reset == ("memory", "none")
    assert recipe.start == ({"merge_gap": 20, "reset": "memory"}, {"merge_gap": 5})
    assert list(merging.merge_gap.values()) == [0]
    assert merging.start == ({"reset": "memory"},)
    assert reset.reset == ("none",)
    assert reset.start == ({"merge_gap": 20}, {"merge_gap": 5})
    assert [(arm.settings["merge_gap"], arm.settings["reset"]) for arm in arms] == [
        (20, "memory"),
        (0, "memory"),
        (20, "none"),
    ]


def test_a_model_without_memory_needs_one_pass() -> None:
    (arm,) = arms_of(study(trainable="cnn", decode={"reset": ["memory", "none"]}))
    assert arm.decode.reset == ("memory",)


def test_an_arm_has_the_reset_of_its_model_where_nothing_names_one() -> None:
    arms = arms_of(study(ablate={"model": ["lstm", "gru", "cnn"]}))
    assert [(arm.settings["reset"], arm.decode.reset) for arm in arms] == [
        ("memory", ("memory",)),
        ("state", ("state",)),
        ("memory", ("memory",)),
    ]
    (alone,) = arms_of(study(trainable="gru"))
    assert alone.settings["reset"] == "state"
    named = arms_of(study(ablate={"model": ["lstm", "gru"]}, base={"reset": "none"}))
    assert [arm.settings["reset"] for arm in named] == ["none", "none"]
    searched = study(ablate={"model": ["lstm", "gru", "cnn"]}, decode={"reset": ["state", "none"]})
    assert [arm.decode.reset for arm in arms_of(searched)] == [("state", "none"), ("state", "none"), ("state",)]
    assert arms_of(Study.from_json(searched.to_json())) == arms_of(searched)


def test_what_the_models_are_is_no_part_of_what_a_study_asks() -> None:
    """A study that was begun before the program knew it goes on, and may be extended."""
    one = study(ablate={"model": ["lstm", "cnn"]}, decode={"reset": ["memory", "none"]})
    content = one.to_json()
    assert content.pop("model_resets") == {"cnn": {"default": "memory", "matters": False}}
    begun = Study.from_json(content)
    assert begun.fingerprint == one.fingerprint
    assert differences(begun, one) == []
    more = study(
        ablate={"model": ["lstm", "cnn"]}, decode={"reset": ["memory", "none"]}, confirm={"seeds": [0, 1, 2, 3]}
    )
    assert extends(begun, more)


def test_starting_values_are_cut_to_the_arm() -> None:
    none, score = arms_of(
        study(
            ablate={"variant": ["none", "score"]},
            search={
                "trials": 5,
                "space": {"lambda_r": WITH_LAMBDA, "dropout": {"low": 0.1, "high": 0.7}},
                "start": [{"lambda_r": 6, "dropout": 0.5, "merge_gap": 20}, {"lambda_r": 2}, {"dropout": 0.5}],
            },
            decode={"merge_gap": {"low": 0, "high": 60}},
        )
    )
    assert none.start == ({"dropout": 0.5},)
    assert score.start == ({"lambda_r": 6.0, "dropout": 0.5}, {"lambda_r": 2.0}, {"dropout": 0.5})


def test_conditions_on_searched_settings_stay_and_come_after_them() -> None:
    space = {
        "momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": "sgd", "variant": "score"}},
        "optimizer": ["sgd", "adam"],
    }
    none, score = arms_of(study(ablate={"variant": ["none", "score"]}, search={"space": space}))
    assert list(none.space) == ["optimizer"]
    assert list(score.space) == ["optimizer", "momentum"]
    assert score.space["momentum"].when == {"optimizer": ("sgd",)}
    assert score.space["momentum"].applies({"optimizer": "sgd"})
    assert not score.space["momentum"].applies({"optimizer": "adam"})
    assert not score.space["momentum"].applies({})


@pytest.mark.parametrize(
    ("baseline", "name"),
    [
        (None, "variant=none"),
        ("variant=score", "variant=score"),
        ({"variant": "margin"}, "variant=margin"),
        ({"variant": "margin", "bptt": 20}, "variant=margin"),
    ],
)
def test_baseline(baseline: Any, name: str) -> None:
    assert baseline_of(study(ablate={"variant": VARIANTS}, baseline=baseline)).name == name


def test_the_base_is_the_whole_configuration() -> None:
    base = study(base={"config": "hapt", "iterations": 7}).base
    assert base["config"] == "hapt"
    assert base["iterations"] == 7
    assert base["learning_rate_step"] == 700  # of the configuration `hapt`
    assert base["bptt"] == 20  # of the table of defaults
    assert not {"seed", "threads", "model"} & set(base)


def test_a_gap_in_seconds_never_overrules_the_study() -> None:
    (arm,) = arms_of(study(base={"config": "tug"}, decode={"merge_gap": 3}))
    assert "merge_gap_seconds" not in arm.settings
    assert arm.settings["merge_gap"] == 3


def test_json_round_trip() -> None:
    one = study(
        base={"iou": [0.3, 0.5]},
        ablate={"variant": ["none", "score"]},
        baseline={"variant": "score"},
        search={"space": {"lambda_r": WITH_LAMBDA}, "start": [{"lambda_r": 6}]},
        decode={"merge_gap": [1, 2], "reset": "none"},
        early_stopping={"asha": {"grace": 10}},
    )
    other = Study.from_json(json.loads(json.dumps(one.to_json())))
    assert other == one
    assert arms_of(other) == arms_of(one)
    assert other.fingerprint == one.fingerprint


NUMBERS = st.floats(0.01, 0.98).map(lambda value: round(value, 3))


@st.composite
def studies(draw: st.DrawFn) -> Study:
    """Any sensible study of five settings: some ablated, some searched, some neither."""
    variants = draw(st.lists(st.sampled_from(VARIANTS), min_size=1, max_size=4, unique=True))
    space: dict[str, Any] = {}
    ranking = [variant for variant in variants if variant != "none"]
    if ranking and draw(st.booleans()):
        space["lambda_r"] = {"low": 0.1, "high": 30, "log": True, "when": {"variant": ranking}}
    if draw(st.booleans()):
        low, high = sorted(draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True)))
        space["dropout"] = {"low": low, "high": high}
    if draw(st.booleans()):
        space["layers"] = draw(st.lists(st.integers(1, 4), min_size=1, unique=True))
    if draw(st.booleans()):
        space["optimizer"] = ["sgd", "adam"]
        space["momentum"] = {"low": 0.1, "high": 0.9, "when": {"optimizer": "sgd"}}
    grid: dict[str, Any] = {"variant": variants}
    if draw(st.booleans()):
        grid["bptt"] = draw(st.lists(st.integers(1, 100), min_size=1, max_size=3, unique=True))
    gaps = draw(st.sampled_from([None, 4, [0, 20], {"low": 0, "high": 60}]))
    return study(
        ablate=grid,
        search={"trials": draw(st.integers(1, 30)), "space": space},
        decode={"merge_gap": gaps, "reset": draw(st.sampled_from([None, "none", ["memory", "none"]]))},
        confirm={"seeds": draw(st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True))},
    )


@given(one=studies(), data=st.data())
def test_whatever_an_arm_may_propose_is_a_valid_training(one: Study, data: st.DataObject) -> None:
    names = [arm.name for arm in arms_of(one)]
    assert len(set(names)) == len(names)
    for arm in arms_of(one):
        proposed: dict[str, Any] = {}
        for key, space in arm.space.items():
            if space.applies(proposed):
                proposed[key] = data.draw(drawn(space))
        configuration({**arm.settings, **proposed, "seed": one.search.seed, "threads": one.resources.cpus})
        assert 1 <= arm.trials <= one.search.trials
        assert arm.settings["merge_gap"] in arm.decode.merge_gap
        assert arm.settings["reset"] in arm.decode.reset


def drawn(space: Range | Choices) -> st.SearchStrategy[Any]:
    if isinstance(space, Choices):
        return st.sampled_from(space.choices)
    if space.integer:
        return st.integers(int(space.low), int(space.high))
    return st.floats(space.low, space.high)


@given(one=studies())
def test_cost_is_the_sum_over_every_training(one: Study) -> None:
    bill = cost(one)
    trials = [arm for arm in arms_of(one) for _ in range(arm.trials)]
    confirmations = [arm for arm in arms_of(one) for _ in one.confirm.seeds]
    assert (bill.arms, bill.trials, bill.confirmations) == (len(arms_of(one)), len(trials), len(confirmations))
    assert bill.trainings == len(trials) + len(confirmations)
    assert bill.iterations == bill.trainings * 1000
    assert bill.frames == bill.iterations * 6400
    assert bill.passes == sum(len(arm.decode.reset) for arm in trials)
    assert bill.gaps == sum(len(arm.decode.reset) * arm.decode.merge_gap.size for arm in trials)
