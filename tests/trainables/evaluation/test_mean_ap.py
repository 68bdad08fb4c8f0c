"""Mean average precision: the literal references, known answers, and what must always hold."""

from dataclasses import replace

import numpy as np
import pytest
import reference_evaluation
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Annotations, Recording, Segment, read_annotations
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.data.frames import seconds
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.average_precision import average_precision
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, match
from crescendo.trainables.evaluation.mean_ap import evaluate_detections, evaluate_scores
from crescendo.trainables.evaluation.protocols import PROTOCOLS
from crescendo.trainables.evaluation.result_format import Detection, in_seconds, read_detections
from crescendo.trainables.inference.decoding import decode

PAPER_IOU = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
LABELS = 3
AMBIGUOUS = 2


def ground_truth(rows) -> GroundTruth:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    whole = columns[:2].astype(np.int64)
    return GroundTruth(whole[0], whole[1], columns[2], columns[3])


def detected(rows) -> DetectionArrays:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    whole = columns[:2].astype(np.int64)
    return DetectionArrays(whole[0], whole[1], *columns[2:], np.zeros_like(whole[0]), np.ones_like(whole[0]))


def ap(truth, detections, iou, protocol, **options) -> np.ndarray:
    rule = PROTOCOLS[protocol]
    matches = match(truth, detections, iou, rule, **options)
    return average_precision(truth, detections, matches, labels=LABELS, enveloped=rule.enveloped)[0]


def chosen(table, rows):
    return type(table)(*(getattr(table, name)[rows] for name in type(table).__dataclass_fields__))


# Times on a coarse grid make equal IoUs, equal lengths, touching and zero-length segments; few scores make ties.
place = st.tuples(st.integers(0, 2), st.integers(0, LABELS - 1), st.integers(0, 12), st.integers(0, 6))
truth_rows = st.lists(place.map(lambda p: (p[0], p[1], p[2], p[2] + p[3])), min_size=1, max_size=12)
detection_rows = st.lists(
    st.tuples(place, st.integers(0, 5)).map(lambda p: (p[0][0], p[0][1], p[0][2], p[0][2] + p[0][3], p[1] / 5)),
    max_size=25,
)
grids = st.sampled_from([1.0, 0.16, 1 / 3])
thresholds = st.lists(st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.6, 0.75, 1.0]), min_size=1, max_size=4)
protocols = st.sampled_from(list(PROTOCOLS))


def on_grid(rows, grid):
    return [(row[0], row[1], row[2] * grid, row[3] * grid, *row[4:]) for row in rows]


@settings(max_examples=400)
@given(truth_rows, detection_rows, grids, thresholds, protocols, st.booleans(), st.booleans())
def test_agrees_with_the_literal_reference(truth, detections, grid, iou, protocol, zero_over_zero, with_ambiguous):
    truth, detections = ground_truth(on_grid(truth, grid)), detected(on_grid(detections, grid))
    options = {"zero_over_zero": zero_over_zero, "ambiguous": AMBIGUOUS if with_ambiguous else None}
    result = ap(truth, detections, iou, protocol, **options)
    expected = reference_evaluation.average_precision(truth, detections, iou, protocol, **options)
    for label, row in expected.items():
        np.testing.assert_allclose(result[label], row, rtol=0, atol=1e-12)
    absent = set(range(LABELS)) - set(truth.label.tolist())
    assert np.isnan(result[sorted(absent)]).all()


@given(truth_rows, detection_rows, thresholds, protocols, st.randoms(use_true_random=False))
def test_the_order_of_detections_and_of_recordings_changes_nothing(truth, detections, iou, protocol, random):
    truth, detections = ground_truth(truth), detected(detections)
    before = ap(truth, detections, iou, protocol, ambiguous=AMBIGUOUS)
    shuffled = random.sample(range(len(detections.start)), len(detections.start))
    recordings = random.sample(range(3), 3)
    by_recording = [row for recording in recordings for row in np.flatnonzero(truth.recording == recording)]
    after = ap(chosen(truth, by_recording), chosen(detections, shuffled), iou, protocol, ambiguous=AMBIGUOUS)
    np.testing.assert_array_equal(before, after)


@given(truth_rows, st.randoms(use_true_random=False), thresholds, detection_rows)
def test_the_order_of_ground_truth_matters_to_thumos14_only(truth, random, iou, detections):
    truth, detections = ground_truth(truth), detected(detections)
    shuffled = chosen(truth, random.sample(range(len(truth.start)), len(truth.start)))
    for protocol in ("paper", "activitynet"):
        np.testing.assert_array_equal(ap(truth, detections, iou, protocol), ap(shuffled, detections, iou, protocol))


