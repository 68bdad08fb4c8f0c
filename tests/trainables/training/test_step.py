"""A step can be taken back, to the last bit: what is tried both ways leaves no trace."""

import pytest
import torch

from crescendo.trainables.config import configuration
from crescendo.trainables.models.build import build_model
from crescendo.trainables.training.feed import DeviceBatch
from crescendo.trainables.training.step import TrainingStep


@pytest.fixture(params=[{"optimizer": "adam"}, {"optimizer": "sgd"}, {"optimizer": "sgd", "momentum": 0.0}])
def step(request):
    config = configuration({**request.param, "hidden_size": 5, "bptt": 10, "sequence_length": 20, "variant": "margin"})
    torch.manual_seed(0)
    return TrainingStep(build_model(6, 3, config), config, torch.device("cpu"))


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(3, (4, 20), generator=generator)
    return DeviceBatch(torch.randn(4, 20, 6, generator=generator), labels, torch.ones(4, 20, dtype=torch.bool))


def take(step, batch, first, last):
    for iteration in range(first, last):
        step.prepare(iteration)
        step(batch)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("before", [0, 2])
def test_put_back_it_goes_on_as_if_the_steps_had_not_been(step, batch, before, keep):
    take(step, batch, 0, before)
    there = step.snapshot()
    take(step, batch, before, before + 3)
    after = step.snapshot()
    assert not step.is_at(there)
    assert step.unread == before + 3
    step.put_back(there, keep=keep)
    assert step.unread == before
    take(step, batch, before, before + 3)
    assert step.is_at(after)
    assert len(step.read()) == before + 3


def test_losses_are_read_once_in_their_order(step, batch):
    take(step, batch, 0, 3)
    first = step.read()
    take(step, batch, 3, 5)
    rest = step.read()
    assert (len(first), len(rest), step.read()) == (3, 2, [])
    assert len({tuple(row) for row in (*first, *rest)}) == 5
    for total, cross_entropy, ranking, norm in (*first, *rest):
        assert total == pytest.approx(cross_entropy + 6.0 * ranking, rel=1e-6)
        assert norm > 0
