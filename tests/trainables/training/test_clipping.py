"""Clipping, against a loop that does it weight by weight; and the count of clipped steps, whoever trains beside it."""

import json
import math

import pytest
import torch

from crescendo.trainables.config import configuration
from crescendo.trainables.data.sampler import SequenceSampler
from crescendo.trainables.losses.total_loss import total_loss
from crescendo.trainables.training.clipping import ClippedSteps
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.trainer import Trainer

PLAIN = {
    "hidden_size": 6, "sequences": 4, "sequence_length": 24, "bptt": 24, "threads": 1, "device": "cpu",
    "dropout": 0.0, "optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": 0.3,
}  # fmt: skip
STEPS = 8


def trainer(dataset, **settings):
    return Trainer(configuration({**PLAIN, **settings}), dataset)


def literal(dataset, largest, **settings):
    """Weights after `STEPS` steps of gradient descent, no gradient longer than `largest`, and how many were."""
    one = trainer(dataset, **settings)
    config = one.config
    sampler = SequenceSampler(dataset, "training", sequences=4, length=24, seed=config.seed)
    model, clipped = one.model.train(), 0
    for iteration in range(STEPS):
        batch = sampler.batch(iteration)
        features, labels, valid = (torch.from_numpy(part) for part in (batch.features, batch.labels, batch.valid))
        logits = model(features, truncate=config.bptt)
        loss = total_loss(logits, labels, valid, config.variant, lambda_r=config.lambda_r).total
        weights = list(model.parameters())
        gradients = torch.autograd.grad(loss, weights)
        norm = math.sqrt(sum(float(number) ** 2 for gradient in gradients for number in gradient.flatten()))
        clipped += norm > largest
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(config.learning_rate * min(1.0, largest / norm) * gradient)
    return {name: weight.clone() for name, weight in model.state_dict().items()}, clipped


@pytest.mark.parametrize(
    ("settings", "largest"),
    [
        ({"variant": "score", "lambda_r": 9.0}, 0.3),
        ({"variant": "score", "lambda_r": 9.0, "clip_scaling": True}, 3.0),
        ({"variant": "none", "lambda_r": 9.0, "clip_scaling": True}, 0.3),
    ],
    ids=["one limit", "times 1 + lambda_r", "without a ranking loss"],
)
def test_steps_and_their_count_are_those_of_the_loop(tiny_dataset, settings, largest):
    expected, clipped = literal(tiny_dataset, largest, gradient_clip=0.3, **settings)
    found = trainer(tiny_dataset, gradient_clip=0.3, **settings)
    found.train(STEPS)
    assert (found.clipped.steps, found.clipped.clipped) == (STEPS, clipped)
    for name, weight in found.model.state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-4, atol=1e-5)


def test_a_limit_of_0_clips_nothing(tiny_dataset):
    found = trainer(tiny_dataset, gradient_clip=0.0, clip_scaling=True, variant="score")
    found.train(3)
    assert (found.clipped.share, found.step.largest_norm) == (0.0, 0.0)
    assert ClippedSteps().share is None


def test_the_count_survives_a_checkpoint_and_company(tiny_dataset, tmp_path):
    arms = [{"variant": "score", "gradient_clip": 0.5}, {"variant": "none", "gradient_clip": 0.5, "hidden_size": 5}]
    alone = [trainer(tiny_dataset, **arm) for arm in arms]
    for one in alone:
        one.train(STEPS)
    assert 0 < alone[0].clipped.clipped < STEPS or 0 < alone[1].clipped.clipped < STEPS
    together = [trainer(tiny_dataset, **arm) for arm in arms]
    Cohort(together).train(3)
    resumed = []
    for number, (one, arm) in enumerate(zip(together, arms, strict=True)):
        one.save(tmp_path / str(number))
        resumed.append(trainer(tiny_dataset, **arm))
        resumed[-1].restore(tmp_path / str(number))
    Cohort(resumed).train(STEPS)
    assert [one.clipped for one in resumed] == [one.clipped for one in alone]


def test_of_a_checkpoint_that_did_not_count_later_steps_are_counted(tiny_dataset, tmp_path):
    one = trainer(tiny_dataset, gradient_clip=1e-6)
    one.train(3)
    one.save(tmp_path / "old")
    metadata = json.loads((tmp_path / "old" / "checkpoint.json").read_text())
    assert metadata.pop("clipped") == {"steps": 3, "clipped": 3}
    (tmp_path / "old" / "checkpoint.json").write_text(json.dumps(metadata))
    resumed = trainer(tiny_dataset, gradient_clip=1e-6)
    resumed.restore(tmp_path / "old")
    assert resumed.clipped.share is None
    resumed.train(5)
    assert (resumed.clipped.steps, resumed.clipped.share) == (2, 1.0)
