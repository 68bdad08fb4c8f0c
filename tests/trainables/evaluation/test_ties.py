"""The range of mAP over all orders of ties: against every order tried, and what must always hold."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_ties import extremes

from crescendo.trainables.data.annotations import read_annotations
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation import tie_outcomes
from crescendo.trainables.evaluation.average_precision import average_precision
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, match
from crescendo.trainables.evaluation.mean_ap import evaluate_detections
from crescendo.trainables.evaluation.protocols import PROTOCOLS, MatchingRule
from crescendo.trainables.evaluation.result_format import read_detections
from crescendo.trainables.evaluation.ties import tie_range, tie_range_of_detections

# Segments on a coarse grid overlap often, and equally; three scores tie often.
segment = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 7), st.integers(0, 5))
truths = st.lists(segment, min_size=1, max_size=6)
found = st.lists(st.tuples(segment, st.sampled_from([0.5, 0.5, 1.0])), max_size=7)
protocols = st.sampled_from(list(PROTOCOLS))


def arrays(truth, detections):
    def columns(rows):
        table = (
            np.array([(r, label, start, start + length) for r, label, start, length in rows], float).reshape(-1, 4).T
        )
        return (*table[:2].astype(np.int64), *table[2:])

    only = np.zeros(len(detections), dtype=np.int64)
    scores = np.array([score for _, score in detections])
    return (
        GroundTruth(*columns(truth)),
        DetectionArrays(*columns([one for one, _ in detections]), scores, only, only + 1),
    )


def check(truth, detections, iou, protocol, ambiguous=None, **options):
    truth, detections = arrays(truth, detections)
    labels = [int(label) for label in np.unique(truth.label) if label != ambiguous]
    assume(labels)
    rule = PROTOCOLS[protocol]
    got = tie_range(truth, detections, [iou], rule, labels=labels, ambiguous=ambiguous, **options)
    low, high = extremes(truth, detections, iou, protocol, labels, ambiguous=ambiguous, **options)
    if got.exact[0]:
        assert (got.low[0], got.high[0]) == pytest.approx((low, high), rel=1e-9)
    assert got.low[0] <= low + 1e-9
    assert got.high[0] >= high - 1e-9
    return bool(got.exact[0])


@settings(max_examples=60)
@given(truths, found, st.sampled_from([0.1, 0.25, 0.5]), protocols, st.booleans(), st.booleans())
def test_as_every_order_tried(truth, detections, iou, protocol, zero_over_zero, with_ambiguous):
    ambiguous = 1 if with_ambiguous and protocol == "thumos14" else None
    exact = check(truth, detections, iou, protocol, ambiguous, zero_over_zero=zero_over_zero)
    assert exact or protocol != "paper"


@settings(max_examples=30)
@given(truths, found, st.sampled_from([0.1, 0.5]), st.sampled_from(["activitynet", "thumos14"]))
def test_what_is_not_followed_is_bounded(truth, detections, iou, protocol):
    whole = tie_outcomes.MOST_STATES
    tie_outcomes.MOST_STATES = 1
    try:
        check(truth, detections, iou, protocol)
    finally:
        tie_outcomes.MOST_STATES = whole


@settings(max_examples=50)
@given(truths, found, protocols, st.randoms())
def test_any_order_of_a_file_lies_within(truth, detections, protocol, random):
    random.shuffle(detections)
    truth, detections = arrays(truth, detections)
    rule, iou = PROTOCOLS[protocol], [0.1, 0.3, 0.5]
    labels = np.unique(truth.label).tolist()
    got = tie_range(truth, detections, iou, rule, labels=labels)
    for ties in ("fixed", "file"):
        matches = match(truth, detections, iou, rule, ties=ties)
        ap = average_precision(truth, detections, matches, labels=2, enveloped=rule.enveloped)[0][labels].mean(axis=0)
        assert (got.low <= ap + 1e-9).all()
        assert (ap <= got.high + 1e-9).all()


@given(truths, found, protocols)
def test_without_ties_there_is_no_range(truth, detections, protocol):
    distinct = [(one, number / 10) for number, (one, _) in enumerate(detections)]
    truth, table = arrays(truth, distinct)
    got = tie_range(truth, table, [0.1, 0.5], PROTOCOLS[protocol], labels=np.unique(truth.label).tolist())
    assert got.exact.all()
    assert np.array_equal(got.low, got.high)
    assert got.to_json() == {}


def test_a_second_detection_of_one_activity_follows_the_first():
    # Two on one ground truth, alike, and one beside it: the second of the two never comes before the first.
    truth, detections = arrays([(0, 0, 0, 4)], [((0, 0, 0, 4), 1.0), ((0, 0, 0, 4), 1.0), ((0, 0, 6, 1), 1.0)])
    got = tie_range(truth, detections, [0.5], PROTOCOLS["activitynet"], labels=[0])
    assert (got.low.tolist(), got.high.tolist(), got.exact.tolist()) == ([0.5], [1.0], [True])


def test_order_may_decide_how_many_are_found():
    # The long one passes with both, the short one with the first alone.
    truth, detections = arrays([(0, 0, 0, 4), (0, 0, 4, 3)], [((0, 0, 0, 7), 1.0), ((0, 0, 0, 4), 1.0)])
    got = tie_range(truth, detections, [0.3], PROTOCOLS["activitynet"], labels=[0])
    assert (got.low.tolist(), got.high.tolist(), got.exact.tolist()) == ([0.5], [1.0], [True])


def test_a_rule_that_leaves_out_pairs_by_rank_is_refused():
    rule = MatchingRule("above", lambda pairs: np.flatnonzero(pairs.detection == 0))
    truth, detections = arrays([(0, 0, 0, 4)], [((0, 0, 0, 4), 1.0), ((0, 0, 1, 4), 1.0)])
    with pytest.raises(InputError, match="leaves out other pairs when ties come in another order"):
        tie_range(truth, detections, [0.1], rule, labels=[0])


def test_the_official_sample_all_of_one_score(real_data):
    folder = real_data / "activitynet"
    annotations = read_annotations(folder / "activity_net.v1-3.json.gz", clip=True)
    detections = read_detections(folder / "sample_detections.json.gz")
    for rule in (PROTOCOLS["paper"], PROTOCOLS["activitynet"]):
        options = {"rule": rule, "iou": (0.5, 0.75)}
        got = tie_range_of_detections(annotations, "validation", detections, **options)
        assert got.exact.all()
        for ties in ("fixed", "file"):
            found = evaluate_detections(annotations, "validation", detections, ties=ties, **options).mean_ap
            assert (got.low <= found + 1e-12).all()
            assert (found <= got.high + 1e-12).all()
