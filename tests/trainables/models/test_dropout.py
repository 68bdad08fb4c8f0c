"""Dropout on a CPU: what a user of nn.Dropout relies on."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models import recurrent
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.dropout import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.6, 0.9])
def test_as_many_are_dropped_as_asked_for_and_the_mean_stays(rate):
    torch.manual_seed(0)
    inputs = torch.ones(300, 1001)
    found = Dropout(rate).train()(inputs.clone())
    assert float((found == 0).float().mean()) == pytest.approx(rate, abs=0.005)
    assert float(found.mean()) == pytest.approx(1, abs=0.02)
    kept = found[found != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)), rtol=2e-4, atol=0)


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 50), st.integers(0, 2**40))
@settings(deadline=None, max_examples=50)
def test_any_rate_and_size_give_inputs_or_nothing_and_the_same_again(rate, size, seed):
    dropout, inputs = Dropout(rate).train(), torch.arange(1.0, size + 1)
    torch.manual_seed(seed)
    found = dropout(inputs.clone())
    torch.manual_seed(seed)
    assert torch.equal(found, dropout(inputs.clone()))
    scaled = found[found != 0] / inputs[found != 0]
    assert torch.allclose(scaled, scaled[:1])
    dropout.eval()
    assert torch.equal(dropout(inputs), inputs)


def test_numbers_are_dropped_independently_of_their_neighbours_and_of_other_calls():
    torch.manual_seed(3)
    one, other = (Dropout(0.5).train()(torch.ones(64, 4096)) != 0 for _ in range(2))
    for first, second in ((one, other), (one[:, 1:], one[:, :-1]), (one[1:], one[:-1])):
        assert float((first & second).float().mean()) == pytest.approx(0.25, abs=0.01)


def test_the_gradient_is_the_mask_and_what_needs_a_gradient_is_left_alone():
    torch.manual_seed(1)
    inputs = torch.randn(40, 30, requires_grad=True)
    before = inputs.detach().clone()
    found = Dropout(0.5).train()(inputs)
    assert torch.equal(inputs, before)
    found.sum().backward()
    torch.testing.assert_close(inputs.grad, (found / inputs).detach())


@pytest.mark.parametrize("fc7_size", [0, 5])
def test_the_size_of_blocks_changes_nothing(monkeypatch, fc7_size):
    config = TrainingConfig(hidden_size=7, fc7_size=fc7_size, dropout=0.0)
    torch.manual_seed(0)
    model = build_model(6, 4, config)
    features = torch.randn(3, 30, 6)
    whole = model(features, truncate=7)
    monkeypatch.setattr(recurrent, "_BLOCK", 1)
    torch.testing.assert_close(model(features, truncate=7), whole, rtol=0, atol=1e-6)
