"""AP on many resamples at once: against one resample at a time, and against scoring resampled detections anew."""

from collections import Counter

import numpy as np
import pytest
import reference_evaluation
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.reports.analysis.resampling import (
    CHUNK,
    matched_run,
    mean_ap,
    resample_weights,
    resampled_mean_ap,
    weighted_ap,
)
from crescendo.reports.analysis.statistics import LEVEL, paired_differences
from crescendo.reports.analysis.variance import FoldSample
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth
from crescendo.trainables.evaluation.mean_ap import evaluate_detections
from crescendo.trainables.evaluation.protocols import PROTOCOLS
from crescendo.trainables.evaluation.result_format import Detection

IOU = (0.1, 0.3, 0.5, 0.7)


def invented(random, *, recordings, labels, segments, coarse=False):
    """Ground truth, and detections near it: shifted, with wrong labels, doubled, with equal scores if `coarse`."""
    start = random.uniform(0, 50, segments)
    truth = GroundTruth(
        random.integers(0, recordings, segments),
        random.integers(0, labels, segments),
        start,
        start + random.uniform(1, 20, segments),
    )
    source = random.integers(0, segments, 2 * segments)
    begin = truth.start[source] + random.normal(0, 2, len(source))
    wrong = random.random(len(source)) < 0.2
    none = np.zeros(len(source), dtype=np.int64)
    score = random.random(len(source))
    return truth, DetectionArrays(
        truth.recording[source],
        np.where(wrong, random.integers(0, labels, len(source)), truth.label[source]),
        begin,
        begin + random.uniform(1, 20, len(source)),
        np.round(score, 1) if coarse else score,
        none,
        none + 1,
    )


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from(list(PROTOCOLS)), st.integers(1, 8), st.integers(1, 4), st.integers(1, 40),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_every_resample_has_the_ap_of_that_resample_alone(
    number, protocol, recordings, labels, segments, coarse, unclear
):
    random = np.random.default_rng(number)
    truth, found = invented(random, recordings=recordings, labels=labels, segments=segments, coarse=coarse)
    ambiguous = labels - 1 if unclear and protocol == "thumos14" else None
    weights = random.multinomial(recordings, np.full(recordings, 1 / recordings), size=7)
    rule = PROTOCOLS[protocol]
    run = matched_run(truth, found, IOU, labels=labels, recordings=recordings, rule=rule, ambiguous=ambiguous)
    for row, one in zip(weighted_ap(run, weights), weights, strict=True):
        alone = reference_evaluation.average_precision(truth, found, IOU, protocol, ambiguous=ambiguous, weights=one)
        for label in range(labels):
            np.testing.assert_allclose(row[label], alone.get(label, np.full(len(IOU), np.nan)), atol=1e-12)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_resample_scores_as_a_data_set_in_which_recordings_come_as_often(protocol):
    random = np.random.default_rng(7)
    names, labels = [f"r{number}" for number in range(6)], ["jump", "run", "walk"]
    truth, found = invented(random, recordings=6, labels=3, segments=30)
    weights = random.multinomial(6, np.full(6, 1 / 6), size=8)
    run = matched_run(truth, found, IOU, labels=3, recordings=6, rule=PROTOCOLS[protocol])
    for row, counts in zip(weighted_ap(run, weights), weights, strict=True):
        copies = [(name, number, copy) for number, name in enumerate(names) for copy in range(counts[number])]
        annotations = Annotations(
            {
                f"{name} {copy}": Recording("test", 100.0, tuple(segments_of(truth, labels, number)))
                for name, number, copy in copies
            }
        )
        detections = {
            f"{name} {copy}": [
                Detection(labels[found.label[row]], found.start[row], found.end[row], found.score[row])
                for row in np.flatnonzero(found.recording == number)
            ]
            for name, number, copy in copies
        }
        expected = evaluate_detections(annotations, "test", detections, rule=PROTOCOLS[protocol], iou=IOU)
        np.testing.assert_allclose(np.nanmean(row, axis=0), expected.mean_ap, atol=1e-12)


def segments_of(truth, labels, recording):
    for row in np.flatnonzero(truth.recording == recording):
        yield Segment(labels[truth.label[row]], truth.start[row], truth.end[row])


