"""The variants that rank nothing, against the literal loops: values, gradients in logits and prediction, chunks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_losses import positions as literal_positions
from reference_losses import rival_loss as literal_loss

from crescendo.trainables.data.run_positions import RunPositions, run_positions
from crescendo.trainables.effects import without_effect
from crescendo.trainables.losses.total_loss import frame_losses, ranking_loss, total_loss
from crescendo.trainables.losses.variants import VARIANTS

RIVALS = [name for name, variant in VARIANTS.items() if variant.term is not None]
ON_ACTIVITIES = [name for name in RIVALS if name != "smoothing"]
rivals = st.sampled_from(RIVALS)


@st.composite
def cases(draw, dtype=torch.float64):
    """Windows of longer recordings with many activities, some of which begin before a window or end after it.

    (logits, labels, background, positions, predicted, f)
    """
    batch, time, count = draw(st.integers(1, 3)), draw(st.integers(1, 20)), draw(st.integers(2, 5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    logits = torch.randn(batch, time, count, generator=generator, dtype=dtype) * draw(st.sampled_from([0.5, 3.0, 8.0]))
    length = draw(st.integers(1, 6))
    whole = torch.randint(count, (batch, time + 8), generator=generator).repeat_interleave(length, 1)[:, : time + 8]
    first = draw(st.integers(0, 8))
    told = [run_positions(row.numpy(), draw(st.sampled_from([0.5, 6.0]))) for row in whole]
    passed, remaining = (
        torch.tensor(np.stack([one[part][first : first + time] for one in told]), dtype=dtype) for part in (0, 1)
    )
    predicted = torch.rand(batch, time, generator=generator, dtype=dtype)
    labels = whole[:, first : first + time]
    seconds = draw(st.sampled_from([0.3, 1.0, 20.0]))
    return logits, labels, draw(st.integers(0, count - 1)), RunPositions(passed, remaining), predicted, seconds


def both_gradients(function, logits, predicted):
    """Return the losses, and the gradients of a weighted sum of them with respect to logits and prediction."""
    leaves = [one.clone().requires_grad_() for one in (logits, predicted)]
    loss = function(*leaves)
    weights = torch.linspace(0.5, 1.5, loss.numel(), dtype=loss.dtype).view(loss.shape)
    gradients = torch.autograd.grad((loss * weights).sum(), leaves, allow_unused=True, materialize_grads=True)
    return loss.detach(), *gradients


def fast(case, name, size=None):
    """Return R of the package, in one piece or in chunks of `size` frames, by logits and prediction."""
    _, labels, background, positions, _, seconds = case
    variant = replace(VARIANTS[name], exponential_seconds=seconds)

    def losses(logits, predicted):
        state, found = None, []
        for first in range(0, labels.shape[1], size or labels.shape[1]):
            part = slice(first, first + (size or labels.shape[1]))
            loss, state = ranking_loss(
                logits[:, part],
                labels[:, part],
                variant,
                background=background,
                state=state,
                positions=RunPositions(*(one[:, part] for one in positions)),
                predicted=predicted[:, part],
            )
            found.append(loss)
        return torch.cat(found, 1)

    return losses


def literal(case, name):
    _, labels, background, positions, _, seconds = case

    def losses(logits, predicted):
        told = {"passed": positions.passed, "remaining": positions.remaining, "predicted": predicted}
        return literal_loss(logits.softmax(-1), labels, name, background, **told, seconds=seconds)

    return losses


@pytest.mark.parametrize(("dtype", "largest", "tolerance"), [(torch.float64, 7, 1e-9), (torch.float32, 4, 5e-3)])
@given(data=st.data(), name=rivals)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_are_those_of_the_loops(dtype, largest, tolerance, data, name):
    """Up to the logits at which the loops' 1 - p, the coarser of the two, has lost too many digits."""
    case = data.draw(cases(dtype=dtype))
    case = (case[0].clamp(-largest, largest), *case[1:])
    found = both_gradients(fast(case, name), case[0], case[4])
    expected = both_gradients(literal(case, name), case[0], case[4])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@given(cases(), rivals, st.integers(1, 21))
