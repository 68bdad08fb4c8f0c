"""Diagnosis of detections: known answers, a literal reference, and what must always hold."""

import json

import numpy as np
import pytest
import reference_diagnosis
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.evaluation.diagnosis import BINS, Diagnosis, diagnose, diagnose_decoded, usual_iou
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, match
from crescendo.trainables.evaluation.mean_ap import NamedTruth, evaluate_decoded, evaluate_sets
from crescendo.trainables.evaluation.outcomes import FOUND, KINDS, outcomes
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, PROTOCOLS
from crescendo.trainables.evaluation.repaired import MISSED, mean_ap_without
from crescendo.trainables.inference.decoded_subset import decode_subset

LABELS = ("run", "sit", "walk")
DURATIONS = np.array([20.0, 18.0])

span = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 12), st.integers(0, 6)).map(
    lambda p: (p[0], p[1], p[2], p[2] + p[3])
)
truths = st.lists(span, min_size=1, max_size=9)
# Few scores make ties.
founds = st.lists(st.tuples(span, st.integers(1, 4)).map(lambda p: (*p[0], p[1] / 4)), max_size=16)
thresholds = st.sampled_from([0.05, 0.3, 0.5, 0.75])
protocols = st.sampled_from(list(PROTOCOLS))


def ground_truth(rows):
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return GroundTruth(*columns[:2].astype(np.int64), *columns[2:])


def detected(rows):
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    whole = columns[:2].astype(np.int64)
    return DetectionArrays(*whole, *columns[2:], np.zeros_like(whole[0]), np.ones_like(whole[0]))


def named(rows, labels=LABELS):
    """The ground truth with the labels that it has, and how they are numbered."""
    table = ground_truth(rows)
    present = np.unique(table.label)
    numbers = np.full(len(labels), -1)
    numbers[present] = np.arange(len(present))
    segments = GroundTruth(table.recording, numbers[table.label], table.start, table.end)
    return NamedTruth(("a", "b"), tuple(labels[number] for number in present), segments), numbers


def counted(rows, numbers):
    table = detected(rows)
    label = numbers[table.label]
    return DetectionArrays(table.recording, label, table.start, table.end, table.score, table.since, table.until).taken(
        label >= 0
    )


def diagnosed(truth, found, iou=0.5, protocol="paper", labels=LABELS):
    rows, numbers = named(truth, labels)
    return diagnose(rows, counted(found, numbers), DURATIONS, iou, PROTOCOLS[protocol])


def kinds_of(truth, found, iou=0.5, protocol="paper"):
    """(Rank-ordered detection, kind) of every detection."""
    result = outcomes(ground_truth(truth), detected(found), iou, PROTOCOLS[protocol])
    names = (*KINDS, "found")
    return {float(score): names[kind] for score, kind in zip(result.detections.score, result.kind, strict=True)}


def test_known_kinds():
    truth = [(0, 0, 0, 10), (0, 1, 10, 14), (1, 0, 5, 9)]
    found = [
        (0, 0, 1, 10, 0.9),  # 9 of 10 s
        (0, 0, 0, 6, 0.8),  # 6 of 10 s of one that is found
        (0, 0, 10, 14, 0.7),  # of another label
        (0, 1, 13, 16, 0.6),  # 1 of 6 s
        (0, 1, 2, 5, 0.5),  # of another label, 3 of 10 s
        (1, 1, 12, 15, 0.4),  # nothing there
        (1, 0, 8.8, 12.8, 0.3),  # 0.2 of 7.8 s of its label is too little
    ]
    assert kinds_of(truth, found) == {
        0.9: "found",
        0.8: "double",
        0.7: "wrong_label",
        0.6: "poor_overlap",
        0.5: "both",
        0.4: "background",
        0.3: "background",
    }
    result = diagnosed(truth, found)
    assert result.counts.false_positives == {
        "wrong_label": 1, "poor_overlap": 1, "both": 1, "double": 1, "background": 2,
    }  # fmt: skip
    assert (result.counts.activities, result.counts.not_found, result.counts.missed) == (3, 2, 1)
    # run: right, double, wrong label, background; 1 of 2 found. sit: poor overlap, both, background.
    assert result.mean_ap == pytest.approx((1 / 2 + 0) / 2)
    # Mended, the wrong label is the first detection of sit, whose only activity it finds.
    assert result.mean_ap_without["wrong_label"] == pytest.approx((1 / 2 + 1) / 2)
    assert result.mean_ap_without["poor_overlap"] == pytest.approx((1 / 2 + 1) / 2)
    assert result.mean_ap_without["missed"] == pytest.approx((1 + 0) / 2)
    assert (result.start_error.signed.median, result.start_error.absolute.median) == (1.0, 1.0)
    assert result.end_error.signed.median == 0.0


