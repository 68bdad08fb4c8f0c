"""Progression curves and violations of monotonicity."""

import numpy as np
import pytest

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.progression import POINTS, progression


@pytest.fixture
def prepared(tmp_path):
    def make(segments, duration=60.0, labels=("run", "walk")):
        metadata = DatasetMetadata("progression", 1.0, "none", "test", "none")
        recording = Recording("test", duration, tuple(Segment(*segment) for segment in segments))
        return write_dataset(tmp_path / "data", metadata, Annotations({"a": recording}), labels=labels)

    return make


def softmax(seed, frames, width=3):
    values = np.exp(np.random.default_rng(seed).normal(size=(frames, width)))
    return values / values.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_mean_margin_is_mean_score_minus_mean_worst_negative(prepared, seed):
    dataset = prepared([("run", 0.0, 1.0), ("walk", 3.0, 5.0), ("run", 9.0, 40.0), ("walk", 30.0, 60.0)])
    result = progression(dataset, "test", {"a": softmax(seed, 60)})
    np.testing.assert_allclose(result.score - result.worst_negative, result.margin, rtol=0, atol=1e-15)
    assert result.segments == 4


def test_curves_run_linearly_from_the_first_frame_to_the_last(prepared):
    dataset = prepared([("run", 10.0, 15.0), ("walk", 20.0, 21.0)])
    scores = np.zeros((60, 3))
    scores[10:15] = [[0.5, 0.1, 0.4], [0.4, 0.2, 0.4], [0.3, 0.3, 0.4], [0.2, 0.4, 0.4], [0.1, 0.5, 0.4]]
    scores[20] = [0.2, 0.5, 0.3]
    result = progression(dataset, "test", {"a": scores})
    np.testing.assert_allclose(result.score, (np.linspace(0.1, 0.5, POINTS) + 0.3) / 2, rtol=0, atol=1e-15)
    rival = np.maximum(0.4, np.linspace(0.5, 0.1, POINTS))
    assert result.worst_negative[0] == pytest.approx((0.5 + 0.5) / 2)
    assert result.worst_negative[-1] == pytest.approx((rival[-1] + 0.5) / 2)
    # Nothing falls: the only frame of the second segment is its first, which has none before it.
    assert (result.score_violation.share, result.score_violation.depth) == (0.0, 0.0)


def test_violations_are_measured_from_the_largest_value_so_far(prepared):
    dataset = prepared([("run", 0.0, 5.0)], duration=5.0)
    score = np.array([0.3, 0.6, 0.5, 0.6, 0.2])
    scores = np.column_stack(((1 - score) * 0.6, score, (1 - score) * 0.4))
    result = progression(dataset, "test", {"a": scores})
    assert result.score_violation.share == 2 / 4
    assert result.score_violation.depth == pytest.approx((0.1 + 0.4) / 2)
    # The margin is score - 0.6 (1 - score): it falls with the score, 1.6 times as deep.
    assert result.margin_violation.share == 2 / 4
    assert result.margin_violation.depth == pytest.approx(1.6 * (0.1 + 0.4) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_violations_agree_with_a_loop_over_frames(prepared, seed):
    bounds = [(0, 1), (3, 5), (9, 40), (30, 60)]
    dataset = prepared([("run", float(first), float(last)) for first, last in bounds])
    scores = softmax(seed, 60)
    result = progression(dataset, "test", {"a": scores})
    for violation, quantity in (
        (result.score_violation, scores[:, 1]),
        (result.margin_violation, scores[:, 1] - scores[:, [0, 2]].max(axis=1)),
    ):
        depths, frames = [], 0
        for first, last in bounds:
            for frame in range(first + 1, last):
                frames += 1
                largest = max(quantity[first:frame])
                if quantity[frame] < largest:
                    depths.append(largest - quantity[frame])
        assert violation.share == len(depths) / frames
        assert violation.depth == pytest.approx(np.mean(depths), abs=1e-12)


def test_result_as_json(prepared):
    dataset = prepared([("run", 0.0, 5.0), ("walk", 8.6, 9.4)])
    content = progression(dataset, "test", {"a": softmax(0, 60)}).to_json()
    assert len(content["score"]) == len(content["margin"]) == len(content["worst_negative"]) == POINTS
    assert set(content["violations"]) == {"score", "margin"}
    assert set(content["violations"]["score"]) == {"share", "depth"}
    assert (content["segments"], content["without_frames"]) == (1, 1)


def test_curves_and_violations_are_there_by_name_as_in_json(prepared):
    dataset = prepared([("run", 0.0, 5.0), ("walk", 3.0, 9.0)])
    found = progression(dataset, "test", {"a": softmax(1, 60)})
    content = found.to_json()
    assert {name: curve.tolist() for name, curve in found.curves.items()} == {
        name: content[name] for name in found.curves
    }
    assert found.curves["margin"] == pytest.approx(found.curves["score"] - found.curves["worst_negative"])
    assert {name: one.share for name, one in found.violations.items()} == {
        name: one["share"] for name, one in content["violations"].items()
    }


def test_bad_input_is_named(prepared):
    dataset = prepared([("run", 0.6, 1.4)])
    with pytest.raises(InputError, match="no segment with a frame"):
        progression(dataset, "test", {"a": softmax(0, 60)})
    with pytest.raises(InputError, match="shape"):
        progression(dataset, "test", {"a": softmax(0, 59)})
    broken = softmax(0, 60)
    broken[5] = np.nan
    with pytest.raises(InputError, match="frame 5"):
        progression(dataset, "test", {"a": broken})