@settings(max_examples=60, deadline=None)
def test_cutting_a_sequence_changes_nothing(case, name, size):
    whole = both_gradients(fast(case, name), case[0], case[4])
    cut = both_gradients(fast(case, name, size), case[0], case[4])
    for one, other in zip(whole, cut, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@given(cases(), st.sampled_from(ON_ACTIVITIES))
@settings(max_examples=40, deadline=None)
def test_background_costs_nothing_and_gets_no_gradient(case, name):
    logits, labels, background, *_ = case
    loss, of_logits, of_prediction = both_gradients(fast(case, name), logits, case[4])
    assert (loss >= 0).all()
    assert not loss[labels == background].any()
    assert not of_logits[labels == background].any()
    assert not of_prediction[labels == background].any()


@given(cases())
@settings(max_examples=40, deadline=None)
def test_smoothing_holds_the_frame_before_fixed_and_asks_nothing_of_a_first_frame(case):
    """What flows back to a frame comes from its own loss alone: the next frame's would be another one's."""
    logits, labels, *_ = case
    loss, gradient, _ = both_gradients(fast(case, "smoothing"), logits, case[4])
    assert not loss[:, 0].any()
    assert not gradient[:, 0].any()
    assert (loss <= 16).all()
    if labels.shape[1] > 1:
        leaf = logits.clone().requires_grad_()
        fast(case, "smoothing")(leaf, case[4])[:, -1].sum().backward()
        assert not leaf.grad[:, :-1].any()


def test_smoothing_lets_a_jump_pass_at_the_price_of_one_of_4():
    logits = torch.tensor([[[0.0, 0.0], [0.0, 30.0]]], requires_grad=True)
    loss, _ = ranking_loss(logits, torch.ones(1, 2, dtype=torch.int64), "smoothing")
    rise = np.log(2) ** 2  # log p of the other label went from log 0.5 to 0, that of the first far down
    assert loss[0].tolist() == [0.0, pytest.approx((rise + 16) / 2)]
    loss.sum().backward()
    assert logits.grad.abs().max() < 1e-6


def test_positions_count_frames_as_they_have_been_seen():
    """An activity of four frames at 2 fps; after its last one all of it has passed and nothing remains."""
    found = run_positions(np.array([0, 3, 3, 3, 3, 2], np.uint8), 2.0)
    assert found.passed.tolist() == [1.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert found.remaining.tolist() == [0.0, 1.5, 1.0, 0.5, 0.0, 0.0]


@given(st.lists(st.integers(0, 3), max_size=30), st.sampled_from([0.5, 6.0, 30.0]))
def test_positions_are_those_of_the_loop(labels, fps):
    found = run_positions(np.array(labels, dtype=np.int64), fps)
    np.testing.assert_allclose(
        np.stack(found, 1).reshape(-1, 2), np.array(literal_positions(labels, fps)).reshape(-1, 2), rtol=1e-6
    )


@pytest.mark.parametrize("name", RIVALS)
def test_certainty_of_a_wrong_label_leaves_losses_and_gradients_finite(name):
    """p of the wrong label is 1 in floating point: log(1 - p) of that number would be infinite."""
    logits = torch.tensor([[[0.0, 0.0, 0.0], [90.0, 0.0, -90.0], [-90.0, 0.0, 90.0]]])
    case = logits, torch.ones(1, 3, dtype=torch.int64), 0, *told(1, 3), 1.0
    loss, *gradients = both_gradients(fast(case, name), logits, case[4])
    assert loss.isfinite().all()
    assert all(one.isfinite().all() for one in gradients)
    if name == "linear_early":  # -log(1 - p) of the wrong label is 90, that of the third one 0
        assert loss[0, 1].item() == pytest.approx(45.0)


def told(batch, time):
    """Return positions and predictions, halfway everywhere."""
    half = torch.full((batch, time), 0.5)
    return RunPositions(half, half), half


@pytest.mark.parametrize("name", RIVALS)
def test_logits_in_bfloat16_are_taken_in_float32(name):
    logits = torch.randn(2, 10, 4, generator=torch.Generator().manual_seed(1)).bfloat16().requires_grad_()
    labels, valid = torch.ones(2, 10, dtype=torch.int64), torch.ones(2, 10, dtype=torch.bool)
    positions, predicted = told(2, 10)
    given = {"lambda_r": 6.0, "positions": positions, "predicted": predicted.bfloat16()}
    loss = total_loss(logits, labels, valid, name, **given).total
    assert torch.equal(loss, total_loss(logits.float(), labels, valid, name, **given).total)
    loss.backward()
    assert logits.grad.dtype == torch.bfloat16


@given(cases(), st.permutations([name for name in VARIANTS if name != "none"]), st.integers(2, 3))
@settings(max_examples=40, deadline=None)
def test_several_variants_add_up_each_with_its_weight(case, names, count):
    logits, labels, background, positions, predicted, _ = case
    valid = torch.rand(labels.shape, generator=torch.Generator().manual_seed(2)) < 0.7
    valid[0, 0] = True
    given = {"background": background, "positions": positions, "predicted": predicted}
    chosen, weights = names[:count], [6.0, 0.15, 2.0][:count]

    def several(z):
        return total_loss(z, labels, valid, chosen, lambda_r=weights, **given)

    def one_by_one(z):
        parts = [frame_losses(z, labels, name, **given) for name in chosen]
        added = sum(weight * part.ranking for weight, part in zip(weights, parts, strict=True))
        return (parts[0].cross_entropy + added)[valid].mean(), added[valid].mean()

    leaves = [logits.clone().requires_grad_() for _ in range(2)]
    found, (total, ranking) = several(leaves[0]), one_by_one(leaves[1])
    torch.testing.assert_close(found.total, total, rtol=0, atol=1e-9)
    torch.testing.assert_close(found.ranking, ranking, rtol=0, atol=1e-9)
    gradients = [torch.autograd.grad(one, leaf)[0] for one, leaf in zip((found.total, total), leaves, strict=True)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-9)
    # A list of one is that one, and the states of several go into the next chunk.
    assert torch.equal(
        total_loss(logits, labels, valid, chosen[:1], lambda_r=[6.0], **given).frames.ranking,
        frame_losses(logits, labels, chosen[0], **given).ranking,
    )
    total_loss(logits, labels, valid, chosen, lambda_r=weights, state=found.frames.state, **given)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("linear_early", {"positions": None}, "needs positions: where in its activity each frame lies"),
        ("exponential", {"positions": None}, "needs positions"),
        ("progress", {"predicted": None}, "needs predicted: what a head of the model makes"),
        ("progress", {"predicted": torch.zeros(1, 4)}, r"of shape \(1, 3\) but got torch.float32 of \(1, 4\)"),
        (
            "linear_early",
            {"positions": RunPositions(*torch.ones(2, 1, 3, dtype=torch.int64))},
            "must be floating-point",
        ),
    ],
)
def test_what_a_variant_lacks_is_said(name, change, message):
    positions, predicted = told(1, 3)
    given = {"positions": positions, "predicted": predicted} | change
    with pytest.raises(ValueError, match=message):
        ranking_loss(torch.zeros(1, 3, 4), torch.ones(1, 3, dtype=torch.int64), name, **given)