def test_a_wrong_label_on_an_activity_that_is_found_is_left_out_when_mended():
    truth, found = [(0, 0, 0, 10), (0, 1, 12, 16)], [(0, 1, 0, 10, 0.9), (0, 0, 0, 10, 0.5), (0, 1, 12, 16, 0.4)]
    assert diagnosed(truth, found).mean_ap == pytest.approx((1 + 1 / 2) / 2)
    assert diagnosed(truth, found).mean_ap_without["wrong_label"] == 1.0


def test_of_two_that_are_mended_for_one_activity_the_higher_score_stays():
    truth, found = [(0, 0, 0, 10)], [(0, 0, 0, 3, 0.4), (0, 0, 4, 8, 0.9)]
    result = diagnosed(truth, found)
    assert result.counts.false_positives["poor_overlap"] == 2
    assert result.mean_ap_without["poor_overlap"] == 1.0


def test_bounds_are_wrong_by_signed_and_by_absolute_seconds():
    truth = [(0, 0, 0, 10), (0, 1, 0, 10), (1, 0, 0, 10), (1, 1, 0, 10)]
    found = [(0, 0, 1, 10, 0.5), (0, 1, 2, 11, 0.5), (1, 0, 0, 8, 0.5), (1, 1, 1, 9, 0.5)]
    result = diagnosed(truth, found)
    assert (result.start_error.signed.low, result.start_error.signed.median, result.start_error.signed.high) == (
        0.75, 1.0, 1.25,
    )  # fmt: skip
    assert (result.end_error.signed.median, result.end_error.absolute.median) == (-0.5, 1.0)
    assert diagnosed([(0, 0, 0, 1)], []).start_error is None


def test_bins_are_thirds_of_the_ground_truth_and_detections_go_by_their_own_length_and_place():
    truth = [(0, 0, start, start + length) for start, length in ((0, 1), (2, 2), (5, 3), (9, 4), (14, 1), (16, 2))]
    result = diagnosed(truth, [(0, 0, 0, 1, 0.5), (0, 0, 5, 9, 0.5), (1, 0, 0, 18, 0.5)])
    lengths, places = result.bins["length"], result.bins["place"]
    assert lengths.edges == (1.0, 2.0)
    assert [one.activities for one in lengths.counts.values()] == [2, 2, 2]
    assert [one.detections for one in lengths.counts.values()] == [1, 0, 2]
    assert [one.true_positives for one in lengths.counts.values()] == [1, 0, 1]
    assert places.edges == (0.15, 0.55)
    assert [one.activities for one in places.counts.values()] == [2, 2, 2]
    assert [one.detections for one in places.counts.values()] == [1, 2, 0]


def test_what_touches_ambiguous_segments_does_not_count_unless_it_is_right():
    labels = (AMBIGUOUS, "run", "sit")
    truth = [(0, 0, 0, 10), (0, 1, 8, 16)]
    found = [(0, 0, 0, 10, 0.9), (0, 1, 1, 4, 0.8), (0, 1, 8, 16, 0.7), (0, 1, 17, 18, 0.6)]
    result = diagnosed(truth, found, protocol="thumos14", labels=labels)
    assert (result.counts.true_positives, result.counts.detections, result.counts.activities) == (1, 2, 1)
    assert result.mean_ap == 1.0
    assert diagnosed(truth, found, protocol="paper", labels=labels).counts.detections == 4


