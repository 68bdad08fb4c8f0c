"""The table of models: what it says of each is what the class does."""

import subprocess
import sys

import pytest

from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.effects import without_effect
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.registry import MODELS, ModelSpec
from crescendo.trainables.registry import load


def test_each_entry_is_that_of_its_class():
    for name, spec in MODELS.items():
        model = load("model", spec.target)
        assert issubclass(model, DetectionModel), name
        assert model.spec is spec, name
        assert spec.description
        assert spec.unused <= TrainingConfig.model_fields.keys()


@pytest.mark.parametrize("name", [name for name, spec in MODELS.items() if not spec.pixels])
def test_a_model_has_the_state_that_its_entry_names(name):
    state = build_model(6, 4, configuration({"model": name})).initial_state(3)
    assert len(state) == len(MODELS[name].state)
    assert all(one.shape[1] == 3 for one in state)
    assert any(one.numel() for one in state) == MODELS[name].remembers


def test_the_table_needs_no_torch():
    code = "import sys, crescendo.trainables.config; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_memory_that_is_no_part_of_the_state_is_refused():
    with pytest.raises(ValueError, match=r"memory must be among state \(hidden\) but got \('cell',\)"):
        ModelSpec(state=("hidden",), memory=("cell",))


def test_settings_without_effect_are_those_of_every_model_and_of_ones_own():
    cases = without_effect("own_models:Convolution")
    assert {"model": "cnn"} in cases["hidden_size"]
    assert {"model": "vgg19"} in cases["dropout"]
    assert {"model": "own_models:Convolution"} in cases["layers"]
    assert {"model": "gru"} in cases["backbone"]
    assert {"model": "own_models:Convolution"} not in without_effect()["backbone"]


def test_an_unknown_model_is_named_with_those_there_are():
    with pytest.raises(
        InputError, match=r"^configuration: model: must be one of lstm, gru, cnn, vgg19, or MODULE:ATTRIBUTE .*'lsmt'$"
    ):
        configuration({"model": "lsmt"})
