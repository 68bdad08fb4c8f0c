"""The report model that no study came to: three arms, six labels, everything filled in, awkward names."""

from dataclasses import replace

import numpy as np

from crescendo.reports.analysis.arm_summary import (
    ArmCost,
    ArmSummary,
    ProgressionCurves,
    ProgressionSnapshot,
    ReplicateSummary,
    SearchSummary,
    TrialSummary,
)
from crescendo.reports.analysis.causes import CausesSummary
from crescendo.reports.analysis.estimates import Difference, Estimate, Verdict
from crescendo.reports.analysis.report_model import RecordingTimeline, ReportModel, StudySummary
from crescendo.reports.analysis.segmental import SegmentalSummary

IOU = ("0.10", "0.30", "0.40", "0.50", "0.80")
FRACTIONS = ("0.30", "0.60", "1.00")
LABELS = ("cut & <paste>", "jump", "lie_down|up", "pay $5", "run", "walk")
SHORTFALLS = ("score/share", "score/shortfall", "margin/share", "margin/shortfall")
BASELINE, BETTER, WORSE = "variant=none", "variant=score", "variant=margin"


def estimate(mean, spread=0.02):
    values = (mean - spread, mean, mean + spread)
    return Estimate(mean, mean - 2.48 * spread, mean + 2.48 * spread, values)


def curves(shift):
    course = np.linspace(0, 1, 20)
    score = np.clip(course + shift, 0, 1)
    return ProgressionCurves(score, 2 * score - 1, 1 - score)


def difference(measure, value, *, holds):
    answer = Verdict("better", 0.01) if holds else Verdict("undecided", 0.01, seeds=9, detectable=0.006)
    return Difference(
        measure, value, value - 0.015 if holds else -0.02, value + 0.015, 0.004 if holds else 0.4,
        0.008 if holds else 0.4, answer, 0.98 if holds else 0.6, 0.02, 0.007, 4.0, value - 0.01, value + 0.01,
        (0, 1, 2), 50, 50, 3,
    )  # fmt: skip


def search(shift, weighs):
    trials = tuple(
        TrialSummary(
            number,
            "finished" if number < 3 else "pruned",
            0.5 + shift + 0.05 * number,
            {"learning_rate": 0.003, **({"lambda_r": 0.5 * 6**number} if weighs else {})},
            20,
            12.0,
            None if number < 3 else "pruned at iteration 60",
        )
        for number in range(4)
    )
    counts = {"finished": 3, "pruned": 1, "failed": 0, "interrupted": 0, "running": 0}
    gaps = tuple((gap, 0.6 + shift - abs(gap - 20) / 100) for gap in range(0, 61, 5))
    chosen = {"learning_rate": 0.003, "merge_gap": 20, "reset": "memory"}
    weight = 18.0 if weighs else None
    return SearchSummary(4, counts, 2, 0.6 + shift, chosen, weight, 20, "memory", None, trials, gaps)


def alarms(shift):
    """Early warning at three rates; at the lowest, nine activities in ten are not reached."""
    found = {}
    for rate, number in (("0.5/h", 0), ("1/h", 1), ("10/h", 2)):
        found[rate] = {
            "detected": estimate(0.7 + 0.1 * number + shift),
            "false_alarms_per_hour": estimate(10.0**number, 0.2),
            "seen_median": estimate(0.4 - 0.15 * number - shift),
            "seen_median_if_detected": estimate(0.3 - 0.1 * number - shift),
            "seen_quantile_90_if_detected": estimate(0.6 - 0.1 * number),
        }
        if number:
            found[rate]["seen_quantile_90"] = estimate(0.9 - 0.1 * number)
    return found


def segmental(shift):
    """Segmental measures; walking is taken for running in a fifth of its frames."""
    measures = {key: estimate(0.5 + shift) for key in ("accuracy", "edit", "F1@10", "F1@25", "F1@50")}
    labels = ("background", *LABELS)
    confusion = 80 * np.eye(len(labels), dtype=np.int64)
    confusion[-1, -2] = 20
    return SegmentalSummary(measures, {key: measures[key] for key in measures if key != "accuracy"}, labels, confusion)


def causes(shift, *, baseline):
    """Diagnosis and so on; half as many poor overlaps where the shift is."""
    kinds = ("wrong_label", "poor_overlap", "both", "double", "background")
    measures = {
        "mAP": estimate(0.65 + shift),
        **{kind: estimate(0.3 - shift) for kind in kinds},
        **{name: estimate(0.2 - shift) for name in ("not_found", "missed")},
        **{f"mAP_without/{kind}": estimate(0.7 + shift) for kind in (*kinds, "missed")},
        **{name: estimate(-0.5 + shift, 0.1) for name in ("start_error", "end_error")},
        **{f"{name}/absolute": estimate(1.5 - shift, 0.1) for name in ("start_error", "end_error")},
        **{f"p_mAP/{seconds}s": estimate(0.3 + seconds / 50 + shift) for seconds in (1, 2, 5, 10)},
        "latency_median": estimate(3.0 - 10 * shift, 0.2),
        "expected_calibration_error": estimate(0.08 - shift),
        "negative_log_likelihood": estimate(0.7 - shift),
        "pieces": estimate(1.2), "broken": estimate(0.15), "merged": estimate(1.05), "merging": estimate(0.04),
        **{f"violations/{of}": estimate(0.3 - shift) for of in SHORTFALLS},
    }  # fmt: skip
    gain = {} if baseline else {name: estimate(shift) for name in measures}
    rates = {
        name: one for name, one in measures.items() if name in (*kinds, "not_found", "missed") or "without" in name
    }
    thirds = {"length": ("short", "medium", "long"), "place": ("beginning", "middle", "end")}
    bins = {by: dict.fromkeys(names, rates) for by, names in thirds.items()}
    gained = {name: one for name, one in gain.items() if name in rates}
    gains = {} if baseline else {by: dict.fromkeys(names, gained) for by, names in thirds.items()}
    reliability = np.array([[0, 0, 0], [300, 0.5, 0.4 + shift], [700, 0.9, 0.85 + shift]])
    return CausesSummary("0.50", measures, gain, bins, reliability, gains)


