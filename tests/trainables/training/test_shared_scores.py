"""Scores of several trainings, found together as far as they may wait: the same as each finds alone."""

import numpy as np
import pytest

from crescendo.trainables.config import configuration
from crescendo.trainables.training.shared_scores import SharedScores
from crescendo.trainables.training.trainer import Trainer

SHARED = {"hidden_size": 6, "sequences": 4, "sequence_length": 20, "bptt": 10, "threads": 1, "merge_gap": 3}


@pytest.fixture(scope="module")
def trainers(tiny_dataset):
    values = ({"variant": "none"}, {"model": "gru", "reset": "state"}, {"dropout": 0.5}, {"hidden_size": 9})
    made = [Trainer(configuration({**SHARED, "device": "cpu", "seed": 0, **one}), tiny_dataset) for one in values]
    for one in made:
        one.train(2)
    return made


def bytes_of(trainer):
    return sum(scores.nbytes for scores in trainer.score("validation").values())


@pytest.mark.parametrize("others", [0, 1, 1.9, 2, 50])
def test_as_many_are_scored_together_as_may_wait_and_each_once(trainers, others):
    scored = []
    for number, one in enumerate(trainers):
        one.on_scored = lambda done, total, number=number: scored.append(number) if done == total else None
    shared = SharedScores(trainers, waiting=int(others * bytes_of(trainers[0])))
    for one in trainers:
        for subset, reset in (("validation", "state"), ("validation", "none"), ("test", one.config.reset)):
            expected = one.score(subset, reset)
            found = shared.score(one, subset, reset)
            assert found.keys() == expected.keys()
            for name, scores in found.items():
                np.testing.assert_array_equal(scores, expected[name])
    assert shared._wait == 0
    assert shared._found == {}
    rounds = len(scored)
    assert rounds == 12 if others == 0 else rounds < 12
    if others == 50:
        # Of the resets that are searched one round each; of the test part one for each reset that is configured.
        assert rounds == 4


def test_spans_of_those_that_are_measured_are_scored_together(trainers):
    spans = [(name, 1, 9) for name in trainers[0].dataset.recordings("test")]
    shared = SharedScores(trainers, trainers[2:], waiting=2**20)
    for one in (trainers[2], trainers[3], trainers[0]):
        for ours, theirs in zip(
            shared.score_spans(one, spans, "memory"), one.score_spans(spans, "memory"), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert shared._found == {}


def test_on_a_cpu_nobody_waits_unless_told(trainers):
    shared = SharedScores(trainers)
    shared.score(trainers[0], "validation", "none")
    assert shared._found == {}
