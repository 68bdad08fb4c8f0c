"""Live detection: the same detections as offline, and frames that cannot be used change nothing."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.detector import Alarm, Begun, Ended, Frame
from crescendo.trainables.detector.stream import TimeGapError
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import in_seconds
from crescendo.trainables.inference.decoding import decode
from crescendo.trainables.inference.scoring import score_recordings


def features(frames: int, seed: int = 0) -> np.ndarray:
    """Features that stay alike for some frames, as those of activities do."""
    random = np.random.default_rng(seed)
    return (
        np.repeat(random.normal(size=(frames // 5 + 1, 6)) * 2, 5, axis=0)[:frames] + random.normal(size=(frames, 6))
    ).astype("float32")


def literal_scores(detector, matrix):
    """Frame by frame through the step, nothing else."""
    state, rows = detector.model.initial_state(1), []
    with torch.inference_mode():
        for row in matrix:
            scores, *state = detector.step(torch.from_numpy(row.astype("float32"))[None], *state)
            rows.append(scores[0].numpy())
    return np.array(rows).reshape(-1, len(detector.labels))


def ended(events):
    return [event.detection for event in events if isinstance(event, Ended)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 200), st.integers(0, 2**16), st.sampled_from(["memory", "state", "none"]), st.integers(0, 12))
def test_streamed_and_offline_are_the_same_to_the_last_bit(make_detector, frames, seed, reset, merge_gap):
    detector = make_detector(reset=reset, merge_gap=merge_gap)
    matrix = features(frames, seed)
    offline = detector.detect(matrix)
    assert sorted(ended(detector.stream(matrix)), key=lambda one: one.start) == sorted(
        offline, key=lambda one: one.start
    )
    assert offline == in_seconds(decode(literal_scores(detector, matrix), merge_gap), detector.labels, 5.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 200), st.integers(0, 2**16), st.sampled_from(["state", "none"]), st.integers(1, 2))
def test_so_they_are_with_a_gru(make_detector, frames, seed, reset, layers):
    detector = make_detector(model="gru", reset=reset, layers=layers)
    matrix = features(frames, seed)
    offline = detector.detect(matrix)
    assert sorted(ended(detector.stream(matrix)), key=lambda one: one.start) == sorted(
        offline, key=lambda one: one.start
    )
    assert offline == in_seconds(decode(literal_scores(detector, matrix), 4), detector.labels, 5.0)


GRU = {"model": "gru", "reset": "state"}


@pytest.mark.parametrize(
    "settings",
    [{}, {"model": "cnn"}, {"layers": 2}, {"fc7_size": 5}, {"reset": "state"}, GRU, {**GRU, "layers": 2}],
)
def test_the_detections_of_a_data_set_are_those_of_its_recordings_but_for_rounding(
    make_detector, tiny_dataset, settings
):
    detector = make_detector(**settings)
    found = detector.detect_dataset(tiny_dataset, "test")
    assert set(found) == set(tiny_dataset.recordings("test"))
    scores = score_recordings(detector.model, tiny_dataset, tiny_dataset.recordings("test"), detector.metadata.reset)
    for name, offline in found.items():
        np.testing.assert_allclose(scores[name], literal_scores(detector, tiny_dataset.features(name)), atol=2e-6)
        one_by_one = detector.detect(tiny_dataset.features(name))
        assert [one[:3] for one in one_by_one] == [one[:3] for one in offline]
        assert [one.score for one in one_by_one] == pytest.approx([one.score for one in offline], abs=2e-6)
    assert sum(map(len, found.values())) > 3


BAD = [
    (np.full(6, np.nan), "holds nan as feature 0"),
    (np.array([0, 0, np.inf, 0, 0, 0]), "holds inf as feature 2"),
    (np.full(6, 1e39), "every value must be finite in float32"),
    (np.zeros(5), r"has shape \(5,\); the model takes \(6,\)"),
    (np.zeros((1, 6)), r"has shape \(1, 6\)"),
    (np.float32(3), r"has shape \(\)"),
    (np.zeros(6, complex), "is of type complex128"),
    (np.zeros(6, bool), "is of type bool"),
    (np.array([None] * 6), "is of type object"),
    (["1", "2", "3", "4", "5", "6"], "features are real numbers"),
    ([[1.0], [2.0, 3.0]], "is no array of numbers"),
    (None, "is of type object"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=range(len(BAD)))
def test_a_bad_frame_is_named_and_the_stream_usable_after_it(detector, bad, reason):
    matrix = features(40)
    stream, events = detector.stream(), []
    for number, row in enumerate(matrix):
        if number in (0, 17, 18):
            with pytest.raises(InputError, match=rf"^frame {number}: .*{reason}"):
                stream.push(bad)
        events += stream.push(row)
    assert ended(events + stream.close()) == ended(detector.stream(matrix))
    assert stream.frames == 40


def test_a_frame_whose_scores_are_not_finite_is_named_too(make_detector):
    detector = make_detector(seed=1)  # one that no other test uses
    detector.model.scale.fill_(1e10)
    stream = detector.stream()
    with pytest.raises(InputError, match=r"^frame 0: has values so large that its scores are not finite"):
        stream.push(np.full(6, 3e38, "float32"))
    assert stream.push(np.ones(6)) == detector.stream().push(np.ones(6))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from([bad for bad, _ in BAD])), max_size=12))
def test_bad_frames_anywhere_leave_no_trace_also_when_iterating(detector, bad_frames):
    matrix = list(features(60))
    mixed = list(matrix)
    for place, bad in sorted(bad_frames, key=lambda one: -one[0]):
        mixed.insert(place, bad)
    stream, events, errors = detector.stream(mixed), [], 0
    while True:
        try:
            events.append(next(stream))
        except StopIteration:
            break
        except InputError:
            errors += 1
    assert errors == len(bad_frames)
    assert events == list(detector.stream(matrix))


@pytest.mark.parametrize("kind", ["float16", "float64", "int64", ">f4", "list"])
def test_numbers_of_any_kind_are_taken(detector, kind):
    matrix = np.round(features(30))
    given = matrix.tolist() if kind == "list" else matrix.astype(kind)
    assert list(detector.stream(given)) == list(detector.stream(matrix))


def test_the_callers_array_may_change_after_the_frame(detector):
    buffer, matrix, events = np.empty(6, "float32"), features(30), []
    stream = detector.stream()
    for row in matrix:
        buffer[:] = row
        events += stream.push(buffer)
        buffer[:] = np.nan
    assert events + stream.close() == list(detector.stream(matrix))


def test_holding_lets_the_last_frame_stand_in_for_a_bad_one(detector):
    matrix = features(30)
    held = matrix.copy()
    held[12] = held[11]
    stream, events = detector.stream(), []
    for number, row in enumerate(matrix):
        events += stream.hold() if number == 12 else stream.push(row)
    assert events + stream.close() == list(detector.stream(held))


def test_nothing_can_stand_in_for_the_first_frame(detector):
    stream = detector.stream()
    assert not stream.can_hold
    with pytest.raises(InputError, match=r"^frame 0: there is no frame before it"):
        stream.hold()


def test_time_stamps_are_those_of_the_events(detector):
    matrix = features(60)
    plain = list(detector.stream(matrix))
    stamped = list(detector.stream(Frame(row, 1000 + number / 5) for number, row in enumerate(matrix)))
    assert [(one.kind, one.label, one.score) for one in stamped] == [(one.kind, one.label, one.score) for one in plain]
    assert [one.start for one in stamped] == pytest.approx([1000 + one.start for one in plain], abs=1e-9)
    assert [one.time for one in stamped] == pytest.approx([1000 + one.time for one in plain], abs=1e-9)


def test_a_clock_may_drift_and_jitter_but_not_jump(detector):
    random = np.random.default_rng(0)
    times = np.cumsum(0.2 * (1.02 + random.uniform(-0.4, 0.4, 300)))
    events = list(detector.stream(Frame(row, time) for row, time in zip(features(300), times, strict=True)))
    assert len(events) > 10
    assert {event.start for event in events} <= set(times)


@pytest.mark.parametrize("time", [13.0, 1.2, 0.5, -4.0, np.nan, np.inf, "now", True])
def test_a_gap_in_the_time_stamps_is_named_and_the_stream_usable_after_it(detector, time):
    matrix = features(30)
    stream, events = detector.stream(), []
    for number, row in enumerate(matrix):
        if number == 5:
            with pytest.raises(InputError, match=r"^frame 5: has the time stamp "):
                stream.push(row, time)
        events += stream.push(row, number / 5)
    assert len(ended(events + stream.close())) == len(detector.detect(matrix))


def test_after_a_gap_a_restart_begins_afresh_at_the_new_time(detector):
    first, second = features(30), features(30, seed=1)
    stream = detector.stream()
    events = [event for number, row in enumerate(first) for event in stream.push(row, number / 5)]
    with pytest.raises(TimeGapError, match=r"has the time stamp 50 s but was due at 6 s \(5 frames a second\)"):
        stream.push(second[0], 50.0)
    events += stream.restart()
    assert len(ended(events)) == len(detector.detect(first))
    later = [event for number, row in enumerate(second) for event in stream.push(row, 50 + number / 5)] + stream.close()
    expected = list(detector.stream(second))
    assert [(one.kind, one.label, one.score) for one in later] == [(one.kind, one.label, one.score) for one in expected]
    assert [one.start for one in later] == pytest.approx([50 + one.start for one in expected], abs=1e-9)


def test_a_restart_can_say_when_it_is(detector):
    stream = detector.stream(features(10))
    list(stream)
    stream.restart(100.0)
    events = [event for row in features(40) for event in stream.push(row)]
    assert events[0].start >= 100


def test_alarms_are_those_of_the_rate(detector):
    matrix = features(200)
    alarms = [event for event in detector.stream(matrix, alarm="1/h") if isinstance(event, Alarm)]
    assert {one.label for one in alarms} == {"jump", "run"}
    assert all(one.score >= one.threshold == {"jump": 0.3, "run": 0.25}[one.label] for one in alarms)
    others = [event for event in detector.stream(matrix, alarm="1/h") if not isinstance(event, Alarm)]
    assert others == list(detector.stream(matrix))
    with pytest.raises(InputError, match=r"alarm rate 2/h: the model has no thresholds for it; it has 1/h"):
        detector.stream(alarm="2/h")


def test_an_endless_source_is_followed_frame_by_frame(detector):
    taken = itertools.count()

    def endless():
        for row in itertools.cycle(features(50)):
            next(taken)
            yield row

    first = next(event for event in detector.stream(endless()) if isinstance(event, Begun))
    assert next(taken) == round(first.time * 5)


def test_an_empty_stream_has_no_events(detector):
    assert list(detector.stream([])) == []
    assert detector.stream().close() == []
    assert detector.detect(np.zeros((0, 6))) == []


def test_a_data_set_of_other_features_is_refused(make_detector, detector, tiny_dataset):
    metadata = detector.metadata.model_copy(update={"fps": 25.0})
    with pytest.raises(InputError, match="has 6 features at 5 frames a second, the model takes 6 at 25"):
        type(detector)(metadata, detector.model).detect_dataset(tiny_dataset, "test")
