"""Alarms: thresholds from the validation split, false alarms, and how much of an activity had been seen."""

import itertools
import json
import math

import numpy as np
import pytest
import reference_online
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Recording, Segment
from crescendo.trainables.data.frames import frame_span
from crescendo.trainables.detector.events import Alarm
from crescendo.trainables.detector.span_decoder import SpanDecoder
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early_classification import EarlyClassification
from crescendo.trainables.evaluation.early_warning import (
    RATES,
    alarm_thresholds,
    choose_thresholds,
    parse_rate,
    raise_alarms,
    rate_key,
)
from crescendo.trainables.evaluation.span_scores import span_scores
from crescendo.trainables.inference.decoded_subset import decode_subset

FPS = 0.05  # frames of 20 seconds, so that a few of them are a good part of an hour
LABELS = ("background", "run", "walk")
NAMES = LABELS[1:]


class Listed:
    """A data set in memory: recording -> (frames, segments as (label, first, last) in frames), one subset."""

    def __init__(self, recordings, labels=LABELS):
        self.labels, self.fps, self._recordings = labels, FPS, recordings
        self.annotations = self

    @property
    def recordings(self):
        return _Names(self._recordings)

    def frames(self, recording):
        return self._recordings[recording][0]


class _Names(dict):
    """What `Dataset.recordings` and `Annotations.recordings` are, in one."""

    def __init__(self, recordings):
        super().__init__(
            (name, Recording("test", frames / FPS, tuple(Segment(label, a / FPS, b / FPS) for label, a, b in segments)))
            for name, (frames, segments) in recordings.items()
        )

    def __call__(self, subset):
        return tuple(self)


def frames_of(path, score=0.75):
    """Scores whose argmax goes along `path`, a letter a frame: `.` background, r run, w walk."""
    matrix = np.full((len(path), 3), (1 - score) / 2)
    for frame, letter in enumerate(path):
        matrix[frame, ".rw".index(letter)] = score
    return matrix


def span_scores_of(dataset, scores, merge_gap):
    return span_scores(decode_subset(dataset, "test", scores, [merge_gap]))


def warned(path, segments, threshold, merge_gap=3, score=0.75):
    dataset = Listed({"a": (len(path), segments)})
    scores = {"a": frames_of(path, score) if isinstance(path, str) else path}
    return raise_alarms(span_scores_of(dataset, scores, merge_gap), dict.fromkeys(NAMES, threshold))


def test_the_frame_of_the_alarm_has_been_seen():
    assert warned("....rrrrrr", [("run", 2, 10)], 0.0).observed_fraction.tolist() == [3 / 8]
    # Up before the activity begins: its first frame must have been seen all the same.
    assert warned("rrrrrrrrrr", [("run", 2, 10)], 0.0).observed_fraction.tolist() == [1 / 8]


def test_latency_is_what_has_been_seen_in_seconds():
    found = warned("....rrrrrr", [("run", 2, 10), ("walk", 0, 1)], 0.0)
    assert found.latency.tolist() == [3 / FPS, math.inf]
    summary = found.summary()
    assert (summary.latency.median, summary.latency.quantile_90) == (3 / FPS, None)
    assert summary.measures()["latency_quantile_90_if_detected"] == 3 / FPS
    assert "latency_quantile_90" not in summary.measures()


def test_the_score_so_far_must_reach_the_threshold():
    scores = frames_of("rrrr")
    scores[:, 1] = (0.5, 0.6, 0.9, 0.9)  # means so far 0.5, 0.55, 0.667, 0.725
    scores[:, 0] = scores[:, 2] = 0.05
    assert warned(scores, [("run", 0, 4)], 0.6).observed_fraction.tolist() == [0.75]
    assert warned(scores, [("run", 0, 4)], 0.9).observed_fraction.tolist() == [math.inf]


def test_an_alarm_that_a_falling_score_leaves_stays_up():
    scores = frames_of("rrrr")
    scores[:, 1] = (0.9, 0.4, 0.4, 0.4)
    scores[:, 0] = scores[:, 2] = 0.05
    assert warned(scores, [("run", 3, 4)], 0.8).observed_fraction.tolist() == [1.0]
    assert warned(scores, [("run", 3, 4)], 0.8).false_alarms.tolist() == [0, 0]


def test_an_alarm_of_a_merged_span_stays_up_in_the_gap_and_one_that_only_waits_counts_for_nothing():
    assert warned("rr..rr", [("run", 2, 4)], 0.0).observed_fraction.tolist() == [0.5]
    assert warned("rr....", [("run", 2, 4)], 0.0).observed_fraction.tolist() == [math.inf]
    assert warned("rr....", [("run", 2, 4)], 0.0).false_alarms.tolist() == [1, 0]
    assert warned("rr...rr", [("run", 2, 4)], 0.0).false_alarms.tolist() == [2, 0]


