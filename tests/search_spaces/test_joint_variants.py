"""Several variants of the loss as one value of `variant`, and a weight of each as a setting of its own."""

from typing import Any

import jsonschema
import pytest
import yaml

from crescendo.platform.studies.settings import resolve_settings, study_schema
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.schema.spaces import Range
from crescendo.search_spaces.study import Study
from crescendo.trainables.config import configuration

BOTH = {"variant": [["score", "smoothing"]]}
WEIGHT = {"low": 1, "high": 30, "log": True}


def study(*overrides: str, **parts: Any) -> Study:
    content = {"name": "test", "dataset": "synthetic", **parts}
    return parse_study(yaml.safe_dump(content, sort_keys=False), "s.yaml", overrides, resolve_settings)


def errors(*overrides: str, **parts: Any) -> list[str]:
    with pytest.raises(StudyError) as raised:
        study(*overrides, **parts)
    return str(raised.value).splitlines()


@pytest.mark.parametrize("joint", [["score", "smoothing"], ["smoothing", "score"], "score+smoothing"])
def test_an_arm_adds_several_losses_under_one_name(joint: Any) -> None:
    none, both = arms_of(study(ablate={"variant": ["none", joint]}, base={"lambda_r": {"score": 6, "smoothing": 0.15}}))
    assert (none.name, both.name) == ("variant=none", "variant=score+smoothing")
    config = configuration(both.settings)
    assert (config.variant, config.loss_weights) == ("score+smoothing", (6.0, 0.15))
    assert both.settings["lambda_r.smoothing"] == 0.15
    assert configuration(none.settings).loss_weights == (0.0,)


def test_each_weight_is_searched_by_itself() -> None:
    space = {
        "lambda_r": {**WEIGHT, "when": {"variant": "score"}},
        "lambda_r.score": {**WEIGHT, "when": BOTH},
        "lambda_r.smoothing": {**WEIGHT, "when": BOTH},
    }
    _, score, both = arms_of(
        study(ablate={"variant": ["none", "score", ["score", "smoothing"]]}, search={"trials": 3, "space": space})
    )
    assert list(score.space) == ["lambda_r"]
    assert both.space == dict.fromkeys(("lambda_r.score", "lambda_r.smoothing"), Range(low=1.0, high=30.0, log=True))
    assert not both.space["lambda_r.score"].integer
    config = configuration({**both.settings, "lambda_r.score": 3.0, "lambda_r.smoothing": 0.2})
    assert config.lambda_r == {"score": 3.0, "smoothing": 0.2}


def test_weights_may_be_written_as_mappings() -> None:
    nested = {
        "ablate": [
            {"name": "plain"},
            {"name": "fixed", "settings": {**BOTH, "variant": ["score", "smoothing"], "lambda_r": {"score": 6, "smoothing": 1}}},
            {"name": "searched", "settings": {"variant": ["score", "weighted"]}},
        ],
        "search": {
            "trials": 2,
            "space": {"lambda_r": {name: {**WEIGHT, "when": {"variant": "score+weighted"}} for name in ("score", "weighted")}},
            "start": [{"lambda_r": {"score": 6, "weighted": 1}}],
        },
    }  # fmt: skip
    _, fixed, searched = arms_of(study(**nested))
    assert configuration(fixed.settings).loss_weights == (6.0, 1.0)
    assert sorted(searched.space) == ["lambda_r.score", "lambda_r.weighted"]
    assert searched.start == ({"lambda_r.score": 6.0, "lambda_r.weighted": 1.0},)
    again = Study.from_json(study(**nested).to_json())
    assert arms_of(again) == arms_of(study(**nested))


def test_a_weight_can_be_ablated_over_the_base() -> None:
    weights = {"score": 6, "smoothing": 0.15}
    arms = arms_of(
        study(base={"variant": ["score", "smoothing"], "lambda_r": weights}, ablate={"lambda_r.smoothing": [0.1, 1]})
    )
    assert [arm.name for arm in arms] == ["lambda_r.smoothing=0.1", "lambda_r.smoothing=1"]
    assert [configuration(arm.settings).loss_weights for arm in arms] == [(6.0, 0.1), (6.0, 1.0)]


def test_an_arm_of_one_variant_lays_its_weight_over_those_by_name() -> None:
    (arm,) = arms_of(
        study(base={"lambda_r": {"score": 6, "smoothing": 0.15}}, ablate={"variant": ["score"], "lambda_r": [3]})
    )
    assert configuration(arm.settings).loss_weights == (3.0,)
    assert not [key for key in arm.settings if key.startswith("lambda_r.")]


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (
            {"ablate": {"variant": ["none", ["score", "smoothing"]]}},
            "s.yaml:3: ablate: lambda_r must give each of score and smoothing a weight, {score: ..., smoothing: ...}, but got "
            "6.0 (arm variant=score+smoothing)",
        ),
        (
            {"base": {"lambda_r": {"score": 6}}, "ablate": {"variant": ["none", ["score", "smoothing"]]}},
            "s.yaml:6: ablate: lambda_r must give smoothing a weight, as variant score+smoothing has it, but only names score "
            "(arm variant=score+smoothing)",
        ),
        (
            {"ablate": {"variant": ["none", ["none", "score"]]}},
            "s.yaml:6: ablate.variant.1: none adds nothing to the others; leave it out of none+score",
        ),
        (
            {"ablate": {"variant": ["none", "smoothing+score"]}},
            "s.yaml:6: ablate.variant.1: must be written score+smoothing, sorted by name, but got 'smoothing+score'",
        ),
        (
            {"ablate": {"variant": ["none", ["score", "score"]]}},
            "s.yaml:6: ablate.variant.1: must name every variant once but score stands twice in score+score",
        ),
        (
            {"ablate": {"variant": ["score", "none"]}, "search": {"space": {"lambda_r.smoothing": WEIGHT}}},
            "s.yaml:9: search.space.lambda_r.smoothing: has no effect in variant=score, variant=none, where variant is score; "
            "say when: {variant: [...]}",
        ),
        (
            {"search": {"space": {"lambda_r.smoothin": WEIGHT}}},
            "s.yaml:5: search.space.lambda_r.smoothin: must be one of none, score,",
        ),
        (
            {"base": {"lambda_r": {"score": 1}, "lambda_r.score": 2}},
            "s.yaml:3: base: lambda_r.score must stand once but stands by itself and in lambda_r",
        ),
        (
            {"base": {"lambda_r": {"score": -1}}},
            "s.yaml:4: base.lambda_r: the weight of score must be a number of at least 0 but is -1",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(parts: dict[str, Any], line: str) -> None:
    found = errors(**parts)
    assert found[0].startswith(line), found
    assert len(found) == 1


def test_an_editor_that_knows_the_schema_takes_what_the_study_does() -> None:
    schema = jsonschema.Draft202012Validator(study_schema())
    space = {"lambda_r": {"score": {**WEIGHT, "when": BOTH}}, "lambda_r.smoothing": {**WEIGHT, "when": BOTH}}
    content = {
        "name": "test",
        "dataset": "synthetic",
        "base": {"lambda_r": {"score": 6, "smoothing": 0.15}},
        "ablate": {"variant": ["none", ["score", "smoothing"]]},
        "baseline": {"variant": "none"},
        "search": {"trials": 2, "space": space, "start": [{"lambda_r": {"score": 6}}]},
    }
    assert [error.message for error in schema.iter_errors(content)] == []
    study(**{key: value for key, value in content.items() if key not in ("name", "dataset")})
