"""Calibration of frame scores: known answers, a literal reference, and what must always hold."""

import json
import math

import numpy as np
import pytest
import reference_frame_calibration as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.frame_calibration import (
    BINS,
    LEAST,
    FrameCalibration,
    calibration_of_decoded,
    frame_calibration,
)
from crescendo.trainables.inference.decoded_subset import decode_subset


@st.composite
def recordings(draw):
    """Scores and labels of one to three recordings; some scores are 0 and 1, some equal, some labels left out."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([0.0, 1.0, 5.0, 500.0]))
    lengths = draw(st.lists(st.integers(1, 20), min_size=1, max_size=3))
    scores = [softmax(scale * random.normal(size=(length, 4)), axis=1).astype(np.float32) for length in lengths]
    targets = [random.integers(-1, 4, length) for length in lengths]
    targets[0][0] = 2
    return scores, targets


def test_known_answers():
    scores = np.array([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]])
    found = frame_calibration([scores], [np.array([0, 1, 1, 1])])
    # 0.75 lies in (11/15, 12/15], and 1 in the last bin.
    assert np.flatnonzero(found.frames).tolist() == [11, 14]
    assert (found.confidence[11], found.accuracy[11]) == (0.75, pytest.approx(2 / 3))
    assert found.expected_calibration_error == pytest.approx(3 / 4 * (0.75 - 2 / 3))
    assert found.negative_log_likelihood == pytest.approx(-(2 * math.log(0.75) + math.log(0.25)) / 4)


def test_an_upper_edge_belongs_to_its_bin_and_a_score_of_zero_counts_as_the_least():
    found = frame_calibration([np.array([[0.6, 0.4, 0.0]])], [np.array([2])])
    assert np.flatnonzero(found.frames).tolist() == [8]
    assert found.negative_log_likelihood == pytest.approx(87.3365, abs=1e-3)


def test_its_measures_are_those_that_json_has():
    found = frame_calibration([np.array([[0.7, 0.3], [0.4, 0.6]])], [np.array([0, 0])])
    content = found.to_json()
    assert found.measures() == {name: value for name, value in content.items() if name != "reliability"}
    assert found.measures()["expected_calibration_error"] == found.expected_calibration_error > 0


def test_what_is_right_and_sure_has_no_error():
    found = frame_calibration([np.eye(3)], [np.arange(3)])
    assert (found.expected_calibration_error, found.negative_log_likelihood) == (0.0, 0.0)


@settings(max_examples=40)
@given(recordings())
def test_as_the_reference(data):
    scores, targets = data
    found = frame_calibration(scores, targets)
    rows = [row for matrix in scores for row in matrix.astype(float).tolist()]
    labels = [label for target in targets for label in target.tolist()]
    expected = reference.reliability(rows, labels)
    assert np.flatnonzero(found.frames).tolist() == sorted(expected)
    for number, (frames, confidence, right) in expected.items():
        assert found.frames[number] == frames
        assert found.confidence[number] == pytest.approx(confidence / frames)
        assert found.accuracy[number] == pytest.approx(right / frames)
    assert found.expected_calibration_error == pytest.approx(reference.calibration_error(expected), abs=1e-12)
    assert found.negative_log_likelihood == pytest.approx(
        reference.negative_log_likelihood(rows, labels, LEAST), rel=1e-12
    )


@settings(max_examples=40)
@given(recordings())
def test_error_is_at_least_that_of_the_means_and_json_comes_back(data):
    found = frame_calibration(*data)
    assert 0 <= found.expected_calibration_error <= 1
    means = [found.frames @ values / found.frames.sum() for values in (found.confidence, found.accuracy)]
    assert found.expected_calibration_error >= abs(means[0] - means[1]) - 1e-12
    assert found.frames.sum() == sum(int((target >= 0).sum()) for target in data[1])
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.dumps(FrameCalibration.from_json(json.loads(text)).to_json()) == text


@pytest.mark.parametrize(
    ("scores", "target", "said"),
    [([[1.0, 0.0]], [-1], "no recording of the subset has a frame"), ([[2.0, -1.0]], [0], "must be probabilities")],
)
def test_what_cannot_be_calibrated(scores, target, said):
    with pytest.raises(InputError, match=said):
        frame_calibration([np.array(scores)], [np.array(target)])


def test_rows_that_are_no_bins_are_refused():
    row = {"confidence": 0.5, "accuracy": 0.5, "frames": 3}
    for reliability in ({}, {str(BINS + 1): row}, {"1": {**row, "frames": -1}}):
        with pytest.raises(ValueError, match=r"."):
            FrameCalibration.from_json({"reliability": reliability, "negative_log_likelihood": 1.0})


def test_a_detector_is_calibrated_over_all_frames(tiny_dataset):
    random = np.random.default_rng(3)
    shapes = {name: (tiny_dataset.frames(name), len(tiny_dataset.labels)) for name in tiny_dataset.recordings("test")}
    scores = {name: softmax(random.normal(size=shape), axis=1).astype(np.float32) for name, shape in shapes.items()}
    found = calibration_of_decoded(decode_subset(tiny_dataset, "test", scores, [3]))
    names = sorted(scores)
    expected = frame_calibration([scores[name] for name in names], [tiny_dataset.frame_labels(name) for name in names])
    assert json.dumps(found.to_json()) == json.dumps(expected.to_json())
