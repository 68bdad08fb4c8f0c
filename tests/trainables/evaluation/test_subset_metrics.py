"""Metrics of a subset go to JSON and come back to the last bit."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early import EarlyDetection
from crescendo.trainables.evaluation.early_classification import EarlyClassification
from crescendo.trainables.evaluation.fragmentation import Fragmentation
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_detections
from crescendo.trainables.evaluation.online import OnlineDetection
from crescendo.trainables.evaluation.per_frame import FramePrecision
from crescendo.trainables.evaluation.progression import POINTS, Progression, Violation
from crescendo.trainables.evaluation.result_format import Detection
from crescendo.trainables.evaluation.segmental import SegmentalMetrics, SegmentScores
from crescendo.trainables.evaluation.start_detection import OFFSETS, StartDetection
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.evaluation.warning_summary import LabelWarning, Quantiles, WarningSummary

share = st.floats(0, 1)
perhaps = st.none() | share
quantiles = st.builds(Quantiles, perhaps, perhaps)
count = st.integers(0, 100)


def columns(length):
    return st.lists(share, min_size=length, max_size=length).map(np.array)


@st.composite
def evaluations(draw, labels, iou):
    table = draw(st.lists(columns(len(iou)), min_size=len(labels), max_size=len(labels)))
    return Evaluation(labels, iou, np.stack(table))


@st.composite
def metrics(draw):
    labels = tuple(f"label {number:02}" for number in range(draw(st.integers(1, 30))))
    iou = draw(st.sampled_from([(0.5,), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), (1 / 3, 0.125)]))
    fractions = (0.3, 1.0)
    label = st.builds(LabelWarning, count, perhaps, quantiles, share)
    warning = st.builds(
        WarningSummary,
        count,
        perhaps,
        quantiles,
        quantiles,
        count,
        share,
        st.dictionaries(st.sampled_from(labels), label),
        st.none() | st.builds(EarlyClassification, share, share),
    )
    later = st.tuples(warning, quantiles, quantiles).map(
        lambda parts: replace(parts[0], latency=parts[1], latency_if_detected=parts[2])
    )
    violation = st.builds(Violation, share, share)
    curve = columns(POINTS)
    segments = st.builds(SegmentScores, share, st.tuples(share, share, share))
    part = {
        "early": st.tuples(*(evaluations(labels, iou) for _ in fractions)).map(
            lambda parts: EarlyDetection(fractions, parts)
        ),
        "progression": st.builds(Progression, curve, curve, curve, violation, violation, count, count),
        "online": st.builds(
            OnlineDetection,
            st.builds(FramePrecision, st.just(labels), columns(len(labels)), columns(len(labels))),
            st.dictionaries(st.sampled_from(["0.5/h", "1/h"]), warning | later),
            share,
            count,
        ),
        "segmental": st.builds(
            SegmentalMetrics,
            st.just(labels),
            st.just(np.eye(len(labels), dtype=int)),
            segments,
            segments,
            st.none() | st.builds(Fragmentation, perhaps, perhaps, perhaps, perhaps),
        ),
        "starts": st.lists(columns(len(OFFSETS)), min_size=len(labels), max_size=len(labels)).map(
            lambda rows: StartDetection(labels, np.stack(rows))
        ),
    }
    kept = draw(st.sets(st.sampled_from(sorted(part))))
    return SubsetMetrics(draw(evaluations(labels, iou)), **{name: draw(part[name]) for name in sorted(kept)})


@given(metrics())
def test_json_and_pickle_come_back_as_they_were(given_metrics):
    text = json.dumps(given_metrics.to_json(), allow_nan=False)
    assert json.dumps(SubsetMetrics.from_json(json.loads(text)).to_json()) == text
    assert json.dumps(pickle.loads(pickle.dumps(given_metrics)).to_json()) == text


def test_what_a_run_measured_comes_back_as_it_was(tiny_run):
    for subset in ("validation", "test"):
        written = json.dumps(tiny_run[1][subset])
        read = SubsetMetrics.from_json(json.loads(written))
        assert read.early is not None
        assert read.online is not None
        assert read.segmental is not None
        assert read.segmental.fragmentation is not None
        assert read.diagnosis is not None
        assert read.calibration is not None
        assert read.starts is not None
        assert json.dumps(read.to_json()) == written


def test_means_over_many_labels_are_the_same_of_what_was_read():
    random = np.random.default_rng(0)
    recordings, detections = {}, {}
    for number in range(20):
        starts = np.arange(20.0) * 5
        names = [f"label {label:02}" for label in random.integers(0, 30, 20)]
        segments = tuple(Segment(name, start, start + 4) for name, start in zip(names, starts, strict=True))
        recordings[f"r{number}"] = Recording("test", 100.0, segments)
        shifts = random.uniform(-2, 2, 20)
        detections[f"r{number}"] = [
            Detection(name, max(start + shift, 0.0), start + shift + 4, float(random.random()))
            for name, start, shift in zip(names, starts, shifts, strict=True)
        ]
    evaluation = evaluate_detections(Annotations(recordings), "test", detections, iou=(0.1, 0.3, 0.5, 0.7))
    assert len(evaluation.labels) == 30
    text = json.dumps(evaluation.to_json())
    assert json.dumps(Evaluation.from_json(json.loads(text)).to_json()) == text


@pytest.mark.parametrize("content", [{}, [], None, {"mAP": {"0.50": 1}}, {"mAP": {"0.50": 1}, "AP": {"run": {}}}])
def test_what_holds_no_metrics_is_refused(content):
    with pytest.raises(InputError, match="not the metrics of a subset"):
        SubsetMetrics.from_json(content)


def test_figures_by_name_leave_out_what_was_not_reached():
    summary = WarningSummary(4, 0.5, Quantiles(0.25, None), Quantiles(0.25, 0.5), 3, 6.0, {})
    assert summary.measures() == {
        "detected": 0.5,
        "false_alarms_per_hour": 6.0,
        "seen_median": 0.25,
        "seen_median_if_detected": 0.25,
        "seen_quantile_90_if_detected": 0.5,
    }
