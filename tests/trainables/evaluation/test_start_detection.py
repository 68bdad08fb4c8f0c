"""Point-level detection of starts: known answers, a literal reference, and what must always hold."""

import json

import numpy as np
import pytest
import reference_starts
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth
from crescendo.trainables.evaluation.mean_ap import NamedTruth
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, PROTOCOLS
from crescendo.trainables.evaluation.start_detection import (
    OFFSETS,
    StartDetection,
    start_detection,
    starts_of_decoded,
)
from crescendo.trainables.inference.decoded_subset import decode_subset

LABELS = (AMBIGUOUS, "run", "sit")

span = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 30), st.integers(0, 8)).map(
    lambda p: (p[0], p[1], p[2] / 2, (p[2] + p[3]) / 2)
)
# Every label has ground truth.
truths = st.lists(span, max_size=8).map(lambda rows: [(0, 0, 1.0, 2.0), (1, 1, 4.0, 6.0), (0, 2, 2.5, 9.0), *rows])
founds = st.lists(st.tuples(span, st.integers(1, 4)).map(lambda p: (*p[0], p[1] / 4)), max_size=20)
protocols = st.sampled_from(list(PROTOCOLS))


def measured(truth, starts, protocol="paper", labels=LABELS):
    columns = np.array(truth, dtype=np.float64).reshape(-1, 4).T
    segments = GroundTruth(*columns[:2].astype(np.int64), *columns[2:])
    columns = np.array(starts, dtype=np.float64).reshape(-1, 5).T
    whole = columns[:2].astype(np.int64)
    table = DetectionArrays(*whole, *columns[2:], np.zeros_like(whole[0]), np.ones_like(whole[0]))
    return start_detection(NamedTruth(("a", "b"), labels, segments), table, PROTOCOLS[protocol])


def test_known_answers():
    truth = [(0, 0, 10, 14), (0, 0, 20, 22), (1, 0, 0, 5)]
    starts = [(0, 0, 11.5, 12, 0.9), (0, 0, 19, 20, 0.8), (0, 0, 20, 21, 0.7), (1, 0, 7, 8, 0.6)]
    found = measured(truth, starts, labels=("run",))
    # 1 s: wrong, right, double, wrong. 2 s: right, right, double, wrong. 10 s: 20 s is then free no more, 10 s neither.
    assert found.ap[0].tolist() == pytest.approx([1 / 2 / 3, 2 / 3, 2 / 3, (1 + 1 + 3 / 4) / 3])


def test_the_nearest_start_that_is_free_is_taken():
    truth = [(0, 0, 10, 14), (0, 0, 11, 22)]
    starts = [(0, 0, 10.4, 12, 0.9), (0, 0, 10.3, 12, 0.8)]
    assert measured(truth, starts, labels=("run",)).ap[0].tolist() == [1.0] * 4


def test_an_offset_is_compared_to_the_nanosecond():
    assert measured([(0, 0, 9.3, 14)], [(0, 0, 10.3, 12, 0.9)], labels=("run",)).ap[0, 0] == 1.0


def test_what_touches_ambiguous_segments_is_not_counted():
    truth, starts = [(0, 0, 0, 5), (0, 1, 20, 25)], [(0, 1, 2, 3, 0.9), (0, 1, 20, 25, 0.5)]
    labels = (AMBIGUOUS, "run")
    assert measured(truth, starts, "thumos14", labels).mean_ap.tolist() == [1.0] * 4
    assert measured(truth, starts, "thumos14", labels).labels == ("run",)
    assert measured(truth, starts, "paper", labels).ap[1].tolist() == [0.5] * 4


@settings(max_examples=50)
@given(truths, founds, protocols)
def test_as_the_reference(truth, starts, protocol):
    found = measured(truth, starts, protocol)
    assert found.labels == (LABELS if protocol != "thumos14" else LABELS[1:])
    for label, row in zip(found.labels, found.ap, strict=True):
        expected = [
            reference_starts.average_precision(truth, starts, offset, LABELS.index(label), protocol, unclear=0)
            for offset in OFFSETS
        ]
        assert row.tolist() == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(truths, founds, protocols, st.randoms(use_true_random=False))
def test_order_and_json(truth, starts, protocol, random):
    found = measured(truth, starts, protocol)
    shuffled = list(starts)
    random.shuffle(shuffled)
    assert np.array_equal(measured(truth, shuffled, protocol).ap, found.ap)
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.dumps(StartDetection.from_json(json.loads(text)).to_json()) == text


@given(truths)
def test_true_starts_are_all_found(truth):
    assert measured(truth, [(*one, 0.5) for one in truth]).mean_ap.tolist() == pytest.approx([1.0] * 4)


def test_a_detector_says_a_start_at_the_first_frame_with_its_score_there(tiny_dataset):
    names = sorted(tiny_dataset.recordings("test"))
    labels = {name: tiny_dataset.frame_labels(name) for name in names}
    right = {name: np.eye(len(tiny_dataset.labels), dtype=np.float32)[one] for name, one in labels.items()}
    assert starts_of_decoded(decode_subset(tiny_dataset, "test", right, [1])).mean_ap.tolist() == [1.0] * 4
    random = np.random.default_rng(3)
    scores = {name: random.random(one.shape, dtype=np.float32) for name, one in right.items()}
    later = {}
    for name, one in scores.items():
        found = one.argmax(axis=1)
        goes_on = np.append(False, found[1:] == found[:-1])
        later[name] = one + 5 * (goes_on[:, None] & (np.arange(one.shape[1]) == found[:, None]))
    mine, theirs = (starts_of_decoded(decode_subset(tiny_dataset, "test", one, [1])) for one in (scores, later))
    assert 0 < mine.mean_ap[-1] < 1
    assert np.array_equal(mine.ap, theirs.ap)
