"""Decoding: the literal reference, and what must always hold."""

import numpy as np
import pytest
import reference_detection
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.decoding import decode, decode_gaps, find_runs, find_runs_of, join_runs


def one_hot(labels: list[int], width: int = 4) -> np.ndarray:
    return np.eye(width)[labels]


@st.composite
def frame_scores(draw: st.DrawFn) -> np.ndarray:
    """Scores with runs, ties and single frames: each row picks from few values, rows are repeated."""
    width = draw(st.integers(1, 4))
    runs = draw(st.lists(st.tuples(st.integers(0, width - 1), st.integers(1, 6)), max_size=14))
    labels = [label for label, length in runs for _ in range(length)]
    seed = draw(st.integers(0, 2**32 - 1))
    noise = np.random.default_rng(seed).integers(0, draw(st.integers(1, 4)), size=(len(labels), width))
    return (np.eye(width)[labels].reshape(-1, width) + noise) / 5


def rows(spans) -> list[tuple[int, int, int, float]]:
    return list(zip(spans.label.tolist(), spans.start.tolist(), spans.end.tolist(), spans.score.tolist(), strict=True))


@given(frame_scores(), st.integers(0, 25), st.integers(0, 3))
def test_agrees_with_the_literal_reference(scores, merge_gap, background):
    expected = reference_detection.decode(scores, merge_gap, background)
    found = rows(decode(scores, merge_gap, background))
    assert [span[:3] for span in found] == [span[:3] for span in expected]
    np.testing.assert_allclose([span[3] for span in found], [span[3] for span in expected], rtol=0, atol=1e-12)


@given(frame_scores(), st.lists(st.integers(0, 25), max_size=5))
def test_many_gaps_are_each_gap_alone(scores, gaps):
    together = decode_gaps(scores, gaps)
    assert [rows(spans) for spans in together] == [rows(decode(scores, gap)) for gap in gaps]


@given(st.lists(st.lists(st.integers(0, 2), max_size=9), min_size=1, max_size=6), st.integers(0, 25), st.integers(0, 9))
def test_runs_of_many_recordings_are_those_of_each_alone_to_the_last_bit(winners, widest_gap, seed):
    """Recordings without a frame among them, and such as end as the next one begins."""
    random = np.random.default_rng(seed)
    matrices = [
        (np.eye(3)[one].reshape(-1, 3) + random.random((len(one), 3)) / 2).astype(np.float32) for one in winners
    ]
    numbers = [3 * number for number in range(len(matrices))]
    found = find_runs_of(matrices, widest_gap, numbers=numbers)
    alone = [find_runs(one, widest_gap, recording=number) for one, number in zip(matrices, numbers, strict=True)]
    for name, expected in vars(join_runs(alone)).items():
        assert getattr(found, name).dtype == expected.dtype
        np.testing.assert_array_equal(getattr(found, name), expected)


@given(frame_scores(), st.integers(0, 25))
def test_spans_of_a_label_are_apart_and_decoding_them_again_changes_nothing(scores, merge_gap):
    spans = decode(scores, merge_gap)
    width = scores.shape[1]
    for label in range(1, width):
        mine = np.flatnonzero(spans.label == label)
        assert (spans.start[mine][1:] - spans.end[mine][:-1] >= max(merge_gap, 1)).all()
        again = np.zeros((len(scores), 2))
        again[:, 0] = 0.5
        for index in mine:
            again[spans.start[index] : spans.end[index], 1] = 1.0
        once_more = decode(again, merge_gap)
        assert once_more.start.tolist() == spans.start[mine].tolist()
        assert once_more.end.tolist() == spans.end[mine].tolist()
    assert (np.diff(spans.start) >= 0).all()


def test_merges_below_the_gap_only_and_across_other_labels():
    scores = one_hot([1, 1, 0, 2, 0, 1, 0, 0, 0, 0, 1])
    assert [span[:3] for span in rows(decode(scores, 4))] == [(1, 0, 6), (2, 3, 4), (1, 10, 11)]
    assert [span[:3] for span in rows(decode(scores, 3))] == [(1, 0, 2), (2, 3, 4), (1, 5, 6), (1, 10, 11)]
    assert [span[:3] for span in rows(decode(scores, 5))] == [(1, 0, 11), (2, 3, 4)]


def test_score_is_the_mean_over_all_frames_filled_gaps_included():
    scores = np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]])
    assert decode(scores, 2).score == pytest.approx([0.5], abs=1e-15)
    assert decode(scores, 1).score == pytest.approx([0.8, 0.6], abs=1e-15)


def test_ties_go_to_the_lowest_index():
    assert rows(decode(np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]), 0)) == [(1, 1, 2, 0.5)]


@pytest.mark.parametrize("scores", [np.zeros((0, 3)), one_hot([0, 0, 0]), np.ones((5, 1))])
def test_nothing_detected(scores):
    assert len(decode(scores, 20)) == 0


def test_half_precision_scores_are_summed_in_double():
    scores = np.tile(np.array([0.1, 0.9], dtype=np.float16), (5000, 1))
    assert decode(scores, 20).score == pytest.approx([float(np.float16(0.9))], abs=1e-12)


def test_a_long_recording_loses_no_precision():
    scores = np.tile(np.array([0.1, 0.9]), (200_000, 1))
    scores[::7] = [0.7, 0.3]
    spans = decode(scores, 0)
    np.testing.assert_allclose(spans.score, 0.9, rtol=0, atol=1e-15)


def test_nan_names_the_frame():
    scores = one_hot([1, 2, 3])
    scores[1, 0] = np.nan
    with pytest.raises(InputError, match="frame 1"):
        decode(scores, 20)


def test_refuses_what_is_no_matrix_and_negative_gaps():
    with pytest.raises(ValueError, match="shape"):
        decode(np.zeros(5), 20)
    with pytest.raises(ValueError, match="merge_gap"):
        decode(one_hot([1]), -1)