def arm(name, shift, *, holds):
    baseline = name == BASELINE
    found = {key: estimate(0.9 + shift - float(key) / 2) for key in IOU}
    labels = {label: estimate(0.5 + shift * number / 3) for number, label in enumerate(LABELS)}
    gain = {label: estimate(shift * number / 3) for number, label in enumerate(LABELS)}
    measured = {} if baseline else {"mAP/iou_0.50": difference("mAP/iou_0.50", shift, holds=holds)}
    setting = {"learning_rate": 0.003, "merge_gap": 20, "reset": "memory"}
    means = {key: one.mean for key, one in found.items()}
    return ArmSummary(
        name=name,
        study="invented",
        baseline=baseline,
        ablated={"variant": name.split("=")[1]},
        setting=setting,
        variant=name.split("=")[1],
        seeds=(0, 1, 2),
        wanted=(0, 1, 2),
        search=search(shift, not baseline),
        replicates=(ReplicateSummary("", None, 1, (0, 1, 2), search(shift, not baseline), setting, means, means),),
        detection={**found, "mean": estimate(0.6 + shift)},
        early={fraction: {key: estimate(float(fraction) * (0.8 - float(key) / 2)) for key in IOU} for fraction in FRACTIONS},
        labels=labels,
        gain={} if baseline else gain,
        early_labels=labels,
        early_gain={} if baseline else gain,
        progression=curves(shift),
        violations={"score/share": estimate(0.2), "score/depth": estimate(0.1)},
        snapshots=tuple(
            ProgressionSnapshot(iteration, curves(shift - 0.5 + iteration / 200))
            for iteration in (20, 40, 60, 80, 100, 120)
        ),
        difference=measured,
        early_difference=measured,
        frame={"mAP": estimate(0.7 + shift), "cAP": estimate(0.8 + shift)},
        alarms=alarms(shift),
        segmental=segmental(shift),
        causes=causes(shift, baseline=baseline),
    )  # fmt: skip


def timeline(number):
    truth = (("jump", 2.0, 5.5), ("pay $5", 8.0, 14.0))
    found = {
        name: (("jump", 2.5, 5.0 + shift, 0.8), ("walk", 6.0, 7.0, 0.4))
        for name, shift in ((BASELINE, 0.0), (BETTER, 0.4), (WORSE, 0.2))
    }
    labels = ("background", *LABELS)
    scores = {name: np.full((100, len(labels)), 1 / len(labels), dtype=np.float32) for name in found}
    return RecordingTimeline(f"recording {number}", 0, 6.0, labels, truth, found, scores)


def invented():
    """Return the model: `variant=score` is better than the baseline, `variant=margin` no different."""
    arms = (arm(BASELINE, 0.0, holds=False), arm(BETTER, 0.06, holds=True), arm(WORSE, 0.005, holds=False))
    study = StudySummary(
        "invented", "Does the <score> loss help?", "synthetic", "5d20608506b83e51", "sqlite:///mlflow.db", "FINISHED",
        None, "mAP/iou_0.50", "paper", 1000, (0, 1, 2), 4, {"base": {"iterations": 120}},
        {"git.commit": ("d569811",), "version.torch": ("2.13.0",)},
    )  # fmt: skip
    return ReportModel(
        studies=(study,),
        arms=arms,
        baseline=BASELINE,
        headline="mAP/iou_0.50",
        primary="detection",
        iou=IOU,
        fractions=FRACTIONS,
        early_fraction="0.30",
        label_iou="0.50",
        labels=LABELS,
        recordings=50,
        groups=50,
        groups_are="groups",
        costs=tuple(ArmCost(one.name, 7, 0.2, 0.1, 1.0, 0.0, 122, 120) for one in arms),
        timelines=tuple(timeline(number) for number in range(3)),
        resamples=10_000,
        resampling_seed=0,
        missing=(),
        notes=(),
    )


def unfinished():
    """Return the same of a study whose search has only begun."""
    model = invented()
    nothing = {
        "seeds": (), "detection": {}, "early": {}, "labels": {}, "gain": {}, "early_labels": {}, "early_gain": {},
        "progression": None, "violations": {}, "snapshots": (), "difference": {}, "early_difference": {},
        "frame": {}, "alarms": {}, "segmental": None, "causes": None,
    }  # fmt: skip
    idle = SearchSummary(4, {"finished": 0}, None, None, {}, None, None, None, None, (), ())
    none = ReplicateSummary("", None, 1, (), idle, {})
    arms = tuple(replace(one, search=idle, replicates=(none,), **nothing) for one in model.arms)
    missing = ("No arm is confirmed: everything about the test split is left out.",)
    return replace(model, arms=arms, timelines=(), labels=(), recordings=0, missing=missing)
