"""Settings that came after version 0.1: at their defaults they change no identity, and with it no study that was begun."""

import pytest

from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.clipping import largest_norm

LATER = {"graphs": "off", "clip_scaling": True, "margin_rivals": "activities", "exponential_seconds": 2.0}


def test_later_settings_are_part_of_an_identity_where_they_change_something():
    plain = configuration({}).for_identity()
    assert plain.keys() == TrainingConfig.model_fields.keys() - LATER.keys()
    for key, value in LATER.items():
        assert configuration({key: value}).for_identity() == {**plain, key: value}


def test_weights_by_variant_are_settings_of_their_own_in_an_identity():
    """However they are written, and in whatever order."""
    settings = {"variant": ["smoothing", "score"], "lambda_r": {"score": 6, "smoothing": 0.15}}
    flat = {"variant": "score+smoothing", "lambda_r.smoothing": 0.15, "lambda_r.score": 6}
    plain = configuration({}).for_identity()
    del plain["lambda_r"]
    expected = {**plain, "variant": "score+smoothing", "lambda_r.score": 6.0, "lambda_r.smoothing": 0.15}
    for one in (settings, flat):
        assert configuration(one).for_identity() == expected
        assert configuration(configuration(one).for_identity()) == configuration(one)
        assert configuration(configuration(one).model_dump(mode="json")) == configuration(one)


@pytest.mark.parametrize(
    ("settings", "weights"),
    [
        ({"variant": "none"}, (0.0,)),
        ({"variant": "score"}, (6.0,)),
        ({"variant": "score", "lambda_r": {"score": 2, "smoothing": 0.15}}, (2.0,)),
        ({"variant": "score", "lambda_r": 3, "lambda_r.smoothing": 0.15}, (3.0,)),
        ({"variant": "score", "lambda_r": 3, "lambda_r.score": 4}, (4.0,)),
        ({"variant": "none", "lambda_r": {"score": 2}}, (0.0,)),
        ({"variant": ["score", "my_losses:fall"], "lambda_r": {"my_losses:fall": 1, "score": "2e-1"}}, (1.0, 0.2)),
    ],
)
def test_each_variant_has_its_weight(settings, weights):
    assert configuration(settings).loss_weights == weights


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (
            {"variant": ["score", "smoothing"]},
            "lambda_r must give each of score and smoothing a weight, {score: ..., smoot",
        ),
        (
            {"variant": ["score", "smoothing"], "lambda_r": {"score": 1}},
            "lambda_r must give smoothing a weight, as variant",
        ),
        (
            {"variant": "margin", "lambda_r": {}},
            "lambda_r must give margin a weight, as variant margin has it, but is empty",
        ),
        ({"variant": "none", "lambda_r": {"scor": 1}}, "lambda_r: must be one of none, score, margin"),
        ({"lambda_r": 3, "lambda_r.scor": 1}, "lambda_r: must be one of none, score, margin"),
        (
            {"lambda_r": {"score": float("nan")}},
            "lambda_r: the weight of score must be a number of at least 0 but is nan",
        ),
        ({"lambda_r": -1}, "lambda_r: Input should be greater than or equal to 0 but got -1"),
        ({"lambda_r": True}, "lambda_r: Input should be a valid number but got True"),
        ({"variant": []}, "variant: must be a name, or a list of names, but got []"),
        ({"variant": ["score", 3]}, "variant: must be a name, or a list of names, but got ['score', 3]"),
        ({"variant": ["score", "none"]}, "variant: none adds nothing to the others; leave it out of none+score"),
        ({"exponential_seconds": 0}, "exponential_seconds: Input should be greater than 0 but got 0"),
        (
            {"variant": "smoothing", "sequence_length": 1, "bptt": 1},
            "variant must be none, linear_early, exponential, wei",
        ),
    ],
)
def test_a_loss_that_cannot_be_is_one_line(settings, rule):
    with pytest.raises(InputError) as raised:
        configuration(settings)
    assert str(raised.value).startswith(f"configuration: {rule}")
    assert "\n" not in str(raised.value)


def test_a_loss_that_looks_at_frames_by_themselves_needs_no_sequence():
    assert configuration({"variant": "weighted", "sequence_length": 1, "bptt": 1}).variant == "weighted"


def test_clipping_grows_with_the_sum_of_the_weights():
    settings = {"variant": ["score", "smoothing"], "lambda_r": {"score": 6, "smoothing": 0.5}, "gradient_clip": 2.0}
    assert largest_norm(configuration({**settings, "clip_scaling": True})) == 15.0
    assert largest_norm(configuration(settings)) == 2.0
