"""What MLflow is told of a run: every figure under its name, curves as points with whole steps."""

from dataclasses import replace

import numpy as np
import pytest
from mlflow.utils.validation import _validate_metric_name

from crescendo.platform.tracking.run_metrics import (
    curves,
    progress_numbers,
    result_numbers,
    subset_curves,
    subset_numbers,
)
from crescendo.trainables.evaluation.bound_error import BoundError, Quartiles
from crescendo.trainables.evaluation.diagnosis import Bins, Diagnosis, OutcomeCounts
from crescendo.trainables.evaluation.early import EarlyDetection
from crescendo.trainables.evaluation.early_classification import EarlyClassification
from crescendo.trainables.evaluation.fragmentation import Fragmentation
from crescendo.trainables.evaluation.frame_calibration import FrameCalibration
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.online import OnlineDetection
from crescendo.trainables.evaluation.outcomes import KINDS
from crescendo.trainables.evaluation.per_frame import FramePrecision
from crescendo.trainables.evaluation.progression import POINTS, Progression, Violation
from crescendo.trainables.evaluation.repaired import MISSED
from crescendo.trainables.evaluation.segmental import SegmentalMetrics, SegmentScores
from crescendo.trainables.evaluation.start_detection import StartDetection
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.evaluation.warning_summary import Quantiles, WarningSummary
from crescendo.trainables.training.validation_report import ValidationReport

EVALUATION = Evaluation(("run", "walk"), (0.1, 0.5, 0.55), np.array([[0.9, 0.5, 0.3], [0.7, 0.3, 0.1]]))
EARLY = EarlyDetection((0.3, 1.0), (EVALUATION, EVALUATION))
LINE = np.linspace(0.0, 1.0, POINTS)
PROGRESSION = Progression(LINE, LINE - 0.5, LINE * 0 + 0.5, Violation(0.25, 0.1), Violation(0.5, 0.2), 7, 0)


def warning(detected, median):
    quantiles = Quantiles(median, None)
    decided = None if median is None else EarlyClassification(0.75, 0.5)
    return WarningSummary(7, detected, quantiles, quantiles, 6, 3.0, {}, decided)


ONLINE = OnlineDetection(
    FramePrecision(("run", "walk"), np.array([0.25, 0.75]), np.array([0.5, 1.0])),
    {"0.5/h": warning(0.25, None), "1/h": warning(0.5, 0.25)},
    hours=2.0,
    without_frames=0,
)
SEGMENTAL = SegmentalMetrics(
    ("background", "run"),
    np.array([[6, 1], [1, 2]]),
    SegmentScores(0.5, (0.75, 0.5, 0.25)),
    SegmentScores(0.625, (0.875, 0.75, 0.5)),
    Fragmentation(1.5, 0.25, None, None),
)
COUNTS = OutcomeCounts(1, {kind: number for number, kind in enumerate(KINDS)}, 4, 3, 2)
NONE = OutcomeCounts(0, dict.fromkeys(KINDS, 3), 0, 0, 0)
DIAGNOSIS = Diagnosis(
    0.5,
    0.25,
    COUNTS,
    dict.fromkeys((*KINDS, MISSED), 0.75),
    {"length": Bins((2.0, 5.0), {"short": COUNTS, "long": NONE}, {"short": {"double": 0.5}, "long": {"double": 0.25}})},
    BoundError(Quartiles(-2.0, -1.0, 0.0), Quartiles(0.5, 1.5, 2.0)),
    None,
)
CALIBRATION = FrameCalibration(np.array([0, 4]), np.array([0.0, 0.75]), np.array([0.0, 0.5]), 0.625)
STARTS = StartDetection(("run", "walk"), np.array([[0.25, 0.5, 0.75, 1.0], [0.25, 0.5, 0.5, 0.5]]))
WHOLE = SubsetMetrics(EVALUATION, EARLY, PROGRESSION, ONLINE, SEGMENTAL, DIAGNOSIS, CALIBRATION, STARTS)
REPORT = ValidationReport(
    iteration=30,
    objective=0.4,
    done=True,
    losses={"loss": 1.5},
    results={"validation": SubsetMetrics(EVALUATION), "test": WHOLE},
    chosen={"reset": "memory", "merge_gap": 20},
    tried=[("memory", 20, 0.5), ("memory", 0, 0.25), ("none", 5, 0.1)],
    seconds=12.0,
)


def named(metrics, start=""):
    return {str(key): value for key, value in subset_numbers(metrics) if str(key).startswith(start)}


def stepped(metrics, name):
    return [(step, value) for key, step, value in subset_curves(metrics) if str(key) == name]


def test_mean_ap_by_threshold_and_their_mean():
    assert {name: round(value, 9) for name, value in named(SubsetMetrics(EVALUATION)).items()} == {
        "mAP/iou_0.10": 0.8,
        "mAP/iou_0.50": 0.4,
        "mAP/iou_0.55": 0.2,
        "mAP/mean": round(1.4 / 3, 9),
    }


def test_early_detection_by_fraction_and_threshold():
    found = named(SubsetMetrics(EVALUATION, early=EARLY), "early/")
    assert len(found) == 6
    assert found["early/fraction_0.30/iou_0.50"] == pytest.approx(0.4)