def test_resamples_are_the_same_for_the_same_seed_however_many_threads_work():
    random = np.random.default_rng(0)
    truth, found = invented(random, recordings=5, labels=3, segments=30)
    runs = [matched_run(truth, found, IOU, labels=3, recordings=5)] * 2
    one = resampled_mean_ap(runs, 5, resamples=CHUNK + 10, seed=3, threads=1)
    many = resampled_mean_ap(runs, 5, resamples=CHUNK + 10, seed=3, threads=4)
    other = resampled_mean_ap(runs, 5, resamples=CHUNK + 10, seed=4)
    assert one.shape == (2, CHUNK + 10, len(IOU))
    np.testing.assert_array_equal(one, many)
    np.testing.assert_array_equal(one[0], one[1])
    assert not np.array_equal(one, other)


def test_every_resample_draws_as_many_recordings_as_there_are():
    weights = np.concatenate(list(resample_weights(7, CHUNK + 3, 0)))
    assert weights.shape == (CHUNK + 3, 7)
    assert set(weights.sum(axis=1)) == {7}
    drawn = Counter(weights.ravel().tolist())
    assert drawn[0] / weights.size == pytest.approx((6 / 7) ** 7, abs=0.03)


def test_parts_of_a_recording_are_resampled_with_it():
    random = np.random.default_rng(1)
    truth, found = invented(random, recordings=6, labels=2, segments=40)
    of = np.array([0, 0, 1, 1, 2, 2])
    parts = matched_run(truth, found, IOU, labels=2, recordings=3, recording=of)
    whole = matched_run(truth, found, IOU, labels=2, recordings=6)
    weights = random.multinomial(3, np.full(3, 1 / 3), size=9)
    np.testing.assert_allclose(weighted_ap(parts, weights), weighted_ap(whole, weights[:, of]), atol=1e-12)


def test_without_detections_every_ap_is_0():
    truth = GroundTruth(np.array([0]), np.array([1]), np.array([0.0]), np.array([1.0]))
    empty, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    found = DetectionArrays(whole, whole, empty, empty, empty, whole, whole)
    run = matched_run(truth, found, IOU, labels=2, recordings=2)
    ap = weighted_ap(run, np.array([[2, 0], [0, 2]]))
    assert np.isnan(ap[:, 0]).all()
    assert (ap[0, 1] == 0).all()
    assert np.isnan(ap[1]).all()


@pytest.mark.slow
def test_of_detections_too_equal_arms_are_called_different_in_at_most_one_study_of_twenty():
    """Trainings differ in quality, and each errs on its own; what is compared is mAP, not a mean."""
    random = np.random.default_rng(0)
    studies, seeds, recordings, labels = 300, 3, 12, 3

    def training(truth, worse):
        skill = abs(random.normal(2, 1))
        begin = truth.start + random.normal(0, skill, len(truth.start)) + worse
        label = np.where(random.random(len(begin)) < 0.2, random.integers(0, labels, len(begin)), truth.label)
        none = np.zeros(len(begin), dtype=np.int64)
        end = np.maximum(begin + 0.1, truth.end + random.normal(0, skill, len(begin)))
        found = DetectionArrays(truth.recording, label, begin, end, random.random(len(begin)), none, none + 1)
        return matched_run(truth, found, (0.5,), labels=labels, recordings=recordings)

    def share_called_different(worse):
        called = 0
        for number in range(studies):
            truth, _ = invented(random, recordings=recordings, labels=labels, segments=60)
            arms = [[training(truth, by) for _ in range(seeds)] for by in (0.0, worse)]
            all_once = np.ones((1, recordings))
            observed = [
                mean_ap(one, all_once)[0, 0] - mean_ap(two, all_once)[0, 0] for one, two in zip(*arms, strict=True)
            ]
            resampled = resampled_mean_ap([*arms[0], *arms[1]], recordings, resamples=256, seed=number)[:, :, 0]
            differences = (resampled[:seeds] - resampled[seeds:]).T
            fold = FoldSample((np.array(observed),), (differences,), recordings)
            called += paired_differences([[fold]])[0].p < LEVEL
        return called / studies

    assert share_called_different(0.0) <= 0.05 + 2.6 * (0.05 * 0.95 / studies) ** 0.5
    assert share_called_different(8.0) > 0.5
