import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_losses import ranking_loss as literal_loss

from crescendo.trainables.losses.ranking import VARIANTS, ranking_loss

variants = st.sampled_from(sorted(VARIANTS))


@st.composite
def cases(draw, dtype=torch.float64):
    """Random softmax outputs and labels with many transitions: (probabilities, labels, background)."""
    batch, time, labels = draw(st.integers(1, 3)), draw(st.integers(1, 30)), draw(st.integers(2, 5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    sharpness = draw(st.sampled_from([0.5, 2.0, 8.0]))
    logits = torch.randn(batch, time, labels, generator=generator, dtype=dtype) * sharpness
    change = torch.rand(batch, time, generator=generator) < draw(st.sampled_from([0.1, 0.4, 0.9]))
    fresh = torch.randint(labels, (batch, time), generator=generator)
    targets = fresh.clone()
    for t in range(1, time):
        targets[:, t] = torch.where(change[:, t], fresh[:, t], targets[:, t - 1])
    return logits.softmax(-1), targets, draw(st.integers(0, labels - 1))


def value_and_gradient(function, probabilities, weights):
    leaf = probabilities.detach().clone().requires_grad_()
    loss = function(leaf)
    # `none` is a constant: the second summand lets its gradient be asked for.
    (gradient,) = torch.autograd.grad((loss * weights).sum() + 0 * leaf.sum(), leaf)
    return loss.detach(), gradient


def weights_like(labels, dtype):
    return torch.rand(labels.shape, generator=torch.Generator().manual_seed(7), dtype=dtype) + 0.5


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@given(data=st.data(), variant=variants)
@settings(max_examples=120, deadline=None)
def test_values_and_gradients_are_those_of_the_table(dtype, tolerance, data, variant):
    probabilities, labels, background = data.draw(cases(dtype=dtype))
    weights = weights_like(labels, dtype)
    found = value_and_gradient(
        lambda p: ranking_loss(p, labels, variant, background=background)[0], probabilities, weights
    )
    expected = value_and_gradient(lambda p: literal_loss(p, labels, variant, background), probabilities, weights)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


def in_chunks(probabilities, labels, variant, size, background=0):
    losses, state = [], None
    for chunk, targets in zip(probabilities.split(size, 1), labels.split(size, 1), strict=True):
        loss, state = ranking_loss(chunk, targets, variant, background=background, state=state)
        losses.append(loss)
    return torch.cat(losses, 1)


@given(cases(), variants, st.integers(1, 31))
@settings(max_examples=100, deadline=None)
def test_cutting_a_sequence_changes_nothing(case, variant, size):
    probabilities, labels, background = case
    weights = weights_like(labels, torch.float64)
    whole = value_and_gradient(
        lambda p: ranking_loss(p, labels, variant, background=background)[0], probabilities, weights
    )
    cut = value_and_gradient(lambda p: in_chunks(p, labels, variant, size, background), probabilities, weights)
    for one, other in zip(whole, cut, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_sequences_of_100_frames_cut_into_chunks_of_20(variant, dtype, tolerance):
    generator = torch.Generator().manual_seed(3)
    probabilities = torch.randn(8, 100, 6, generator=generator, dtype=dtype).softmax(-1)
    labels = torch.randint(6, (8, 20), generator=generator).repeat_interleave(5, dim=1)
    weights = weights_like(labels, dtype)
    cut = value_and_gradient(lambda p: in_chunks(p, labels, variant, 20), probabilities, weights)
    literal = value_and_gradient(lambda p: literal_loss(p, labels, variant), probabilities, weights)
    for one, other in zip(cut, literal, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("variant", ["score", "margin", "combined", "naive"])
def test_gradient_is_the_finite_difference_with_the_reference_held_fixed(variant):
    """Moving frame t alone moves R_t only where later references do not: so each frame is moved, and its own R_t read."""
    generator = torch.Generator().manual_seed(11)
    probabilities = torch.randn(2, 24, 4, generator=generator, dtype=torch.float64).softmax(-1)
    labels = torch.randint(4, (2, 6), generator=generator).repeat_interleave(4, dim=1)
    _, gradient = value_and_gradient(lambda p: ranking_loss(p, labels, variant)[0], probabilities, torch.ones(2, 24))
    step = 1e-7
    for index in torch.cartesian_prod(torch.arange(2), torch.arange(24), torch.arange(4)).tolist():
        row, t, label = index
        up, down = probabilities.clone(), probabilities.clone()
        up[row, t, label] += step
        down[row, t, label] -= step
        difference = ranking_loss(up, labels, variant)[0] - ranking_loss(down, labels, variant)[0]
        assert math.isclose(difference[row, t] / (2 * step), gradient[row, t, label], abs_tol=1e-6)


def test_the_reference_gets_no_gradient():
    probabilities = torch.tensor([[[0.1, 0.9], [0.6, 0.4]]], dtype=torch.float64)
    labels = torch.tensor([[1, 1]])
    loss, gradient = value_and_gradient(lambda p: ranking_loss(p, labels, "score")[0], probabilities, torch.ones(1, 2))
    assert loss.tolist() == [[0.0, pytest.approx(0.5)]]
    assert gradient.tolist() == [[[0.0, 0.0], [0.0, -1.0]]]


def test_many_runs_in_a_long_sequence_lose_no_precision():
    generator = torch.Generator().manual_seed(5)
    probabilities = torch.randn(1, 10_000, 5, generator=generator).softmax(-1)
    labels = (torch.arange(1000) % 4 + 1).repeat_interleave(10).unsqueeze(0)
    for variant in ("score", "margin", "naive"):
        single, _ = ranking_loss(probabilities, labels, variant)
        double, _ = ranking_loss(probabilities.double(), labels, variant)
        torch.testing.assert_close(single.double(), double, rtol=0, atol=2e-7)


@given(cases(), variants)
@settings(max_examples=60, deadline=None)
def test_the_loss_is_never_negative_and_never_more_than_two(case, variant):
    probabilities, labels, background = case
    loss, _ = ranking_loss(probabilities, labels, variant, background=background)
    bound = {"none": 0.0, "score": 1.0, "naive": 1.0, "margin": 2.0, "combined": 3.0}[variant]
    assert (loss >= 0).all()
    assert (loss <= bound).all()
    assert (loss[:, 0] == 0).all()


@given(cases(), variants)
@settings(max_examples=60, deadline=None)
def test_the_loss_is_causal(case, variant):
    probabilities, labels, background = case
    cut = (labels.shape[1] + 1) // 2
    whole, _ = ranking_loss(probabilities, labels, variant, background=background)
    part, _ = ranking_loss(probabilities[:, :cut], labels[:, :cut], variant, background=background)
    assert torch.equal(whole[:, :cut], part)


@given(st.integers(2, 40), st.sampled_from(["score", "margin", "combined", "naive"]))
@settings(max_examples=30, deadline=None)
def test_a_rising_score_costs_nothing(frames, variant):
    rising = torch.linspace(0.1, 0.9, frames, dtype=torch.float64)
    probabilities = torch.stack((1 - rising, rising), dim=-1).unsqueeze(0)
    loss, _ = ranking_loss(probabilities, torch.ones(1, frames, dtype=torch.int64), variant)
    assert loss.sum() == 0


def test_only_a_whole_history_sees_a_slow_fall_from_the_peak():
    """Between t_b and t_c of the paper's Figure 4 the score rises again but stays below its peak: Eq. 9 is blind to it."""
    score = torch.tensor([0.2, 0.8, 0.3, 0.5], dtype=torch.float64)
    probabilities = torch.stack((1 - score, score), dim=-1).unsqueeze(0)
    labels = torch.ones(1, 4, dtype=torch.int64)
    assert ranking_loss(probabilities, labels, "score")[0][0].tolist() == pytest.approx([0, 0, 0.5, 0.3])
    assert ranking_loss(probabilities, labels, "naive")[0][0].tolist() == pytest.approx([0, 0, 0.5, 0.0])


def test_leaving_background_is_a_transition_and_staying_in_it_is_free():
    probabilities = torch.tensor([[[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.6, 0.1]]], dtype=torch.float64)
    loss, _ = ranking_loss(probabilities, torch.tensor([[0, 0, 1]]), "score")
    assert loss[0].tolist() == pytest.approx([0, 0, 0.3])


def test_a_margin_that_is_negative_after_a_change_is_not_rewarded():
    probabilities = torch.tensor([[[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]], dtype=torch.float64)
    loss, gradient = value_and_gradient(
        lambda p: ranking_loss(p, torch.tensor([[1, 2]]), "margin")[0], probabilities, torch.ones(1, 2)
    )
    assert loss.tolist() == [[0.0, 0.0]]
    assert gradient.abs().sum() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variant": "rank"}, "variant must be one of none, score, margin, combined, naive but got 'rank'"),
        ({"labels": torch.zeros(2, 4, dtype=torch.int64)}, r"labels must be int64 of shape \(2, 3\)"),
        ({"labels": torch.zeros(2, 3)}, "labels must be int64"),
        ({"probabilities": torch.zeros(2, 3)}, r"probabilities must be \(batch, time, labels\)"),
        ({"probabilities": torch.zeros(2, 3, 4, dtype=torch.int64)}, "probabilities must be of a floating-point type"),
        ({"probabilities": torch.zeros(2, 3, 1)}, "background and at least one activity"),
        ({"background": 4}, "background must be a label below 4 but got 4"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message):
    arguments = {
        "probabilities": torch.full((2, 3, 4), 0.25),
        "labels": torch.zeros(2, 3, dtype=torch.int64),
        "variant": "score",
        "background": 0,
    } | change
    with pytest.raises(ValueError, match=message):
        ranking_loss(
            arguments["probabilities"], arguments["labels"], arguments["variant"], background=arguments["background"]
        )


def test_a_state_of_another_variant_is_refused():
    probabilities, labels = torch.full((1, 2, 3), 1 / 3), torch.ones(1, 2, dtype=torch.int64)
    _, state = ranking_loss(probabilities, labels, "combined")
    with pytest.raises(ValueError, match="state belongs to another batch or variant"):
        ranking_loss(probabilities, labels, "score", state=state)