def listed_rows(truth, result):
    """The ground truth and the detections, a tuple each, as the reference takes them."""
    spans, names = result.detections, ("recording", "label", "start", "end")
    rows = zip(*(getattr(truth.segments, name).tolist() for name in names), strict=True)
    return list(rows), list(zip(*(getattr(spans, name).tolist() for name in (*names, "score")), strict=True))


@settings(max_examples=40)
@given(truths, founds, thresholds, protocols)
def test_thirds_and_wrong_bounds_as_the_reference(truth, found, iou, protocol):
    named_truth, numbers = named(truth)
    rule, detections = PROTOCOLS[protocol], counted(found, numbers)
    result = outcomes(named_truth.segments, detections, iou, rule)
    rows, listed = listed_rows(named_truth, result)
    joined = {number: int(result.about[number]) for number in np.flatnonzero(result.kind == FOUND).tolist()}
    kinds = reference_diagnosis.kinds(rows, listed, joined, iou, protocol)
    made = diagnose(named_truth, detections, DURATIONS, iou, rule)
    for by, bins in made.bins.items():
        edges, truth_in, found_in = reference_diagnosis.sorted_into_thirds(rows, listed, DURATIONS.tolist(), by)
        assert bins.edges == tuple(edges)
        for third, name in enumerate(BINS[by]):
            truths = [place for place, one in enumerate(truth_in) if one == third]
            some = [number for number, one in enumerate(found_in) if one == third]
            assert bins.counts[name].to_json() == reference_diagnosis.counts(rows, kinds, truths, some)
            for kind in (*KINDS, MISSED):
                expected = reference_diagnosis.mean_ap_without(rows, listed, kinds, kind, protocol, truths, some)
                assert bins.mean_ap_without[name][kind] == pytest.approx(expected, abs=1e-12)
                assert made.mean_ap - 1e-12 <= expected <= made.mean_ap_without[kind] + 1e-12
    for bound, expected in zip(("start", "end"), reference_diagnosis.bound_errors(rows, listed, joined), strict=True):
        error = getattr(made, f"{bound}_error")
        assert (error is None) == (expected is None)
        if error is not None:
            quartiles = [[one.low, one.median, one.high] for one in (error.signed, error.absolute)]
            assert quartiles == [pytest.approx(one) for one in expected]


def test_only_the_errors_of_a_third_are_mended_in_it():
    truth = [(0, 0, 0, 1), (0, 0, 4, 7), (1, 0, 0, 8)]
    found = [(0, 0, 0, 4, 0.9), (0, 0, 5, 6, 0.8), (1, 1, 0, 8, 0.7)]
    bins = diagnosed(truth, found, labels=LABELS).bins["length"]
    assert [one.false_positives["poor_overlap"] for one in bins.counts.values()] == [1, 0, 1]
    # Of the two poor overlaps, mending the short one finds the second activity at rank 2, the long one the first at rank 1.
    assert {name: one["poor_overlap"] for name, one in bins.mean_ap_without.items()} == {
        "short": pytest.approx(1 / 6), "medium": 0.0, "long": pytest.approx(1 / 3),
    }  # fmt: skip
    # The last activity is missed, as nothing of its label is about it.
    assert bins.mean_ap_without["long"]["missed"] == diagnosed(truth, found).mean_ap_without["missed"] == 0.0


def test_runs_of_earlier_versions_have_no_map_without_the_errors_of_a_third():
    content = diagnosed([(0, 0, 0, 1), (0, 1, 4, 7)], [(0, 0, 0, 1, 0.5)]).to_json()
    for by in ("by_length", "by_place"):
        for third in content[by].values():
            del third["mAP_without"]
    bins = Diagnosis.from_json(content).bins["place"]
    assert bins.mean_ap_without == {}
    assert set(bins.measures()["beginning"]) == {*KINDS, "not_found", "missed"}


