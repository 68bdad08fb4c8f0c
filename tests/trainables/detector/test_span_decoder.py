"""Spans frame by frame: the same as offline decoding to the last bit, known as soon as they can be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.frames import frame_span, seconds
from crescendo.trainables.detector.events import Alarm, Begun, Ended, Revised
from crescendo.trainables.detector.span_decoder import SpanDecoder
from crescendo.trainables.evaluation.early_warning import alarm_thresholds
from crescendo.trainables.evaluation.result_format import in_seconds
from crescendo.trainables.evaluation.span_scores import span_scores
from crescendo.trainables.inference.decoded_subset import decode_subset
from crescendo.trainables.inference.decoding import decode

FPS = 6.25
LABELS = ("background", "a", "b", "c", "d")


@st.composite
def frame_scores(draw: st.DrawFn) -> np.ndarray:
    """Float32 softmax scores with runs, gaps and ties, and sums that are not exact in float64."""
    runs = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=25))
    labels = np.array([label for label, length in runs for _ in range(length)], dtype=int)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = random.normal(size=(len(labels), len(LABELS))) * draw(st.sampled_from([0.0, 1.0, 8.0]))
    logits[np.arange(len(labels)), labels] += draw(st.sampled_from([0.0, 2.0, 6.0]))
    weights = np.exp(logits)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def streamed(scores, merge_gap, **options):
    """All events, each with the number of the frame that made it known; those of the end with the number of frames."""
    decoder = SpanDecoder(LABELS, merge_gap, **options)
    events = [
        (frame, event)
        for frame, row in enumerate(scores)
        for event in decoder.push(row, seconds(frame, FPS), seconds(frame + 1, FPS))
    ]
    return events + [(len(scores), event) for event in decoder.close()]


def detections(events):
    found = [event.detection for _, event in events if isinstance(event, Ended)]
    return sorted(found, key=lambda one: (one.start, LABELS.index(one.label)))


@settings(max_examples=400, deadline=None)
@given(frame_scores(), st.integers(0, 25))
def test_what_ended_is_what_offline_decoding_finds_to_the_last_bit(scores, merge_gap):
    assert detections(streamed(scores, merge_gap)) == in_seconds(decode(scores, merge_gap), LABELS, FPS)


def test_long_spans_with_many_filled_gaps_agree_to_the_last_bit():
    random = np.random.default_rng(0)
    weights = random.random((20_000, len(LABELS))) ** 3
    scores = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    for merge_gap in (2, 5, 12, 40):
        assert detections(streamed(scores, merge_gap)) == in_seconds(decode(scores, merge_gap), LABELS, FPS)


@settings(deadline=None)
@given(frame_scores(), st.integers(0, 25))
def test_at_every_frame_the_open_spans_are_those_of_decoding_what_was_seen(scores, merge_gap):
    """An event's end and score are what offline decoding of the frames up to it says of the span."""
    for frame, event in streamed(scores, merge_gap):
        if frame == len(scores) or isinstance(event, Ended):
            continue
        seen = in_seconds(decode(scores[: frame + 1], merge_gap), LABELS, FPS)
        assert (event.label, event.start, event.end, event.score) in seen
        assert event.time == event.end == seconds(frame + 1, FPS)


@settings(deadline=None)
@given(frame_scores(), st.integers(0, 25))
def test_every_span_begins_once_and_ends_once_and_is_closed_when_the_gap_has_passed(scores, merge_gap):
    begun, ended = {}, {}
    for frame, event in streamed(scores, merge_gap):
        span = event.label, event.start
        if isinstance(event, Begun):
            assert span not in begun
            begun[span] = frame
            assert event.start == seconds(frame, FPS)  # at the very frame
        elif isinstance(event, Ended):
            assert span not in ended
            ended[span] = frame
            last = round(event.end * FPS) - 1
            assert frame == min(last + max(merge_gap, 1), len(scores))
        else:
            assert span in begun
            assert span not in ended
    assert begun.keys() == ended.keys()


