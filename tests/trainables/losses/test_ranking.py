"""R of every frame, through the one path that trains: values and gradients in the logits."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_losses import ranking_loss as literal_loss

from crescendo.trainables.errors import InputError
from crescendo.trainables.losses.ranking import rank
from crescendo.trainables.losses.total_loss import ranking_loss
from crescendo.trainables.losses.variants import VARIANTS

RANKING = sorted(name for name, variant in VARIANTS.items() if variant.term is None)
variants = st.sampled_from(RANKING)


@st.composite
def cases(draw, dtype=torch.float64):
    """Random logits and labels with many transitions: (logits, labels, background)."""
    batch, time, labels = draw(st.integers(1, 3)), draw(st.integers(1, 30)), draw(st.integers(2, 5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    sharpness = draw(st.sampled_from([0.5, 2.0, 8.0]))
    logits = torch.randn(batch, time, labels, generator=generator, dtype=dtype) * sharpness
    change = torch.rand(batch, time, generator=generator) < draw(st.sampled_from([0.1, 0.4, 0.9]))
    fresh = torch.randint(labels, (batch, time), generator=generator)
    targets = fresh.clone()
    for t in range(1, time):
        targets[:, t] = torch.where(change[:, t], fresh[:, t], targets[:, t - 1])
    return logits, targets, draw(st.integers(0, labels - 1))


def softmax(logits):
    """Of (batch, time, labels), with the roundings of the loss: in float32 others would now and then turn a sign."""
    return logits.permute(2, 1, 0).contiguous().log_softmax(0).exp().permute(2, 1, 0)


def logits_of(probabilities):
    return torch.tensor(probabilities, dtype=torch.float64).log()


def value_and_gradient(function, logits, weights):
    leaf = logits.detach().clone().requires_grad_()
    loss = function(leaf)
    (gradient,) = torch.autograd.grad((loss * weights).sum(), leaf)
    return loss.detach(), gradient


def weights_like(labels, dtype):
    return torch.rand(labels.shape, generator=torch.Generator().manual_seed(7), dtype=dtype) + 0.5


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@given(data=st.data(), variant=variants)
@settings(max_examples=120, deadline=None)
def test_values_and_gradients_are_those_of_the_table(dtype, tolerance, data, variant):
    logits, labels, background = data.draw(cases(dtype=dtype))
    weights = weights_like(labels, dtype)
    found = value_and_gradient(lambda z: ranking_loss(z, labels, variant, background=background)[0], logits, weights)
    expected = value_and_gradient(lambda z: literal_loss(softmax(z), labels, variant, background), logits, weights)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("variant", ["margin", "combined"])
@given(case=cases(), size=st.integers(1, 31))
@settings(max_examples=60, deadline=None)
def test_background_can_be_left_out_of_the_rivals_of_a_margin(variant, case, size):
    """As the literal loops have it, in one piece and in chunks; with two labels an activity would have no rival."""
    logits, labels, background = case
    chosen = VARIANTS[variant].with_rivals("activities")
    if logits.shape[2] < 3:
        with pytest.raises(ValueError, match="needs two activities at least"):
            ranking_loss(logits, labels, chosen, background=background)
        return
    weights = weights_like(labels, torch.float64)
    whole = value_and_gradient(lambda z: ranking_loss(z, labels, chosen, background=background)[0], logits, weights)
    cut = value_and_gradient(lambda z: in_chunks(z, labels, chosen, size, background), logits, weights)
    expected = value_and_gradient(
        lambda z: literal_loss(softmax(z), labels, variant, background, activities=True), logits, weights
    )
    for found in (whole, cut):
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_without_background_among_its_rivals_a_margin_is_over_the_next_activity():
    """Background wins the second frame: over all labels the margin fell by 0.5, over activities it rose."""
    logits = logits_of([[[0.1, 0.6, 0.3], [0.6, 0.4, 0.0001]]])
    labels = torch.tensor([[1, 1]])
    everything, _ = ranking_loss(logits, labels, "margin")
    activities, _ = ranking_loss(logits, labels, VARIANTS["margin"].with_rivals("activities"))
    assert everything.tolist() == [[0.0, pytest.approx(0.3 - (0.4 - 0.6), abs=1e-3)]]
    assert activities.tolist() == [[0.0, 0.0]]


def in_chunks(logits, labels, variant, size, background=0):
    losses, state = [], None
    for chunk, targets in zip(logits.split(size, 1), labels.split(size, 1), strict=True):
        loss, state = ranking_loss(chunk, targets, variant, background=background, state=state)
        losses.append(loss)
    return torch.cat(losses, 1)


@given(cases(), variants, st.integers(1, 31))
@settings(max_examples=100, deadline=None)
def test_cutting_a_sequence_changes_nothing(case, variant, size):
    logits, labels, background = case
    weights = weights_like(labels, torch.float64)
    whole = value_and_gradient(lambda z: ranking_loss(z, labels, variant, background=background)[0], logits, weights)
    cut = value_and_gradient(lambda z: in_chunks(z, labels, variant, size, background), logits, weights)
    for one, other in zip(whole, cut, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", RANKING)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_sequences_of_100_frames_cut_into_chunks_of_20(variant, dtype, tolerance):
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(8, 100, 6, generator=generator, dtype=dtype)
    labels = torch.randint(6, (8, 20), generator=generator).repeat_interleave(5, dim=1)
    weights = weights_like(labels, dtype)
    cut = value_and_gradient(lambda z: in_chunks(z, labels, variant, 20), logits, weights)
    literal = value_and_gradient(lambda z: literal_loss(softmax(z), labels, variant), logits, weights)
    for one, other in zip(cut, literal, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("variant", ["score", "margin", "combined", "naive"])
def test_gradient_is_the_finite_difference_with_the_reference_held_fixed(variant):
    """Moving frame t alone moves R_t only where later references do not: so each frame is moved, and its own R_t read."""
    generator = torch.Generator().manual_seed(11)
    logits = torch.randn(2, 24, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(4, (2, 6), generator=generator).repeat_interleave(4, dim=1)
    _, gradient = value_and_gradient(lambda z: ranking_loss(z, labels, variant)[0], logits, torch.ones(2, 24))
    step = 1e-7
    for index in torch.cartesian_prod(torch.arange(2), torch.arange(24), torch.arange(4)).tolist():
        row, t, label = index
        up, down = logits.clone(), logits.clone()
        up[row, t, label] += step
        down[row, t, label] -= step
        difference = ranking_loss(up, labels, variant)[0] - ranking_loss(down, labels, variant)[0]
        assert math.isclose(difference[row, t] / (2 * step), gradient[row, t, label], abs_tol=1e-6)


def test_the_reference_gets_no_gradient():
    logits = logits_of([[[0.1, 0.9], [0.6, 0.4]]])
    labels = torch.tensor([[1, 1]])
    loss, gradient = value_and_gradient(lambda z: ranking_loss(z, labels, "score")[0], logits, torch.ones(1, 2))
    assert loss.tolist() == [[0.0, pytest.approx(0.5)]]
    assert gradient[0, 0].tolist() == [0.0, 0.0]
    assert gradient[0, 1].tolist() == pytest.approx([0.6 * 0.4, -0.6 * 0.4])  # -dp / dz of the second label


def test_many_runs_in_a_long_sequence_lose_no_precision():
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(1, 10_000, 5, generator=generator)
    labels = (torch.arange(1000) % 4 + 1).repeat_interleave(10).unsqueeze(0)
    for variant in ("score", "margin", "naive"):
        single, _ = ranking_loss(logits, labels, variant)
        double = rank(softmax(logits).double().permute(2, 1, 0), labels.t(), VARIANTS[variant]).loss.t()
        torch.testing.assert_close(single.double(), double, rtol=0, atol=2e-7)


@given(cases(), variants)
@settings(max_examples=60, deadline=None)
def test_the_loss_is_never_negative_and_never_more_than_two(case, variant):
    logits, labels, background = case
    loss, _ = ranking_loss(logits, labels, variant, background=background)
    bound = {"none": 0.0, "score": 1.0, "naive": 1.0, "margin": 2.0, "combined": 3.0}[variant]
    assert (loss >= 0).all()
    assert (loss <= bound).all()
    assert (loss[:, 0] == 0).all()


@given(cases(), variants, st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_the_loss_is_causal(case, variant, seed):
    """Another future, of the same shape, changes no bit of the past: torch rounds tensors of other shapes differently."""
    logits, labels, background = case
    cut = (labels.shape[1] + 1) // 2
    generator = torch.Generator().manual_seed(seed)
    other_logits, other_labels = logits.clone(), labels.clone()
    other_logits[:, cut:] = torch.randn(logits[:, cut:].shape, generator=generator, dtype=logits.dtype)
    other_labels[:, cut:] = torch.randint(logits.shape[-1], labels[:, cut:].shape, generator=generator)
    whole, _ = ranking_loss(logits, labels, variant, background=background)
    other, _ = ranking_loss(other_logits, other_labels, variant, background=background)
    assert torch.equal(whole[:, :cut], other[:, :cut])


@given(cases(), variants)
@settings(max_examples=60, deadline=None)
def test_the_loss_of_a_beginning_is_the_beginning_of_the_loss(case, variant):
    logits, labels, background = case
    cut = (labels.shape[1] + 1) // 2
    whole, _ = ranking_loss(logits, labels, variant, background=background)
    part, _ = ranking_loss(logits[:, :cut], labels[:, :cut], variant, background=background)
    torch.testing.assert_close(whole[:, :cut], part, rtol=0, atol=1e-14)


@given(st.integers(2, 40), st.sampled_from(["score", "margin", "combined", "naive"]))
@settings(max_examples=30, deadline=None)
def test_a_rising_score_costs_nothing(frames, variant):
    rising = torch.linspace(0.1, 0.9, frames, dtype=torch.float64)
    logits = torch.stack((1 - rising, rising), dim=-1).unsqueeze(0).log()
    loss, _ = ranking_loss(logits, torch.ones(1, frames, dtype=torch.int64), variant)
    assert loss.sum() == 0


def test_only_a_whole_history_sees_a_slow_fall_from_the_peak():
    """Between t_b and t_c of the paper's Figure 4 the score rises again but stays below its peak: Eq. 9 is blind to it."""
    score = torch.tensor([0.2, 0.8, 0.3, 0.5], dtype=torch.float64)
    logits = torch.stack((1 - score, score), dim=-1).unsqueeze(0).log()
    labels = torch.ones(1, 4, dtype=torch.int64)
    assert ranking_loss(logits, labels, "score")[0][0].tolist() == pytest.approx([0, 0, 0.5, 0.3])
    assert ranking_loss(logits, labels, "naive")[0][0].tolist() == pytest.approx([0, 0, 0.5, 0.0])