def test_violations():
    assert named(SubsetMetrics(EVALUATION, progression=PROGRESSION), "violations/") == {
        "violations/score/share": 0.25,
        "violations/score/depth": 0.1,
        "violations/margin/share": 0.5,
        "violations/margin/depth": 0.2,
    }


def test_online_metrics_by_rate_leave_out_what_was_not_reached():
    found = {**named(WHOLE, "frame_"), **named(WHOLE, "online/")}
    assert found == {
        "frame_mAP": 0.5,
        "frame_cAP": 0.75,
        "online/detected/0.5_per_hour": 0.25,
        "online/false_alarms_per_hour/0.5_per_hour": 3.0,
        "online/detected/1_per_hour": 0.5,
        "online/false_alarms_per_hour/1_per_hour": 3.0,
        "online/seen_median/1_per_hour": 0.25,
        "online/seen_median_if_detected/1_per_hour": 0.25,
        "online/accuracy/1_per_hour": 0.75,
        "online/earliness/1_per_hour": 0.5,
        "online/cost/1_per_hour": 0.5,
    }
    assert stepped(WHOLE, "curve/online/detected") == [(5, 0.25), (10, 0.5)]


def test_segmental_measures():
    assert named(WHOLE, "segmental/") == {
        "segmental/accuracy": 0.8,
        "segmental/edit": 0.5,
        "segmental/F1/iou_0.10": 0.75,
        "segmental/F1/iou_0.25": 0.5,
        "segmental/F1/iou_0.50": 0.25,
        "segmental/with_background/edit": 0.625,
        "segmental/with_background/F1/iou_0.10": 0.875,
        "segmental/with_background/F1/iou_0.25": 0.75,
        "segmental/with_background/F1/iou_0.50": 0.5,
        "segmental/pieces": 1.5,
        "segmental/broken": 0.25,
    }


def test_diagnosis_for_each_activity_calibration_and_starts():
    assert named(WHOLE, "diagnosis/") == {
        **{f"diagnosis/{kind}/iou_0.50": number / 4 for number, kind in enumerate(KINDS)},
        **{f"diagnosis/mAP_without/{kind}/iou_0.50": 0.75 for kind in (*KINDS, MISSED)},
        "diagnosis/not_found/iou_0.50": 0.75,
        "diagnosis/missed/iou_0.50": 0.5,
        "diagnosis/start_error/iou_0.50": -1.0,
        "diagnosis/start_error/absolute/iou_0.50": 1.5,
        # No activity is long: there is nothing to count the false positives by.
        **{f"diagnosis/by_length/short/{kind}/iou_0.50": number / 4 for number, kind in enumerate(KINDS)},
        "diagnosis/by_length/short/not_found/iou_0.50": 0.75,
        "diagnosis/by_length/short/missed/iou_0.50": 0.5,
        "diagnosis/by_length/short/mAP_without/double/iou_0.50": 0.5,
    }
    assert named(WHOLE, "calibration/") == {
        "calibration/expected_calibration_error": 0.25,
        "calibration/negative_log_likelihood": 0.625,
    }
    assert stepped(WHOLE, "curve/reliability") == [(75, 0.5)]
    assert named(WHOLE, "starts/") == {
        "starts/p_mAP/offset_1s": 0.25,
        "starts/p_mAP/offset_2s": 0.5,
        "starts/p_mAP/offset_5s": 0.625,
        "starts/p_mAP/offset_10s": 0.75,
    }


def test_curves_have_their_axis_as_whole_steps():
    assert [step for step, _ in stepped(WHOLE, "curve/mAP_against_iou")] == [10, 50, 55]
    assert [step for step, _ in stepped(WHOLE, "curve/mAP_against_observed_fraction/iou_0.10")] == [30, 100]
    gaps = [(step, value) for name, step, value in curves(REPORT) if name == "validation/curve/mAP_against_merge_gap"]
    assert gaps == [(0, 0.25), (20, 0.5)]
    single = replace(REPORT, tried=[("memory", 20, 0.5)])
    assert "validation/curve/mAP_against_merge_gap" not in {name for name, _, _ in curves(single)}


def test_progression_curves_run_from_0_to_100_percent():
    margin = stepped(WHOLE, "curve/progression/margin")
    assert margin[0] == (0, -0.5)
    assert margin[-1] == (100, 0.5)
    assert len({step for step, _ in margin}) == POINTS


def test_a_report_names_the_split_of_everything():
    numbers = result_numbers(REPORT)
    assert {"training/loss", "validation/mAP/mean", "test/mAP/mean", "test/frame_mAP"} <= set(numbers)
    assert "validation/frame_mAP" not in numbers
    assert result_numbers(replace(REPORT, frames_per_second=9.0))["training/frames_per_second"] == 9.0
    assert result_numbers(replace(REPORT, clipped_share=0.25))["training/clipped_share"] == 0.25
    assert "training/clipped_share" not in numbers
    assert progress_numbers(REPORT) == {"objective": 0.4, "seconds": 12.0, "chosen/merge_gap": 20}


def test_mlflow_takes_every_name():
    for name in [*result_numbers(REPORT), *progress_numbers(REPORT), *(name for name, _, _ in curves(REPORT))]:
        _validate_metric_name(name)
