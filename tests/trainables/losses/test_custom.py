"""Ranking losses of one's own: a `Variant`, or a differentiable function, in place of a built-in one."""

import pytest
import torch
from reference_losses import ranking_loss as literal_loss

from crescendo.trainables.errors import InputError
from crescendo.trainables.losses.total_loss import frame_losses, total_loss
from crescendo.trainables.losses.variants import Variant


def naive(probabilities, labels, *, background, state):
    """Eq. 9 once more, by autograd; the state is the last frame's scores and labels."""
    before = (probabilities[:, 0].detach(), labels[:, 0]) if state is None else state
    scores = torch.cat((before[0].unsqueeze(1), probabilities[:, :-1]), 1).detach()
    ranked = torch.cat((before[1].unsqueeze(1), labels[:, :-1]), 1)
    own, then = (side.gather(-1, ranked.unsqueeze(-1)).squeeze(-1) for side in (probabilities, scores))
    fallen = (then - own).relu() * (labels != background)
    return torch.where(labels == ranked, fallen, own), (probabilities[:, -1].detach(), labels[:, -1])


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(9)
    logits = torch.randn(4, 40, 5, generator=random, dtype=torch.float64)
    labels = torch.randint(5, (4, 10), generator=random).repeat_interleave(4, 1)
    return logits, labels, torch.rand(4, 40, generator=random) < 0.7


@pytest.mark.parametrize("own", [Variant(function=naive), Variant(("score",), "previous_frame")])
def test_a_loss_of_ones_own_trains_as_the_built_in_one(batch, own):
    """Same masking, means and weight; the gradient, here by autograd, is the one that is known for `naive`."""
    logits, labels, valid = batch
    found = []
    for variant in (own, "naive"):
        leaf = logits.clone().requires_grad_()
        loss = total_loss(leaf, labels, valid, variant, lambda_r=4.0)
        loss.total.backward()
        found.append((*loss[:3], leaf.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    expected = literal_loss(logits.softmax(-1), labels, "naive")[valid].mean()
    torch.testing.assert_close(found[0][2], expected, rtol=0, atol=1e-12)


def test_its_state_is_handed_from_chunk_to_chunk(batch):
    logits, labels, _ = batch
    whole, state, parts = frame_losses(logits, labels, Variant(function=naive)), None, []
    for chunk, targets in zip(logits.split(7, 1), labels.split(7, 1), strict=True):
        _, ranking, state = frame_losses(chunk, targets, Variant(function=naive), state=state)
        parts.append(ranking)
    torch.testing.assert_close(torch.cat(parts, 1), whole.ranking, rtol=0, atol=1e-12)


def test_a_variant_of_quantities_ranks_margins_against_the_frame_before(batch):
    logits, labels, _ = batch
    found = frame_losses(logits, labels, Variant(("margin",), "previous_frame")).ranking
    probabilities = logits.softmax(-1)
    others = probabilities.unsqueeze(-2).expand(-1, -1, 5, -1).masked_fill(torch.eye(5, dtype=torch.bool), -1)
    margins = probabilities - others.amax(-1)
    ranked = torch.cat((labels[:, :1], labels[:, :-1]), 1).unsqueeze(-1)
    before = torch.cat((margins[:, :1], margins[:, :-1]), 1).gather(-1, ranked).squeeze(-1)
    own = margins.gather(-1, ranked).squeeze(-1)
    expected = torch.where(labels == ranked.squeeze(-1), (before - own) * (labels != 0), own).relu()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_a_function_that_fails_while_training_is_named_with_its_line(batch):
    logits, labels, valid = batch

    def fails(probabilities, labels, *, background, state):
        raise RuntimeError(f"no batch of {len(labels)}\nplease")

    with pytest.raises(InputError) as raised:
        total_loss(logits, labels, valid, Variant(function=fails), lambda_r=1.0)
    message = str(raised.value)
    assert "RuntimeError: no batch of 4 please" in message
    assert "test_custom.py, line" in message
    assert "\n" not in message


def test_it_adds_to_the_losses_that_come_with_crescendo(batch):
    logits, labels, valid = batch
    weights = [6.0, 0.15]
    own = total_loss(logits, labels, valid, [Variant(function=naive), "smoothing"], lambda_r=weights)
    shipped = total_loss(logits, labels, valid, ["naive", "smoothing"], lambda_r=weights)
    for one, other in zip(own[:3], shipped[:3], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    state, parts = None, []
    for chunk, targets, kept in zip(logits.split(7, 1), labels.split(7, 1), valid.split(7, 1), strict=True):
        found = total_loss(chunk, targets, kept, [Variant(function=naive), "smoothing"], lambda_r=weights, state=state)
        state = found.frames.state
        parts.append(found.frames.ranking)
    torch.testing.assert_close(torch.cat(parts, 1), shipped.frames.ranking, rtol=0, atol=1e-12)
