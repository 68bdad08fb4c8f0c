import numpy as np
from mlflow.utils.validation import _validate_metric_name

from crescendo.platform.tracking import metric_keys
from crescendo.trainables.evaluation.early import EarlyDetection
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.progression import POINTS, Progression, Violation

EVALUATION = Evaluation(("run", "walk"), (0.1, 0.5, 0.55), np.array([[0.9, 0.5, 0.3], [0.7, 0.3, 0.1]]))
EARLY = EarlyDetection((0.3, 1.0), (EVALUATION, EVALUATION))
LINE = np.linspace(0.0, 1.0, POINTS)
PROGRESSION = Progression(LINE, LINE - 0.5, LINE * 0 + 0.5, Violation(0.25, 0.1), Violation(0.5, 0.2), 7, 0)


def test_detection_metrics():
    metrics = metric_keys.detection("validation", EVALUATION.to_json())
    assert {key: round(value, 9) for key, value in metrics.items()} == {
        "validation/mAP/iou_0.10": 0.8,
        "validation/mAP/iou_0.50": 0.4,
        "validation/mAP/iou_0.55": 0.2,
        "validation/mAP/mean": round(1.4 / 3, 9),
    }


def test_early_metrics_per_fraction_and_threshold():
    metrics = metric_keys.early("test", EARLY.to_json())
    assert len(metrics) == 6
    assert round(metrics["test/early/fraction_0.30/iou_0.50"], 9) == 0.4


def test_violation_metrics():
    assert metric_keys.violations("test", PROGRESSION.to_json()) == {
        "test/violations/score/share": 0.25,
        "test/violations/score/depth": 0.1,
        "test/violations/margin/share": 0.5,
        "test/violations/margin/depth": 0.2,
    }


def test_curves_have_their_axis_as_whole_steps():
    against_iou = metric_keys.iou_curve("test", EVALUATION.to_json())
    assert [(name, step) for name, step, _ in against_iou] == [
        ("test/curve/mAP_against_iou", step) for step in (10, 50, 55)
    ]
    fractions = metric_keys.fraction_curves("test", EARLY.to_json())
    assert ("test/curve/mAP_against_observed_fraction/iou_0.10", 30) in [(name, step) for name, step, _ in fractions]
    assert len(fractions) == 6
    assert metric_keys.gap_curve("validation", {20: 0.5, 0: 0.25}) == [
        ("validation/curve/mAP_against_merge_gap", 0, 0.25),
        ("validation/curve/mAP_against_merge_gap", 20, 0.5),
    ]


def test_progression_curves_run_from_0_to_100_percent():
    rows = metric_keys.progression_curves("test", PROGRESSION.to_json())
    margin = [(step, value) for name, step, value in rows if name == "test/curve/progression/margin"]
    assert margin[0] == (0, -0.5)
    assert margin[-1] == (100, 0.5)
    assert len({step for step, _ in margin}) == POINTS


def test_mlflow_takes_every_name():
    detected, early = EVALUATION.to_json(), EARLY.to_json()
    names = [*metric_keys.detection("validation", detected), *metric_keys.early("test", early)]
    names += metric_keys.violations("test", PROGRESSION.to_json())
    rows = [*metric_keys.iou_curve("test", detected), *metric_keys.fraction_curves("test", early)]
    rows += metric_keys.progression_curves("test", PROGRESSION.to_json())
    for name in [*names, *(row[0] for row in rows)]:
        _validate_metric_name(name)


def alarms(detected, median):
    quantiles = {"median": median, "quantile_90": None}
    return {
        "detected": detected, "false_alarms_per_hour": 3.0, "seen": quantiles, "seen_if_detected": quantiles,
        "segments": 7, "labels": {},
    }  # fmt: skip


ONLINE = {
    "frame_mAP": 0.5,
    "frame_cAP": 0.75,
    "alarms": {"0.5/h": alarms(0.25, None), "1/h": alarms(0.5, 0.25)},
}


def test_online_metrics_by_rate_leave_out_what_was_not_reached():
    metrics = metric_keys.online("test", ONLINE)
    assert metrics == {
        "test/frame_mAP": 0.5,
        "test/frame_cAP": 0.75,
        "test/online/detected/0.5_per_hour": 0.25,
        "test/online/false_alarms_per_hour/0.5_per_hour": 3.0,
        "test/online/detected/1_per_hour": 0.5,
        "test/online/false_alarms_per_hour/1_per_hour": 3.0,
        "test/online/seen_median/1_per_hour": 0.25,
        "test/online/seen_median_if_detected/1_per_hour": 0.25,
    }
    rows = metric_keys.alarm_curves("test", ONLINE)
    assert [row for row in rows if row[0] == "test/curve/online/detected"] == [
        ("test/curve/online/detected", 5, 0.25),
        ("test/curve/online/detected", 10, 0.5),
    ]
    for name in [*metrics, *(row[0] for row in rows)]:
        _validate_metric_name(name)