def test_a_gap_raises_no_alarm_before_it_is_filled():
    matrix = np.array([[0.3, 0.4, 0.3], [0.5, 0.49, 0.01], [0.01, 0.49, 0.5], [0.3, 0.4, 0.3]])
    # Means so far 0.4, 0.445, 0.46 and 0.445: the middle two are known only when the last frame fills the gap.
    assert warned(matrix, [("run", 0, 4)], 0.42).observed_fraction.tolist() == [1.0]
    assert warned(matrix, [("run", 0, 4)], 0.45).observed_fraction.tolist() == [math.inf]


def test_an_alarm_is_false_if_it_is_raised_after_its_activity_is_over():
    scores = frames_of("rrrrrr")
    scores[:, 1] = (0.5, 0.5, 0.9, 0.9, 0.9, 0.9)
    scores[:, 0] = scores[:, 2] = 0.05
    assert warned(scores, [("run", 0, 2)], 0.5).false_alarms.tolist() == [0, 0]
    assert warned(scores, [("run", 0, 2)], 0.6).false_alarms.tolist() == [1, 0]


def test_an_activity_of_another_label_makes_no_alarm_right():
    found = warned("rrrr", [("walk", 0, 4)], 0.0)
    assert found.false_alarms.tolist() == [1, 0]
    assert found.observed_fraction.tolist() == [math.inf]


def classified(path, segments, **options):
    found = warned(path, segments, 0.0, **options).classification
    return found.accuracy, found.earliness


def test_the_first_alarm_within_an_activity_classifies_it():
    assert classified("..rrrrrr..", [("run", 2, 10)]) == (1.0, 1 / 8)
    # Walking is announced first: a mistake, and an early one.
    assert classified("..wrrrrr..", [("run", 2, 10)]) == (0.0, 1 / 8)
    # No alarm: wrong, when all has been seen.
    assert classified("..........", [("run", 2, 10)]) == (0.0, 1.0)


def test_an_alarm_from_before_decides_nothing_unless_it_is_right():
    assert classified("wwwwrrrrrr", [("walk", 0, 2), ("run", 2, 10)]) == (1.0, (0.5 + 3 / 8) / 2)
    assert classified("rrrrrrrrrr", [("run", 2, 10)]) == (1.0, 1 / 8)


def test_the_alarm_of_an_activity_that_overlaps_is_no_mistake():
    assert classified("wwrrrrrr..", [("walk", 0, 10), ("run", 0, 10)]) == (1.0, (0.1 + 0.3) / 2)


def test_the_cost_of_early_classification():
    found = EarlyClassification(0.75, 0.4)
    assert [found.cost(alpha) for alpha in (0, 0.5, 1)] == pytest.approx([0.25, 0.45, 0.65])
    assert found.mean_cost == pytest.approx(0.45)
    assert EarlyClassification.from_json(found.to_json()) == found
    assert EarlyClassification.from_json({"segments": 3}) is None


def test_missed_activities_count_as_never_seen_and_apart():
    dataset = Listed({"a": (9, [("run", 0, 4)]), "b": (9, [("run", 2, 4)]), "c": (9, [("run", 0, 4), ("walk", 1, 5)])})
    scores = {"a": frames_of("rrrr....."), "b": frames_of("........."), "c": frames_of(".r.......")}
    found = raise_alarms(span_scores_of(dataset, scores, 3), dict.fromkeys(NAMES, 0.0)).summary().to_json()
    assert (found["segments"], found["detected"]) == (4, 0.5)
    assert found["seen"] == {"median": 0.5, "quantile_90": None}
    assert found["seen_if_detected"] == {"median": 0.25, "quantile_90": 0.5}
    assert found["labels"]["walk"]["seen"] == {"median": None, "quantile_90": None}
    assert found["labels"]["walk"]["detected"] == 0.0
    json.dumps(found, allow_nan=False)


def test_a_subset_without_spans_or_without_segments():
    found = warned("....", [("run", 0, 2)], 0.0).summary().to_json()
    assert (found["detected"], found["false_alarms"]) == (0.0, 0)
    found = warned("rrr.", [], 0.0).summary().to_json()
    assert (found["segments"], found["detected"], found["false_alarms"]) == (0, None, 1)
    assert found["false_alarms_per_hour"] == pytest.approx(3600 / 80)


