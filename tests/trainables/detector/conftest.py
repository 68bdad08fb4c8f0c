"""Detectors trained for a moment: enough for activities and background to come and go."""

from collections.abc import Callable
from functools import cache

import pytest

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.detector import Detector
from crescendo.trainables.detector.trained import model_metadata
from crescendo.trainables.training.trainer import Trainer

QUICK = {"hidden_size": 7, "sequences": 8, "sequence_length": 30, "threads": 1}
QUICK |= {"learning_rate": 0.03, "fc7_learning_rate": 0.03}


@pytest.fixture(scope="session")
def make_detector(tiny_dataset) -> Callable[..., Detector]:
    """Train a detector with other settings than `QUICK`."""

    @cache
    def trained(**settings) -> Trainer:
        trainer = Trainer(TrainingConfig(**{**QUICK, **settings}), tiny_dataset)
        trainer.train(80)
        return trainer

    def make(*, alarms=None, reset="memory", merge_gap=4, **settings) -> Detector:
        trainer = trained(**settings)
        metadata = model_metadata(trainer.config, trainer.metadata(), reset=reset, merge_gap=merge_gap, alarms=alarms)
        return Detector(metadata, trainer.model.eval())

    return make


@pytest.fixture(scope="session")
def detector(make_detector) -> Detector:
    return make_detector(alarms={"1/h": {"jump": 0.3, "run": 0.25, "walk": 1.000001}})


@pytest.fixture
def folder(detector, tmp_path):
    """A model folder, to be tampered with."""
    detector.save(tmp_path / "model")
    return tmp_path / "model"
