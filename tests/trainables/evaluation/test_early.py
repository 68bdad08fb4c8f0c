"""Early detection: where sequences begin and end, and the literal reference."""

import math

import numpy as np
import pytest
import reference_detection
import reference_evaluation

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.data.frames import frame_span
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early import early_detection, observed_parts, sequences
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth
from crescendo.trainables.evaluation.protocols import PROTOCOLS

FPS = 2.0
FRACTIONS = (0.1, 0.3, 0.55, 1.0)
IOU = (0.1, 0.5, 0.8)


@pytest.fixture
def prepared(tmp_path):
    def make(recordings, labels=None):
        metadata = DatasetMetadata("early", FPS, "none", "test", "none")
        written = {
            name: Recording("test", duration, tuple(Segment(*segment) for segment in segments))
            for name, (duration, segments) in recordings.items()
        }
        return write_dataset(tmp_path / "data", metadata, Annotations(written), labels=labels)

    return make


def spans_of(dataset):
    return [(one.recording, one.first, one.onset, one.end) for one in sequences(dataset, "test")]


def test_a_sequence_begins_where_the_activity_before_it_ended(prepared):
    dataset = prepared({"b": (50.0, [("run", 10.0, 20.0), ("walk", 30.0, 40.0)]), "a": (20.0, [("run", 5.0, 10.0)])})
    assert spans_of(dataset) == [("a", 0, 10, 20), ("b", 0, 20, 40), ("b", 40, 60, 80)]


def test_touching_and_overlapping_activities_leave_no_background_before(prepared):
    dataset = prepared(
        {"a": (100.0, [("run", 10.0, 30.0), ("walk", 30.0, 40.0), ("jump", 35.0, 50.0), ("run", 60.0, 70.0)])}
    )
    assert spans_of(dataset) == [("a", 0, 20, 60), ("a", 60, 60, 80), ("a", 70, 70, 100), ("a", 100, 120, 140)]


def test_an_activity_within_another_does_not_end_it(prepared):
    dataset = prepared({"a": (100.0, [("run", 10.0, 60.0), ("walk", 20.0, 30.0), ("jump", 40.0, 50.0)])})
    assert spans_of(dataset) == [("a", 0, 20, 120), ("a", 40, 40, 60), ("a", 80, 80, 100)]


def test_activities_that_start_together_begin_alike(prepared):
    dataset = prepared({"a": (100.0, [("run", 10.0, 20.0), ("walk", 40.0, 45.0), ("jump", 40.0, 60.0)])})
    assert spans_of(dataset)[1:] == [("a", 40, 80, 90), ("a", 40, 80, 120)]


def test_frames_beyond_the_recording_are_cut(prepared):
    assert spans_of(prepared({"a": (20.0, [("run", 15.0, 20.8)])})) == [("a", 0, 30, 40)]


def test_the_observed_part_is_rounded_up_to_whole_frames(prepared):
    one = sequences(prepared({"a": (100.0, [("run", 10.0, 60.0)])}), "test")[0]
    assert [one.observed(fraction).last - one.onset for fraction in (0.07, 0.071, 0.3, 1.0)] == [7, 8, 30, 100]


def test_the_truth_is_cut_where_the_last_frame_observed_ends(prepared):
    """The example of protocol section 5."""
    dataset = prepared({"a": (100.0, [("run", 10.0, 13.5)])})
    parts = observed_parts(dataset, "test", sure_model(dataset), merge_gap=0, fractions=(0.3, 1.0))
    assert [(one.truth.segments.start[0], one.truth.segments.end[0]) for one in parts] == [(10.0, 11.5), (10.0, 13.5)]


def causal_model(dataset, seed):
    """A stand-in for a causal model of fresh state: what it says of a frame hangs on the frames since the first."""

    def score(asked):
        for sequence in asked:
            random = np.random.default_rng((seed, sequence.first, len(sequence.recording)))
            frames = sequence.last - sequence.first
            assert frames > 0
            scores = random.random((frames, len(dataset.labels)))
            labels = dataset.frame_labels(sequence.recording)[sequence.first : sequence.last]
            scores[np.arange(frames), labels] += 0.6
            yield scores / scores.sum(axis=1, keepdims=True)

    return score