def test_the_lowest_threshold_that_leaves_out_the_false_alarms_of_the_budget():
    # An hour: 180 frames of 20 seconds. False spans of run score 0.6, 0.7 and 0.8, a right one 0.65.
    matrix = np.full((180, 3), 0.05)
    matrix[:, 0] = 0.9
    for frame, score in ((10, 0.6), (30, 0.7), (50, 0.8), (70, 0.65)):
        matrix[frame] = (0.1, score, 0.1)
    spans = span_scores_of(Listed({"a": (180, [("run", 70, 71)])}), {"a": matrix}, 5)
    assert choose_thresholds(spans, 0.5) == {"run": pytest.approx(0.8, abs=2e-6), "walk": 0.0}
    assert choose_thresholds(spans, 1) == {"run": pytest.approx(0.7, abs=2e-6), "walk": 0.0}
    assert choose_thresholds(spans, 2) == {"run": pytest.approx(0.6, abs=2e-6), "walk": 0.0}
    assert choose_thresholds(spans, 3) == {"run": 0.0, "walk": 0.0}
    half = raise_alarms(spans, choose_thresholds(spans, 0.5))
    assert (half.false_alarms.tolist(), half.observed_fraction.tolist()) == ([0, 0], [math.inf])
    double = raise_alarms(spans, choose_thresholds(spans, 2))
    assert (double.false_alarms.tolist(), double.observed_fraction.tolist()) == ([2, 0], [1.0])


def test_a_right_alarm_pushes_no_threshold_up():
    matrix = np.full((180, 3), 0.05)
    matrix[:, 0] = 0.9
    for frame, score in ((10, 0.65), (70, 0.6500014)):
        matrix[frame] = (0.1, score, 0.1)
    spans = span_scores_of(Listed({"a": (180, [("run", 70, 71)])}), {"a": matrix}, 5)
    assert choose_thresholds(spans, 0) == {"run": 0.650001, "walk": 0.0}
    assert raise_alarms(spans, choose_thresholds(spans, 0)).observed_fraction.tolist() == [1.0]


def test_a_threshold_that_nothing_reaches_is_above_1():
    spans = span_scores_of(Listed({"a": (4, [])}), {"a": frames_of("rrrr", 1.0)}, 3)
    assert choose_thresholds(spans, 1) == {"run": 1.000001, "walk": 0.0}


def test_last_bits_of_scores_raise_no_false_alarm():
    scores = {"a": frames_of("rrr.")}
    thresholds = choose_thresholds(span_scores_of(Listed({"a": (4, [])}), scores, 3), 1)
    noisy = {"a": scores["a"] + 4e-7}
    assert raise_alarms(span_scores_of(Listed({"a": (4, [])}), noisy, 3), thresholds).false_alarms.sum() == 0


def test_errors_name_what_is_wrong():
    dataset = Listed({"a": (4, [])})
    with pytest.raises(InputError, match="recording 'a' has no scores"):
        span_scores_of(dataset, {}, 3)
    broken = frames_of("rrrr")
    broken[2] = np.nan
    with pytest.raises(InputError, match="recording 'a': scores of frame 2 hold NaN"):
        span_scores_of(dataset, {"a": broken}, 3)
    with pytest.raises(InputError, match="label 'walk' has no alarm threshold"):
        raise_alarms(span_scores_of(dataset, {"a": frames_of("rrrr")}, 3), {"run": 0.5})


def test_rates_are_written_as_false_alarms_an_hour():
    assert [rate_key(rate) for rate in RATES] == ["0.5/h", "1/h", "2/h", "5/h", "10/h", "20/h", "50/h"]
    assert [parse_rate(option) for option in ("rate=1/h", "rate=0.5/h", "rate=.25/h")] == [1.0, 0.5, 0.25]
    for option in ("1/h", "rate=1", "rate=-1/h", "rate=nan/h", "rate=1/min", "rate=/h"):
        with pytest.raises(InputError, match=r"expected rate=NUMBER/h"):
            parse_rate(option)


@st.composite
def watching(draw):
    """A data set of one to three recordings, its scores (sixteenths, so that sums are exact) and a merge gap."""
    recordings, scores = {}, {}
    for name in "abc"[: draw(st.integers(1, 3))]:
        frames = draw(st.integers(1, 25))
        bound = st.integers(0, frames + 2)
        segment = st.tuples(st.sampled_from(NAMES), bound, bound).map(lambda one: (one[0], *sorted(one[1:])))
        recordings[name] = frames, draw(st.lists(segment, max_size=4))
        row = st.one_of(
            st.permutations((0.125, 0.25, 0.625)),
            st.permutations((0.0625, 0.4375, 0.5)),
            st.permutations((0.0, 0.125, 0.875)),
            st.just((0.25, 0.375, 0.375)),
        )
        scores[name] = np.array(draw(st.lists(row, min_size=frames, max_size=frames)))
    return Listed(recordings), scores, draw(st.integers(0, 6))


def streamed(dataset, scores, merge_gap, thresholds):
    """The reference's spans and segments (label index, first, last) of each recording."""
    limits = [math.inf, *(thresholds[name] for name in NAMES)]
    for name, one in dataset.recordings.items():
        segments = []
        for segment in one.segments:
            first, last = (min(edge, dataset.frames(name)) for edge in frame_span(segment.start, segment.end, FPS))
            if first < last:
                segments.append((LABELS.index(segment.label), first, last))
        yield reference_online.stream(scores[name].tolist(), merge_gap, limits), segments