def test_a_span_is_revised_when_a_run_joins_it_and_now_and_then():
    scores = np.eye(5, dtype=np.float32)[[1] * 7 + [0] * 3 + [1] * 3]
    known = [(frame, event.kind, round(event.score, 3)) for frame, event in streamed(scores, 5, revise_every=3)]
    assert known == [
        (0, "begun", 1.0),
        (2, "revised", 1.0),
        (5, "revised", 1.0),
        (10, "revised", 0.727),  # 8 of 11 frames
        (11, "revised", 0.75),
        (13, "ended", 0.769),
    ]


def test_several_spans_wait_at_once_and_closed_ones_come_first():
    scores = np.eye(5, dtype=np.float32)[[1, 2, 1, 3, 0, 0, 0, 4]]
    known = [(frame, event.kind, event.label) for frame, event in streamed(scores, 4)]
    assert known == [
        (0, "begun", "a"),
        (1, "begun", "b"),
        (2, "revised", "a"),
        (3, "begun", "c"),
        (5, "ended", "b"),
        (6, "ended", "a"),
        (7, "ended", "c"),
        (7, "begun", "d"),
        (8, "ended", "d"),
    ]


@settings(deadline=None)
@given(frame_scores(), st.integers(0, 25), st.floats(0, 1))
def test_an_alarm_is_raised_at_the_first_frame_whose_score_so_far_reaches_the_threshold(scores, merge_gap, threshold):
    found = {
        (e.label, e.start): frame
        for frame, e in streamed(scores, merge_gap, thresholds={"a": threshold})
        if isinstance(e, Alarm)
    }
    expected = {}
    for frame, row in enumerate(scores):
        if row.argmax() == 1:
            spans = in_seconds(decode(scores[: frame + 1], merge_gap), LABELS, FPS)
            current = max(one for one in spans if one.label == "a")
            if current.score >= threshold:
                expected.setdefault((current.label, current.start), frame)
    assert found == expected


@pytest.mark.parametrize("rate", [400.0, 2000.0])
def test_thresholds_keep_their_promise_on_the_split_they_were_chosen_on(tiny_dataset, rate):
    """False alarms of the stream itself, counted from its events."""
    random = np.random.default_rng(3)
    scores = {}
    for name in tiny_dataset.recordings("validation"):
        logits = random.normal(size=(tiny_dataset.frames(name), 4)) * 2
        logits[np.arange(len(logits)), tiny_dataset.frame_labels(name)] += 2
        scores[name] = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    spans = span_scores(decode_subset(tiny_dataset, "validation", scores, [3]))
    [thresholds] = alarm_thresholds(spans, [rate]).values()
    false, raised, hours = dict.fromkeys(tiny_dataset.labels[1:], 0), 0, 0.0
    for name, matrix in scores.items():
        recording = tiny_dataset.annotations.recordings[name]
        hours += recording.duration / 3600
        decoder = SpanDecoder(tiny_dataset.labels, 3, thresholds=thresholds)
        events = [event for frame, row in enumerate(matrix) for event in decoder.push(row, frame, frame + 1)]
        alarms = {}
        for event in (*events, *decoder.close()):
            if isinstance(event, Alarm):
                alarms[event.label, event.start] = event.time - 1
            elif isinstance(event, Ended) and (event.label, event.start) in alarms:
                since = alarms[event.label, event.start]
                false[event.label] += wrong(recording, event, since, tiny_dataset.fps)
                raised += 1
    assert raised > 3
    assert all(count <= rate * hours for count in false.values())


def wrong(recording, event, since, fps):
    spans = [frame_span(one.start, one.end, fps) for one in recording.segments if one.label == event.label]
    return not any(first < event.end and last > since for first, last in spans)


def test_the_last_revision_of_a_span_that_runs_to_the_end_is_its_detection():
    scores = np.eye(5, dtype=np.float32)[[0, 1, 1, 1, 1]]
    *_, (_, before), (_, last) = streamed(scores, 20)
    assert isinstance(before, Revised)
    assert (before.label, before.start, before.end, before.score) == last.detection