def test_leaving_background_is_a_transition_and_staying_in_it_is_free():
    logits = logits_of([[[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.6, 0.1]]])
    loss, _ = ranking_loss(logits, torch.tensor([[0, 0, 1]]), "score")
    assert loss[0].tolist() == pytest.approx([0, 0, 0.3])


def test_a_margin_that_is_negative_after_a_change_is_not_rewarded():
    logits = logits_of([[[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]])
    loss, gradient = value_and_gradient(
        lambda z: ranking_loss(z, torch.tensor([[1, 2]]), "margin")[0], logits, torch.ones(1, 2)
    )
    assert loss.tolist() == [[0.0, 0.0]]
    assert gradient.abs().sum() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"variant": "rank"},
            "variant: must be one of none, score, .*, progress, or MODULE:ATTRIBUTE for your own, but got 'rank'",
        ),
        ({"labels": torch.zeros(2, 4, dtype=torch.int64)}, r"labels must be int64 of shape \(2, 3\)"),
        ({"labels": torch.zeros(2, 3)}, "labels must be int64"),
        ({"logits": torch.zeros(2, 3)}, r"logits must be \(batch, time, labels\)"),
        ({"logits": torch.zeros(2, 3, 4, dtype=torch.int64)}, "logits must be of a floating-point type"),
        ({"logits": torch.zeros(2, 3, 1)}, "background and at least one activity"),
        ({"background": 4}, "background must be a label below 4 but got 4"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message):
    arguments = {
        "logits": torch.zeros(2, 3, 4),
        "labels": torch.zeros(2, 3, dtype=torch.int64),
        "variant": "score",
        "background": 0,
    } | change
    with pytest.raises((ValueError, InputError), match=message):
        ranking_loss(arguments["logits"], arguments["labels"], arguments["variant"], background=arguments["background"])


def test_a_state_of_another_variant_is_refused():
    logits, labels = torch.zeros(1, 2, 3), torch.ones(1, 2, dtype=torch.int64)
    _, state = ranking_loss(logits, labels, "combined")
    with pytest.raises(ValueError, match="state belongs to another batch or variant"):
        ranking_loss(logits, labels, "score", state=state)