def false_alarms(dataset, scores, merge_gap, thresholds):
    return [
        sum(
            reference_online.false_alarms(spans, segments, label)
            for spans, segments in streamed(dataset, scores, merge_gap, thresholds)
        )
        for label in (1, 2)
    ]


@settings(deadline=None)
@given(watching(), st.sampled_from((0.0, 0.3, 0.5, 0.62, 0.7, 0.8, 1.1)), st.sampled_from((0.0, 0.4, 0.55, 0.75)))
def test_as_a_detector_that_watches_frame_after_frame(data, run, walk):
    dataset, scores, merge_gap = data
    thresholds = {"run": run, "walk": walk}
    found = raise_alarms(span_scores_of(dataset, scores, merge_gap), thresholds)
    assert found.false_alarms.tolist() == false_alarms(dataset, scores, merge_gap, thresholds)
    expected = [
        (label - 1, reference_online.seen(spans, (label, first, last)))
        for spans, segments in streamed(dataset, scores, merge_gap, thresholds)
        for label, first, last in sorted(segments)
    ]
    assert list(zip(found.label.tolist(), found.observed_fraction.tolist(), strict=True)) == expected
    lengths = [
        last - first
        for _, segments in streamed(dataset, scores, merge_gap, thresholds)
        for _, first, last in sorted(segments)
    ]
    waited = [seen * length / FPS for (_, seen), length in zip(expected, lengths, strict=True)]
    assert found.latency.tolist() == pytest.approx(waited, rel=1e-12)
    decided = [
        reference_online.first_decision(spans, segments, segment)
        for spans, segments in streamed(dataset, scores, merge_gap, thresholds)
        for segment in segments
    ]
    if not decided:
        assert found.classification is None
    else:
        right, seen = zip(*decided, strict=True)
        assert found.classification.accuracy == pytest.approx(np.mean(right), rel=1e-12)
        assert found.classification.earliness == pytest.approx(np.mean(seen), rel=1e-12)
        costs = [1 - np.mean(right) + alpha / 10 * np.mean(seen) for alpha in range(11)]
        assert found.classification.mean_cost == pytest.approx(np.mean(costs), rel=1e-12, abs=1e-12)


@settings(deadline=None)
@given(watching(), st.floats(0, 400))
def test_thresholds_keep_to_the_rate_and_no_lower_one_does(data, rate):
    dataset, scores, merge_gap = data
    spans = span_scores_of(dataset, scores, merge_gap)
    thresholds = choose_thresholds(spans, rate)
    budget = rate * spans.hours + 1e-9
    kept = false_alarms(dataset, scores, merge_gap, thresholds)
    assert max(kept) <= budget
    finite = spans.so_far[np.isfinite(spans.so_far)]
    # What happens between two scores is what happens just above the lower one.
    for lower in (0.0, *(math.floor(score * 1e6 + 0.5) / 1e6 + 1e-6 for score in finite.tolist())):
        counts = false_alarms(dataset, scores, merge_gap, dict.fromkeys(NAMES, lower))
        for name, count in zip(NAMES, counts, strict=True):
            assert lower > thresholds[name] - 1e-9 or count > budget


@settings(deadline=None)
@given(watching(), st.lists(st.floats(0, 400), min_size=2, max_size=4))
def test_a_higher_rate_raises_no_threshold_and_no_alarm_later(data, rates):
    dataset, scores, merge_gap = data
    spans = span_scores_of(dataset, scores, merge_gap)
    chosen = alarm_thresholds(spans, sorted(rates))
    for strict, lax in itertools.pairwise(chosen.values()):
        assert all(lax[name] <= strict[name] for name in NAMES)
        assert (raise_alarms(spans, lax).observed_fraction <= raise_alarms(spans, strict).observed_fraction).all()


@settings(deadline=None)
@given(watching(), st.sampled_from((0.0, 0.5, 0.62, 0.8)))
def test_the_live_detector_raises_the_alarms_that_are_counted(data, threshold):
    dataset, scores, merge_gap = data
    thresholds = dict.fromkeys(NAMES, threshold)
    for name, (spans, _) in zip(dataset.recordings, streamed(dataset, scores, merge_gap, thresholds), strict=True):
        decoder = SpanDecoder(LABELS, merge_gap, thresholds=thresholds)
        events = [event for frame, row in enumerate(scores[name]) for event in decoder.push(row, frame, frame + 1)]
        raised = [(event.label, event.start, event.time - 1) for event in events if isinstance(event, Alarm)]
        expected = [(LABELS[span.label], span.start, span.raised) for span in spans if span.raised is not None]
        assert sorted(raised) == sorted(expected)
