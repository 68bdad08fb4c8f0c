"""The loss that training makes small, against autograd through its parts."""

import pytest
import torch
from reference_losses import ranking_loss as literal_loss

from crescendo.trainables.losses.total_loss import frame_losses, total_loss
from crescendo.trainables.losses.variants import VARIANTS

RANKING = sorted(name for name, variant in VARIANTS.items() if variant.term is None)


def literal_total(logits, labels, valid, variant, lambda_r):
    """Eqs. 1 and 2 with one mean over all valid frames (reading 6)."""
    probabilities = logits.softmax(-1)
    own = probabilities.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    cross_entropy = -own.log()[valid].mean()
    ranking = literal_loss(probabilities, labels, variant)[valid].mean()
    return cross_entropy + lambda_r * ranking, cross_entropy, ranking


@pytest.mark.parametrize("layout", [(0, 1, 2), (2, 1, 0)])
@pytest.mark.parametrize("variant", RANKING)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_value_and_gradient_are_those_of_the_equations(dtype, tolerance, variant, layout):
    """In either order of memory: the LSTM gives logits with the labels first, other models with the labels last."""
    random = torch.Generator().manual_seed(3)
    logits = 3 * torch.randn(4, 40, 5, generator=random, dtype=dtype)
    labels = torch.randint(5, (4, 8), generator=random).repeat_interleave(5, 1)
    valid = torch.ones(4, 40, dtype=torch.bool)
    valid[1, 25:] = valid[3, 1:] = False
    stored = logits.permute(layout).contiguous().permute(layout).requires_grad_()
    assert stored.is_contiguous() == (layout == (0, 1, 2))
    found = total_loss(stored, labels, valid, variant, lambda_r=2.5)
    (3 * found.total).backward()
    leaf = logits.clone().requires_grad_()
    expected = literal_total(leaf, labels, valid, variant, 2.5)
    (3 * expected[0]).backward()
    for one, other in zip(found[:3], expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)
    torch.testing.assert_close(stored.grad, leaf.grad, rtol=0, atol=tolerance)
    assert [one.requires_grad for one in found[:3]] == [True, False, False]


@pytest.mark.parametrize("variant", ["none", "combined"])
def test_logits_in_bfloat16_are_taken_in_float32(variant):
    logits = torch.randn(2, 10, 4, generator=torch.Generator().manual_seed(1)).bfloat16().requires_grad_()
    labels, valid = torch.ones(2, 10, dtype=torch.int64), torch.ones(2, 10, dtype=torch.bool)
    loss = total_loss(logits, labels, valid, variant, lambda_r=6.0).total
    assert torch.equal(loss, total_loss(logits.float(), labels, valid, variant, lambda_r=6.0).total)
    loss.backward()
    assert logits.grad.dtype == torch.bfloat16


def test_a_score_that_underflows_costs_its_logarithm():
    logits = torch.tensor([[[0.0, 500.0]]], requires_grad=True)
    labels, valid = torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.bool)
    assert total_loss(logits, labels, valid, "none", lambda_r=6.0).cross_entropy.item() == 500.0


@pytest.mark.parametrize("variant", RANKING)
def test_the_parts_of_every_frame_add_up_to_the_loss_in_chunks_too(variant):
    random = torch.Generator().manual_seed(4)
    logits = torch.randn(3, 50, 4, generator=random, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(4, (3, 10), generator=random).repeat_interleave(5, 1)
    valid = torch.rand(3, 50, generator=random) < 0.8
    whole = total_loss(logits, labels, valid, variant, lambda_r=2.5)
    (gradient,) = torch.autograd.grad(whole.total, logits)
    state, total = None, 0.0
    for chunk, targets, kept in zip(logits.split(20, 1), labels.split(20, 1), valid.split(20, 1), strict=True):
        cross_entropy, ranking, state = frame_losses(chunk, targets, variant, state=state)
        total = total + ((cross_entropy + 2.5 * ranking) * kept).sum() / valid.sum()
    (in_chunks,) = torch.autograd.grad(total, logits)
    torch.testing.assert_close(total, whole.total, rtol=0, atol=1e-12)
    torch.testing.assert_close(in_chunks, gradient, rtol=0, atol=1e-12)
    cross_entropy, ranking, last = whole.frames
    torch.testing.assert_close((cross_entropy + 2.5 * ranking)[valid].mean(), whole.total, rtol=0, atol=1e-12)
    assert torch.equal(last.labels, state.labels)
    torch.testing.assert_close(last.references, state.references, rtol=0, atol=1e-12)


def test_the_state_of_a_first_chunk_goes_into_the_next():
    random = torch.Generator().manual_seed(5)
    logits, labels = torch.randn(2, 12, 3, generator=random), torch.ones(2, 12, dtype=torch.int64)
    valid = torch.ones(2, 12, dtype=torch.bool)
    whole = total_loss(logits, labels, valid, "score", lambda_r=1.0)
    first = total_loss(logits[:, :6], labels[:, :6], valid[:, :6], "score", lambda_r=1.0)
    rest = total_loss(logits[:, 6:], labels[:, 6:], valid[:, 6:], "score", lambda_r=1.0, state=first.frames.state)
    torch.testing.assert_close((first.total + rest.total) / 2, whole.total)
