"""The loss that training makes small, against autograd through its parts."""

import pytest
import torch
from reference_losses import ranking_loss as literal_loss

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.losses.total_loss import batch_loss


def literal_objective(logits, labels, valid, variant, lambda_r):
    """Eqs. 1 and 2 with one mean over all valid frames (reading 6)."""
    probabilities = logits.softmax(-1)
    own = probabilities.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    cross_entropy = -own.log()[valid].mean()
    ranking = literal_loss(probabilities, labels, variant)[valid].mean()
    return cross_entropy + lambda_r * ranking, cross_entropy, ranking


@pytest.mark.parametrize("layout", [(0, 1, 2), (2, 1, 0)])
@pytest.mark.parametrize("variant", ["none", "score", "margin", "combined", "naive"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_value_and_gradient_are_those_of_the_equations(dtype, tolerance, variant, layout):
    """In either order of memory: the LSTM gives logits with the labels first, other models with the labels last."""
    random = torch.Generator().manual_seed(3)
    logits = 3 * torch.randn(4, 40, 5, generator=random, dtype=dtype)
    labels = torch.randint(5, (4, 8), generator=random).repeat_interleave(5, 1)
    valid = torch.ones(4, 40, dtype=torch.bool)
    valid[1, 25:] = valid[3, 1:] = False
    config = TrainingConfig(variant=variant, lambda_r=2.5)
    stored = logits.permute(layout).contiguous().permute(layout).requires_grad_()
    assert stored.is_contiguous() == (layout == (0, 1, 2))
    found = batch_loss(stored, labels, valid, config)
    (3 * found[0]).backward()
    leaf = logits.clone().requires_grad_()
    expected = literal_objective(leaf, labels, valid, variant, 2.5)
    (3 * expected[0]).backward()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)
    torch.testing.assert_close(stored.grad, leaf.grad, rtol=0, atol=tolerance)
    assert [one.requires_grad for one in found] == [True, False, False]


@pytest.mark.parametrize("variant", ["none", "combined"])
def test_logits_in_bfloat16_are_taken_in_float32(variant):
    logits = torch.randn(2, 10, 4, generator=torch.Generator().manual_seed(1)).bfloat16().requires_grad_()
    labels, valid = torch.ones(2, 10, dtype=torch.int64), torch.ones(2, 10, dtype=torch.bool)
    config = TrainingConfig(variant=variant)
    loss = batch_loss(logits, labels, valid, config)[0]
    assert torch.equal(loss, batch_loss(logits.float(), labels, valid, config)[0])
    loss.backward()
    assert logits.grad.dtype == torch.bfloat16


def test_a_score_that_underflows_costs_its_logarithm():
    logits = torch.tensor([[[0.0, 500.0]]], requires_grad=True)
    loss = batch_loss(
        logits, torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.bool), TrainingConfig()
    )
    assert loss[1].item() == 500.0