@given(truth_rows, detection_rows, thresholds, protocols)
def test_a_far_false_positive_of_lowest_score_never_raises_ap(truth, detections, iou, protocol):
    truth = ground_truth(truth)
    extra = [(recording, label, 1000, 1010, -1) for recording in range(3) for label in range(LABELS)]
    before = ap(truth, detected(detections), iou, protocol)
    after = ap(truth, detected(detections + extra), iou, protocol)
    np.testing.assert_array_equal(before, after)
    first = [(*row[:4], 9) for row in extra]
    assert not (ap(truth, detected(detections + first), iou, protocol) > before + 1e-12).any()


@given(truth_rows, detection_rows, thresholds, protocols)
def test_ap_lies_between_0_and_1_and_one_ground_truth_is_hit_at_most_once(truth, detections, iou, protocol):
    truth, detections = ground_truth(truth), detected(detections)
    result = ap(truth, detections, iou, protocol)
    assert ((result >= 0) & (result <= 1 + 1e-12) | np.isnan(result)).all()
    matches = match(truth, detections, iou, PROTOCOLS[protocol])
    for label in range(LABELS):
        mine = detections.label[matches.order][matches.hit] == label
        found = np.bincount(matches.hit_column[mine], minlength=len(iou))
        assert (found <= (truth.label == label).sum()).all()


@given(truth_rows, detection_rows)
def test_a_higher_threshold_never_finds_more_under_paper(truth, detections):
    # A ground truth is found or not: whether any detection whose best overlap it is passes. AP itself need not fall:
    # at a higher threshold the true positive may be a shorter detection of higher score.
    matches = match(ground_truth(truth), detected(detections), PAPER_IOU, PROTOCOLS["paper"])
    assert (np.diff(np.bincount(matches.hit_column, minlength=len(PAPER_IOU))) <= 0).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1, 4), st.integers(0, 3)), min_size=1))
def test_perfect_detections_score_1(steps):
    clock, rows = 0, []
    for recording, label, length, pause in steps:
        rows.append((recording, label, clock, clock + length))
        clock += length + pause
    perfect = detected([(*row, 0.5) for row in rows])
    for protocol in PROTOCOLS:
        result = ap(ground_truth(rows), perfect, (0.1, 0.5, 0.95), protocol)
        assert (result[np.unique([row[1] for row in rows])] == 1.0).all()


apart = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=8)


@given(apart, apart, st.lists(st.integers(0, 9), min_size=8, max_size=8))
def test_where_segments_of_a_label_are_disjoint_paper_and_activitynet_agree_from_one_half_on(one, other, scores):
    def line(steps):
        clock, rows = 0, []
        for label, length, pause in steps:
            rows.append((0, label, clock, clock + length))
            clock += length + pause
        return rows

    truth = ground_truth(line(one))
    detections = detected([(*row, score) for row, score in zip(line(other), scores, strict=False)])
    # Thresholds that no quotient of these small numbers equals: the lemma leaves equality out.
    iou = (0.5 + 1e-7, 0.61803398, 0.7320508, 0.9000001)
    np.testing.assert_array_equal(ap(truth, detections, iou, "paper"), ap(truth, detections, iou, "activitynet"))


present = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=25, max_size=25)


@given(truth_rows, detection_rows, present, protocols, thresholds)
def test_sets_in_one_call_are_each_set_alone(truth, detections, when, protocol, iou):
    truth, detections = ground_truth(truth), detected(detections)
    since = np.array([first for first, _ in when])[: len(detections)]
    until = np.minimum(np.array([first + length for first, length in when])[: len(detections)], 4)
    detections = replace(detections, since=since, until=until)
    rule = PROTOCOLS[protocol]
    matches = match(truth, detections, iou, rule, ambiguous=AMBIGUOUS)
    together = average_precision(truth, detections, matches, labels=LABELS, sets=4, enveloped=rule.enveloped)
    for number in range(4):
        mine = detections.taken((since <= number) & (number < until))
        mine = replace(mine, since=np.zeros_like(mine.since), until=np.ones_like(mine.until))
        np.testing.assert_array_equal(together[number], ap(truth, mine, iou, protocol, ambiguous=AMBIGUOUS))


def hits(truth, detections, iou, protocol, **options) -> list[bool]:
    """Whether each detection, in the order given, is a true positive at one threshold."""
    matches = match(ground_truth(truth), detected(detections), [iou], PROTOCOLS[protocol], **options)
    flags = np.zeros(len(detections), dtype=bool)
    flags[matches.order[matches.hit]] = True
    return flags.tolist()


def test_duplicates_longest_wins_under_paper_and_highest_score_under_activitynet():
    truth = [(0, 0, 0, 10)]
    detections = [(0, 0, 0, 8, 0.9), (0, 0, 0, 9, 0.1), (0, 0, 0, 30, 0.5)]
    assert hits(truth, detections, 0.5, "paper") == [False, True, False]
    assert hits(truth, detections, 0.5, "activitynet") == [True, False, False]
    assert hits(truth, detections, 0.5, "thumos14") == [False, True, False]