def reference(dataset, model, fraction, merge_gap, iou, protocol):
    """Protocol section 5, one activity at a time, each fraction by a pass of its own."""
    truth, found = [], []
    number = 0
    for recording in sorted(dataset.recordings("test")):
        listed = sorted(dataset.annotations.recordings[recording].segments, key=lambda one: one.start)
        for segment in listed:
            onset, end = frame_span(segment.start, segment.end, dataset.fps)
            before = [frame_span(o.start, o.end, dataset.fps)[1] for o in listed if o.start < segment.start]
            first = min(max(before, default=0), onset)
            last = onset + math.ceil(round(fraction * (end - onset), 6))
            label = dataset.labels.index(segment.label)
            start = max(segment.start, first / dataset.fps)
            stop = max(start, min(segment.end, last / dataset.fps)) if last > onset else start
            truth.append((number, label, start, stop))
            asked = type(sequences(dataset, "test")[0].observed(1.0))(recording, first, last)
            if last > first:
                [scores] = model([asked])
                for label, begin, finish, score in reference_detection.decode(scores, merge_gap):
                    times = ((first + begin) / dataset.fps, (first + finish) / dataset.fps)
                    found.append((number, label, *times, score, 0, 1))
            number += 1
    truth_columns = [np.array(column) for column in zip(*truth, strict=True)]
    found_columns = [np.array(column) for column in zip(*found, strict=True)]
    result = reference_evaluation.average_precision(
        GroundTruth(*truth_columns), DetectionArrays(*found_columns), iou, protocol
    )
    return {dataset.labels[label]: row for label, row in result.items()}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_literal_reference(prepared, protocol, seed):
    random = np.random.default_rng(seed)
    recordings = {}
    for number in range(3):
        starts = np.sort(random.uniform(0, 55, size=5)).round(1)
        lengths = random.choice([0.0, 0.1, 2.0, 5.0, 12.0], size=5)
        labels = random.choice(["run", "walk"], size=5)
        segments = [
            (str(label), float(start), float(min(start + length, 60.0)))
            for label, start, length in zip(labels, starts, lengths, strict=True)
        ]
        recordings["r" * (number + 1)] = (60.0, segments)
    dataset = prepared(recordings)
    model = causal_model(dataset, seed)
    result = early_detection(
        dataset, "test", model, merge_gap=3, fractions=FRACTIONS, iou=IOU, rule=PROTOCOLS[protocol]
    )
    for fraction, evaluation in zip(FRACTIONS, result.evaluations, strict=True):
        expected = reference(dataset, model, fraction, 3, IOU, protocol)
        assert evaluation.labels == tuple(sorted(expected))
        for label, row in zip(evaluation.labels, evaluation.ap, strict=True):
            np.testing.assert_allclose(row, expected[label], rtol=0, atol=1e-12)


def sure_model(dataset):
    """A model that is always right and always sure."""

    def score(asked):
        return [np.eye(len(dataset.labels))[dataset.frame_labels(one.recording)[one.first : one.last]] for one in asked]

    return score


def test_a_model_that_is_always_right_scores_1_at_every_fraction(prepared):
    dataset = prepared({"a": (100.0, [("run", 10.0, 30.0), ("walk", 30.0, 40.0), ("run", 60.0, 70.0)])})
    result = early_detection(dataset, "test", sure_model(dataset), merge_gap=20, fractions=FRACTIONS, iou=IOU)
    assert (result.mean_ap == 1.0).all()
    content = result.to_json()
    assert list(content["mAP"]) == ["0.10", "0.30", "0.55", "1.00"]
    assert content["mAP"]["0.30"] == {"0.10": 1.0, "0.50": 1.0, "0.80": 1.0}
    assert content["AP"]["walk"]["0.30"]["0.50"] == 1.0


def test_the_model_is_asked_once_and_for_no_more_than_the_largest_fraction(prepared):
    dataset = prepared({"a": (100.0, [("run", 10.0, 30.0), ("walk", 30.0, 30.1), ("jump", 50.0, 60.0)])})
    calls = []

    def recording_model(asked):
        calls.append(list(asked))
        return sure_model(dataset)(asked)

    early_detection(dataset, "test", recording_model, merge_gap=0, fractions=(0.3, 0.5), iou=IOU)
    # The second activity holds no frame and follows on the first: there is nothing to show, and nothing that could hit.
    assert calls == [[("a", 0, 40), ("a", 60, 110)]]


def test_an_activity_without_frames_counts_as_missed(prepared):
    dataset = prepared({"a": (100.0, [("run", 10.0, 30.0), ("walk", 40.3, 40.7)])})
    result = early_detection(dataset, "test", sure_model(dataset), merge_gap=0, fractions=(1.0,), iou=(0.5,))
    assert result.to_json()["AP"] == {"run": {"1.00": {"0.50": 1.0}}, "walk": {"1.00": {"0.50": 0.0}}}


def test_no_activity_with_frames_at_all_scores_0_and_asks_for_nothing(prepared):
    dataset = prepared({"a": (100.0, [("run", 0.0, 0.1)])})
    result = early_detection(dataset, "test", lambda asked: asked, merge_gap=0, fractions=(1.0,), iou=(0.5,))
    assert result.mean_ap.tolist() == [[0.0]]


def test_ambiguous_segments_are_no_test_activities_under_thumos14(prepared):
    dataset = prepared({"a": (100.0, [("run", 10.0, 30.0), ("Ambiguous", 40.0, 50.0)])})
    options = {"merge_gap": 0, "fractions": (1.0,), "iou": (0.5,), "rule": PROTOCOLS["thumos14"]}
    result = early_detection(dataset, "test", sure_model(dataset), **options)
    assert result.evaluations[0].labels == ("run",)


def test_bad_input_is_named(prepared):
    dataset = prepared({"a": (100.0, [("run", 10.0, 30.0)])})
    options = {"merge_gap": 0, "iou": (0.5,)}
    with pytest.raises(InputError, match="fractions"):
        early_detection(dataset, "test", sure_model(dataset), fractions=(0.0,), **options)
    with pytest.raises(InputError, match="shape"):
        early_detection(dataset, "test", lambda _: [np.zeros((3, 2))], fractions=(1.0,), **options)
    with pytest.raises(InputError, match=r"recording='a'.*frame 0"):
        early_detection(dataset, "test", lambda _: [np.full((60, 2), np.nan)], fractions=(1.0,), **options)
    with pytest.raises(InputError, match="validation"):
        early_detection(dataset, "validation", sure_model(dataset), fractions=(1.0,), **options)


def test_a_subset_without_activities_is_refused(prepared):
    dataset = prepared({"a": (100.0, [])}, labels=["run"])
    with pytest.raises(InputError, match="no activities"):
        early_detection(dataset, "test", sure_model(dataset), merge_gap=0, fractions=(1.0,), iou=(0.5,))
