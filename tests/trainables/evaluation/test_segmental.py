"""Segmental measures: small answers known, a literal reference, and what must always hold."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference_segmental import accuracy, edit_score, f1, fragmentation, levenshtein

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.edit_distance import edit_distance
from crescendo.trainables.evaluation.protocols import PROTOCOLS
from crescendo.trainables.evaluation.segmental import (
    OVERLAPS,
    SegmentalMetrics,
    segmental_metrics,
    segmental_of_decoded,
)
from crescendo.trainables.inference.decoded_subset import decode_subset

LABELS = ("background", "run", "walk", "sit")

vector = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 8)), min_size=1, max_size=9).map(
    lambda runs: np.repeat([label for label, _ in runs], [length for _, length in runs])
)


@st.composite
def recordings(draw):
    """True and predicted labels of some recordings: often alike, else anything."""
    truth = draw(st.lists(vector, min_size=1, max_size=4))
    predicted = []
    for mine in truth:
        other = draw(arrays(np.int64, len(mine), elements=st.integers(0, 3)))
        shifted = np.roll(mine, draw(st.integers(-3, 3)))
        predicted.append(draw(st.sampled_from([mine, other, shifted])))
    return truth, predicted


def measured(truth, predicted):
    return segmental_metrics([np.array(one) for one in truth], [np.array(one) for one in predicted], LABELS)


def numbers(found):
    return [found.accuracy, found.scores.edit, *found.scores.f1, found.with_background.edit, *found.with_background.f1]


def test_known_answers():
    #            run       walk      background
    truth = [[1, 1, 1, 1, 2, 2, 2, 2, 0, 0]]
    found = measured(truth, [[1, 1, 1, 2, 2, 2, 2, 1, 0, 0]])
    assert found.accuracy == 0.8
    # run, walk, run against run, walk: one deletion in three.
    assert found.scores.edit == 1 - 1 / 3
    # run has 3 of 4 frames, walk 3 of 5; the second run overlaps nothing.
    assert found.scores.f1 == (0.8, 0.8, 0.8)
    # background is a fourth segment, found whole.
    assert found.with_background.edit == 1 - 1 / 4
    assert found.with_background.f1 == (6 / 7,) * 3
    assert found.confusion.tolist() == [[2, 0, 0, 0], [0, 3, 1, 0], [0, 1, 3, 0], [0, 0, 0, 0]]


def test_a_segment_found_twice_is_a_true_positive_once():
    found = measured([[1] * 10], [[1] * 5 + [0] + [1] * 4])
    # One hit at IoU 5/10; the other half overlaps it less and comes too late.
    assert found.scores.f1 == (2 / 3, 2 / 3, 2 / 3)


def test_a_segment_is_held_against_the_one_it_overlaps_best_taken_or_not():
    truth, predicted = [[1] * 6 + [2] + [1] * 3], [[1] * 3 + [2] + [1] * 6]
    # Predicted [0, 3) takes [0, 6) by 3/6; predicted [4, 10) overlaps [7, 10) by 3/6, and [0, 6) by 2/10.
    assert measured(truth, predicted).scores.f1[0] == 2 * 2 / 6
    # Predicted [1, 9) overlaps the first best, which is free; nothing is left for the second.
    assert measured(truth, [[0] + [1] * 8 + [0]]).scores.f1 == (0.5, 0.5, 0.5)


def test_accuracy_and_f1_are_of_all_recordings_together_and_edit_is_their_mean():
    long, short = [1] * 8 + [2] * 8, [1, 2]
    found = measured([long, short], [long, [2, 1]])
    assert found.accuracy == 16 / 18
    assert found.scores.edit == 0.5
    assert found.scores.f1 == (0.5, 0.5, 0.5)


def test_frames_without_a_label_are_taken_out_of_both():
    found = measured([[1, 1, -1, -1, 1], [-1, -1]], [[1, 1, 2, 0, 1], [1, 1]])
    assert numbers(found) == [1.0] * 9
    assert found.confusion.sum() == 3


def test_of_no_frames_nothing_is_said():
    with pytest.raises(InputError, match="no recording of the subset has a frame with a label"):
        measured([[-1], []], [[1], []])


def broken(found):
    return list(vars(found.fragmentation).values())


def test_a_segment_is_broken_into_pieces_and_several_are_merged():
    # run: two pieces; walk: one, twice merged; sit: not found.
    truth, predicted = [[1] * 6 + [2] * 2 + [0] + [2] * 2 + [3]], [[1] * 2 + [0] + [1] * 3 + [2] * 5 + [0]]
    assert broken(measured(truth, predicted)) == [4 / 3, 1 / 3, 4 / 3, 1 / 3]
    assert broken(measured([[1, 1]], [[2, 2]])) == [None] * 4
    assert measured([[1, 1]], [[2, 2]]).fragmentation.measures() == {}


@given(recordings())
def test_pieces_and_merged_ones_as_the_reference(data):
    truth, predicted = data
    expected = fragmentation(*([one.tolist() for one in part] for part in data))
    assert broken(segmental_metrics(truth, predicted, LABELS)) == pytest.approx(expected)
    turned = broken(segmental_metrics(predicted, truth, LABELS))
    assert turned == pytest.approx([*expected[2:], *expected[:2]])


@given(recordings())
def test_as_the_reference(data):
    truth, predicted = data
    found = segmental_metrics(truth, predicted, LABELS)
    lists = [one.tolist() for one in truth], [one.tolist() for one in predicted]
    expected = [accuracy(*lists)]
    for background in ({0}, set()):
        expected += [edit_score(*lists, background), *(f1(*lists, overlap, background) for overlap in OVERLAPS)]
    assert numbers(found) == pytest.approx(expected, rel=1e-12)
    assert found.confusion.sum() == sum(map(len, truth))


@given(recordings())
def test_a_perfect_prediction_has_the_highest_figures(data):
    truth, _ = data
    assert numbers(segmental_metrics(truth, truth, LABELS)) == [1.0] * 9


@given(recordings(), st.randoms())
def test_the_order_of_recordings_changes_nothing(data, random):
    order = list(range(len(data[0])))
    random.shuffle(order)
    shuffled = segmental_metrics(*([one[number] for number in order] for one in data), LABELS)
    found = segmental_metrics(*data, LABELS)
    assert numbers(shuffled) == pytest.approx(numbers(found), rel=1e-12)
    assert np.array_equal(shuffled.confusion, found.confusion)


@given(recordings())
def test_what_is_symmetric(data):
    """Accuracy and edit score do not ask which of the two is the truth."""
    truth, predicted = data
    one, other = segmental_metrics(truth, predicted, LABELS), segmental_metrics(predicted, truth, LABELS)
    assert one.accuracy == other.accuracy
    assert one.scores.edit == other.scores.edit
    assert np.array_equal(one.confusion, other.confusion.T)


@given(recordings())
def test_a_higher_threshold_never_helps_and_names_do_not_matter(data):
    found = segmental_metrics(*data, LABELS)
    assert list(found.scores.f1) == sorted(found.scores.f1, reverse=True)
    renamed = np.array([0, 2, 3, 1])
    assert numbers(segmental_metrics(*([renamed[one] for one in part] for part in data), LABELS)) == pytest.approx(
        numbers(found), rel=1e-12
    )


@given(*(arrays(np.int64, st.integers(0, 12), elements=st.integers(0, 2)) for _ in range(2)))
def test_edit_distance_as_the_table(one, other):
    assert edit_distance(one, other) == levenshtein(one.tolist(), other.tolist())


@given(recordings())
def test_json_comes_back_as_it_was(data):
    text = json.dumps(segmental_metrics(*data, LABELS).to_json(), allow_nan=False)
    assert json.dumps(SegmentalMetrics.from_json(json.loads(text)).to_json()) == text


@pytest.mark.parametrize("protocol", ["paper", "thumos14"])
def test_a_detector_labels_each_frame_by_its_highest_score(tiny_dataset, protocol):
    random = np.random.default_rng(3)
    shapes = {name: (tiny_dataset.frames(name), len(tiny_dataset.labels)) for name in tiny_dataset.recordings("test")}
    scores = {name: random.integers(0, 3, shape).astype(np.float32) for name, shape in shapes.items()}
    found = segmental_of_decoded(decode_subset(tiny_dataset, "test", scores, [3]), PROTOCOLS[protocol])
    names = sorted(scores)
    truth, predicted = (
        [of(name) for name in names] for of in (tiny_dataset.frame_labels, lambda name: scores[name].argmax(axis=1))
    )
    expected = segmental_metrics(truth, predicted, tiny_dataset.labels)
    assert json.dumps(found.to_json()) == json.dumps(expected.to_json())
