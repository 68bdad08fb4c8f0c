"""Per-frame AP and calibrated AP: small answers known, a literal reference, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference_online import average_precision

from crescendo.trainables.evaluation.per_frame import frame_precision

LABELS = ("background", "run", "walk")


def one_label(scores, positive):
    """AP and cAP of `run` when it is the only activity."""
    column = np.asarray(scores, dtype=np.float32)
    found = frame_precision(
        [np.stack((1 - column, column), axis=1)], [np.asarray(positive, dtype=np.int64)], LABELS[:2]
    )
    return float(found.ap[0]), float(found.cap[0])


def test_known_answers():
    # Ranking: hit, miss, miss, hit. Precision 1 and 1/2; there are as many others as frames, so w = 1.
    assert one_label([0.9, 0.8, 0.7, 0.6], [1, 0, 0, 1]) == (0.75, 0.75)
    # One frame among four, ranked second: precision 1/2; w = 3, calibrated 3 / (3 + 1).
    assert one_label([0.9, 0.8, 0.7, 0.6], [0, 1, 0, 0]) == (0.5, 0.75)
    assert one_label([0.9, 0.8, 0.1], [1, 1, 0]) == (1.0, 1.0)
    assert one_label([0.9, 0.8], [1, 1]) == (1.0, 1.0)
    # All alike: precision is the label's share, calibrated one half, whatever the order.
    assert one_label([0.5] * 4, [0, 0, 0, 1]) == (0.25, 0.5)


def test_means_leave_out_background_and_labels_without_frames():
    scores = np.array([[0.1, 0.8, 0.1], [0.9, 0.0, 0.1], [0.2, 0.7, 0.1]])
    found = frame_precision([scores], [np.array([1, 0, 1])], LABELS)
    assert found.labels == ("run",)
    assert found.to_json() == {"frame_mAP": 1.0, "frame_cAP": 1.0, "frame_AP": {"run": {"AP": 1.0, "cAP": 1.0}}}


def test_frames_without_a_target_are_left_out():
    scores = np.array([[0.1, 0.8], [0.1, 0.9], [0.5, 0.4]])
    assert frame_precision([scores], [np.array([1, -1, 0])], LABELS[:2]).ap.tolist() == [1.0]


@st.composite
def scored(draw):
    """Scores of a few values, so that many are equal, of recordings with 20 labels, and targets with an activity."""
    frames = draw(st.lists(st.integers(0, 12), min_size=1, max_size=3))
    scores = [draw(arrays(np.float32, (count, 20), elements=st.integers(0, 4).map(float))) for count in frames]
    targets = [draw(arrays(np.int64, count, elements=st.sampled_from((0, 1, 2, 17, 19)))) for count in frames]
    return [*scores, np.ones((1, 20), np.float32)], [*targets, np.array([17])]


@given(scored())
def test_as_the_reference(data):
    scores, targets = data
    labels = tuple(f"label {number}" for number in range(20))
    found = frame_precision(scores, targets, labels)
    column, target = np.concatenate(scores), np.concatenate(targets)
    assert found.labels == tuple(labels[label] for label in sorted(set(target.tolist())) if label)
    for name, ap, cap in zip(found.labels, found.ap, found.cap, strict=True):
        label = labels.index(name)
        ranked = column[:, label].tolist(), (target == label).tolist()
        assert ap == pytest.approx(average_precision(*ranked, calibrated=False))
        assert cap == pytest.approx(average_precision(*ranked, calibrated=True))


@settings(max_examples=40)
@given(scored(), st.randoms(use_true_random=False))
def test_order_of_frames_and_recordings_changes_nothing(data, random):
    scores, targets = data
    labels = [f"label {number}" for number in range(20)]
    before = frame_precision(scores, targets, labels)
    joined, target = np.concatenate(scores), np.concatenate(targets)
    order = random.sample(range(len(target)), len(target))
    after = frame_precision([joined[order]], [target[order]], labels)
    np.testing.assert_allclose(after.ap, before.ap, rtol=1e-12)
    np.testing.assert_allclose(after.cap, before.cap, rtol=1e-12)
    assert (before.ap > 0).all()
    assert (before.ap <= 1).all()
    assert (before.cap > 0).all()
    assert (before.cap <= 1).all()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_where_a_label_has_half_the_frames_both_are_the_same(pairs):
    scores = [value for pair in pairs for value in pair]
    ap, cap = one_label(scores, [1, 0] * len(pairs))
    assert cap == pytest.approx(ap)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30), st.integers(2, 9))
def test_calibration_takes_out_how_many_other_frames_there_are(frames, copies):
    """Every other frame given several times changes AP but not cAP."""
    frames = [*frames, (2, True), (3, False)]
    repeated = [one for one in frames for _ in range(1 if one[1] else copies)]
    once, often = (one_label(*zip(*some, strict=True))[1] for some in (frames, repeated))
    assert often == pytest.approx(once)