def test_as_many_weights_as_variants_are_asked_for():
    logits, labels, valid = (
        torch.zeros(1, 2, 3),
        torch.ones(1, 2, dtype=torch.int64),
        torch.ones(1, 2, dtype=torch.bool),
    )
    with pytest.raises(ValueError, match="lambda_r must be a weight for each of 2 variants but got 1"):
        total_loss(logits, labels, valid, ["score", "smoothing"], lambda_r=6.0)


@pytest.mark.parametrize("name", RIVALS)
def test_a_term_changes_with_the_settings_that_it_says_it_depends_on_and_with_no_other(name):
    labels = torch.tensor([[0, 1, 1, 1, 2, 2]])
    logits = torch.linspace(-1, 1, 18, dtype=torch.float64).sin().view(1, 6, 3)
    positions = RunPositions(*(torch.tensor(one)[None] for one in run_positions(labels[0].numpy(), 2.0)))
    predicted = torch.full((1, 6), 0.25, dtype=torch.float64)
    brief, lasting = (
        fast((logits, labels, 0, positions, predicted, seconds), name)(logits, predicted) for seconds in (0.4, 3.0)
    )
    assert torch.equal(brief, lasting) == ("exponential_seconds" not in VARIANTS[name].term.settings)
    assert ({"variant": name} in without_effect()["exponential_seconds"]) == torch.equal(brief, lasting)