def test_equally_long_duplicates_are_decided_by_score_then_start():
    truth = [(0, 0, 0, 10)]
    assert hits(truth, [(0, 0, 1, 10, 0.1), (0, 0, 0, 9, 0.9)], 0.5, "paper") == [False, True]
    assert hits(truth, [(0, 0, 1, 10, 0.5), (0, 0, 0, 9, 0.5)], 0.5, "paper") == [False, True]


def test_a_detection_turns_to_the_next_free_ground_truth_under_activitynet_only():
    truth = [(0, 0, 0, 10), (0, 0, 5, 15)]
    detections = [(0, 0, 0, 10, 0.9), (0, 0, 2, 11, 0.5)]
    assert hits(truth, detections, 0.3, "paper") == [True, False]
    assert hits(truth, detections, 0.3, "activitynet") == [True, True]


def test_equality_at_the_threshold_passes_under_activitynet_only():
    detections = [(0, 0, 0, 5, 0.9)]
    assert [hits([(0, 0, 0, 10)], detections, 0.5, protocol) for protocol in PROTOCOLS] == [[False], [True], [False]]


def test_ambiguous_segments_drop_false_positives_of_any_label_they_touch():
    truth = ground_truth([(0, 0, 0, 10), (0, AMBIGUOUS, 20, 30), (1, 0, 0, 10)])
    detections = detected([(0, 0, 25, 35, 0.9), (0, 0, 30, 40, 0.8), (0, 0, 0, 25, 0.7), (1, 0, 0, 10, 0.6)])
    # The first is dropped, the second only meets the ambiguous segment's end, the third is a true positive.
    result = ap(truth, detections, [0.3], "thumos14", ambiguous=AMBIGUOUS)
    assert result[0, 0] == pytest.approx((1 / 2 + 2 / 3) / 2, abs=1e-12)


def test_segments_without_length_match_nothing_unless_0_over_0_counts():
    truth, detections = [(0, 0, 3, 3)], [(0, 0, 7, 7, 0.9), (0, 0, 0, 9, 0.8)]
    for protocol in PROTOCOLS:
        assert hits(truth, detections, 0.1, protocol) == [False, False]
    assert hits(truth, detections, 0.1, "activitynet", zero_over_zero=True) == [True, False]
    assert hits(truth, detections, 0.1, "paper", zero_over_zero=True) == [False, False]


def test_the_envelope_of_voc_2011():
    truth = [(0, 0, 10 * k, 10 * k + 5) for k in range(4)]
    detections = [(0, 0, 0, 5, 0.9), (0, 0, 100, 105, 0.8), (0, 0, 10, 15, 0.7), (0, 0, 20, 25, 0.6)]
    # Precision 1, 2/3, 3/4 at recall 1/4, 1/2, 3/4: the second is raised to the third.
    assert ap(ground_truth(truth), detected(detections), [0.5], "paper")[0, 0] == pytest.approx(2.5 / 4, abs=1e-12)
    assert ap(ground_truth(truth), detected(detections), [0.5], "thumos14")[0, 0] == pytest.approx(
        (1 + 2 / 3 + 3 / 4) / 4, abs=1e-12
    )


def annotations() -> Annotations:
    return Annotations(
        {
            "b": Recording("test", 100.0, (Segment("run", 0.0, 10.0), Segment("background", 50.0, 60.0))),
            "a": Recording("test", 100.0, (Segment("walk", 5.0, 9.0),)),
            "c": Recording("training", 100.0, (Segment("jump", 0.0, 10.0),)),
        }
    )


def test_result_names_labels_and_thresholds():
    found = {
        "a": [Detection("walk", 5.0, 9.0, 0.3), Detection("background", 0.0, 5.0, 0.9)],
        "b": [Detection("run", 0.0, 6.0, 0.8), Detection("jump", 0.0, 10.0, 0.9)],
        "c": [Detection("jump", 0.0, 10.0, 0.9)],
    }
    evaluation = evaluate_detections(annotations(), "test", found, iou=(0.5, 0.75, 0.125))
    assert evaluation.left_out == 1
    assert evaluation.to_json() == {
        "mAP": {"0.50": 1.0, "0.75": 0.5, "0.125": 1.0},
        "mAP_mean": pytest.approx(2.5 / 3),
        "AP": {"run": {"0.50": 1.0, "0.75": 0.0, "0.125": 1.0}, "walk": {"0.50": 1.0, "0.75": 1.0, "0.125": 1.0}},
    }