@settings(max_examples=40)
@given(truths, founds, thresholds, protocols)
def test_as_the_reference(truth, found, iou, protocol):
    truth_rows, numbers = named(truth)
    rule, detections = PROTOCOLS[protocol], counted(found, numbers)
    result = outcomes(truth_rows.segments, detections, iou, rule)
    matches = match(truth_rows.segments, detections, (iou,), rule)
    assert np.array_equal(np.flatnonzero(result.kind == FOUND), matches.hit)
    rows, listed = listed_rows(truth_rows, result)
    joined = {number: int(result.about[number]) for number in matches.hit.tolist()}
    assert len(set(joined.values())) == len(joined)
    for number, place in joined.items():
        assert rows[place][:2] == listed[number][:2]
        assert reference_diagnosis.passes(reference_diagnosis.iou(rows[place][2:], listed[number][2:4]), iou, protocol)
    expected = reference_diagnosis.kinds(rows, listed, joined, iou, protocol)
    names = (*KINDS, "found")
    assert [
        (names[kind], None if about < 0 else about) for kind, about in zip(result.kind, result.about, strict=True)
    ] == expected
    for kind in (*KINDS, MISSED):
        assert mean_ap_without(result, kind, enveloped=rule.enveloped) == pytest.approx(
            reference_diagnosis.mean_ap_without(rows, listed, expected, kind, protocol), abs=1e-12
        )


@settings(max_examples=40)
@given(truths, founds, thresholds, protocols)
def test_one_detection_has_one_kind_and_mending_never_harms(truth, found, iou, protocol):
    rows, numbers = named(truth)
    detections = counted(found, numbers)
    result = diagnose(rows, detections, DURATIONS, iou, PROTOCOLS[protocol])
    counts = result.counts
    assert counts.detections == len(detections)
    assert counts.true_positives == counts.activities - counts.not_found
    assert counts.missed <= counts.not_found
    for bins in result.bins.values():
        for kind in KINDS:
            assert sum(one.false_positives[kind] for one in bins.counts.values()) == counts.false_positives[kind]
        for name in ("true_positives", "activities", "not_found", "missed"):
            assert sum(getattr(one, name) for one in bins.counts.values()) == getattr(counts, name)
    [evaluation] = evaluate_sets(rows, detections, 1, rule=PROTOCOLS[protocol], iou=(iou,))
    assert result.mean_ap == evaluation.mean
    assert set(result.mean_ap_without) == {*KINDS, MISSED}
    assert min(result.mean_ap_without.values()) >= result.mean_ap - 1e-12
    assert max(result.mean_ap_without.values()) <= 1 + 1e-12
    text = json.dumps(result.to_json(), allow_nan=False)
    assert json.dumps(Diagnosis.from_json(json.loads(text)).to_json()) == text


@settings(max_examples=30)
@given(truths, founds, thresholds, protocols, st.randoms(use_true_random=False))
def test_the_order_of_detections_changes_nothing(truth, found, iou, protocol, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    assert diagnosed(truth, shuffled, iou, protocol) == diagnosed(truth, found, iou, protocol)


@given(truths)
def test_the_truth_itself_has_no_false_positive(truth):
    truth = sorted({(recording, label, 4 * start, 4 * start + 1 + label) for recording, label, start, _ in truth})
    counts = diagnosed(truth, [(*one, 0.5) for one in truth]).counts
    assert (counts.detections, counts.true_positives, counts.not_found) == (len(truth), len(truth), 0)


def test_it_is_made_at_the_threshold_nearest_to_a_half():
    assert usual_iou((0.1, 0.5, 0.8)) == 0.5
    assert usual_iou((0.6, 0.4, 0.1)) == 0.4
    assert set(BINS) == {"length", "place"}


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_a_detector_is_diagnosed_at_its_own_mean_ap(tiny_dataset, protocol):
    random = np.random.default_rng(3)
    shapes = {name: (tiny_dataset.frames(name), len(tiny_dataset.labels)) for name in tiny_dataset.recordings("test")}
    scores = {name: random.random(shape, dtype=np.float32) for name, shape in shapes.items()}
    decoded = decode_subset(tiny_dataset, "test", scores, [3])
    [evaluation] = evaluate_decoded(decoded, rule=PROTOCOLS[protocol], iou=(0.3,))
    result = diagnose_decoded(decoded, (0.3,), PROTOCOLS[protocol])
    assert result.mean_ap == evaluation.mean
    assert result.counts.detections > 0
