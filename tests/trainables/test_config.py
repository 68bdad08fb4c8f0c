"""Settings that came after version 0.1: at their defaults they change no identity, and with it no study that was begun."""

from crescendo.trainables.config import TrainingConfig, configuration

LATER = {"graphs": "off", "clip_scaling": True, "margin_rivals": "activities", "exponential_seconds": 2.0}


def test_later_settings_are_part_of_an_identity_where_they_change_something():
    plain = configuration({}).for_identity()
    assert plain.keys() == TrainingConfig.model_fields.keys() - LATER.keys()
    for key, value in LATER.items():
        assert configuration({key: value}).for_identity() == {**plain, key: value}