def test_no_detection_at_all_scores_0():
    assert evaluate_detections(annotations(), "test", {}, iou=PAPER_IOU).mean == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "validation"}, "validation"),
        ({"iou": ()}, "IoU"),
        ({"iou": (0.0,)}, "IoU"),
        ({"iou": (float("nan"),)}, "IoU"),
    ],
)
def test_bad_options_are_named(options, message):
    subset = options.pop("subset", "test")
    with pytest.raises(InputError, match=message):
        evaluate_detections(annotations(), subset, {}, **{"iou": (0.5,), **options})


def test_a_subset_without_segments_is_refused():
    empty = Annotations({"a": Recording("test", 10.0, ())})
    with pytest.raises(InputError, match="nothing to score"):
        evaluate_detections(empty, "test", {}, iou=(0.5,))


@pytest.fixture(scope="module")
def small_dataset(tmp_path_factory):
    recordings = {
        "second": Recording("validation", 40.0, (Segment("run", 1.0, 9.0), Segment("walk", 9.0, 30.0))),
        "first": Recording("validation", 30.0, (Segment("walk", 3.0, 12.0), Segment("run", 10.0, 22.5))),
        "other": Recording("training", 30.0, (Segment("swim", 3.0, 12.0),)),
    }
    metadata = DatasetMetadata("small", 2.5, "none", "test", "none")
    return write_dataset(tmp_path_factory.mktemp("data") / "small", metadata, Annotations(recordings))


def noisy_scores(dataset, subset, seed=0):
    random = np.random.default_rng(seed)
    scores = {}
    for name in dataset.recordings(subset):
        logits = random.normal(size=(dataset.frames(name), len(dataset.labels)))
        logits[np.arange(len(logits)), dataset.frame_labels(name)] += 2
        weights = np.exp(logits)
        scores[name] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_merge_gaps_at_once_are_each_one_decoded_and_scored(small_dataset, protocol):
    scores = noisy_scores(small_dataset, "validation")
    gaps = list(range(0, 30, 3))
    together = evaluate_scores(small_dataset, "validation", scores, gaps, rule=PROTOCOLS[protocol], iou=PAPER_IOU)
    for gap, evaluation in zip(gaps, together, strict=True):
        found = {
            name: in_seconds(decode(matrix, gap), small_dataset.labels, small_dataset.fps)
            for name, matrix in scores.items()
        }
        alone = evaluate_detections(
            small_dataset.annotations, "validation", found, rule=PROTOCOLS[protocol], iou=PAPER_IOU
        )
        assert evaluation.labels == alone.labels == ("run", "walk")
        np.testing.assert_allclose(evaluation.ap, alone.ap, rtol=0, atol=1e-12)
    assert seconds(5, small_dataset.fps) == 2.0


def test_frame_scores_that_do_not_fit_are_named(small_dataset):
    scores = noisy_scores(small_dataset, "validation")
    with pytest.raises(InputError, match="'second' has no scores"):
        evaluate_scores(small_dataset, "validation", {"first": scores["first"]}, [20], iou=(0.5,))
    with pytest.raises(InputError, match=r"'first'.*shape"):
        evaluate_scores(small_dataset, "validation", {**scores, "first": scores["first"][1:]}, [20], iou=(0.5,))
    broken = scores["first"].copy()
    broken[7, 1] = np.nan
    with pytest.raises(InputError, match=r"'first'.*frame 7"):
        evaluate_scores(small_dataset, "validation", {**scores, "first": broken}, [20], iou=(0.5,))


def test_known_answer_the_official_sample_detections(real_data):
    folder = real_data / "activitynet"
    truth = read_annotations(folder / "activity_net.v1-3.json.gz")
    found = read_detections(folder / "sample_detections.json.gz", truth.labels())
    iou = [0.5 + 0.05 * step for step in range(10)]
    options = {"rule": PROTOCOLS["activitynet"], "iou": iou}
    official = evaluate_detections(truth, "validation", found, zero_over_zero=True, **options)
    assert (official.ap == 1.0).all()
    assert official.mean == 1.0
    # Three ground truths without length are not to be found; the detections on them are false positives.
    strict = evaluate_detections(truth, "validation", found, zero_over_zero=False, **options)
    assert strict.mean == pytest.approx(0.999095726155564, abs=1e-12)
    assert official.left_out == strict.left_out == 361


def test_spans_of_as_many_frames_tie_in_length_whatever_rounding_says():
    """Two spans of 15 frames at 6.25 a second: in float64 the earlier one is longer by one rounding error."""
    first, second = Detection("run", 2 / 6.25, 17 / 6.25, 0.1), Detection("run", 17 / 6.25, 32 / 6.25, 0.9)
    assert first.end - first.start > second.end - second.start
    annotations = Annotations({"a": Recording("test", 10.0, (Segment("run", 0.0, 7.5),))})
    found = evaluate_detections(annotations, "test", {"a": [first, second]}, rule=PROTOCOLS["paper"], iou=[0.1])
    # The higher score of the two is the true positive and is counted first: precision 1 at recall 1.
    assert found.mean == 1.0
