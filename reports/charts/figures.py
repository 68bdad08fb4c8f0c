"""The charts of a report: the paper's figures 7 to 11 for these runs, and what the search and single recordings show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from crescendo.reports.analysis.report_model import ArmContent, Content, Curves, Estimate
from crescendo.reports.charts import alarm_charts, label_charts, line_charts, progression_charts
from crescendo.reports.charts.chart import Chart, LeftOut
from crescendo.reports.charts.line_charts import Curve, Point
from crescendo.reports.charts.style import Look, looks, styled
from crescendo.reports.charts.timelines import Stretch, Timeline, timeline
from crescendo.reports.numbers import measure_name

_EARLY_IOU = (0.4, 0.5)


def charts(content: Content) -> tuple[list[Chart], list[LeftOut]]:
    """Return the charts that the content holds the numbers for, in the page's order, and those it does not."""
    look = looks([arm.name for arm in content.arms], content.baseline or "")
    drawn: list[Chart] = []
    left_out: list[LeftOut] = []
    with styled():
        for draw in _DRAWN:
            for one in draw(content, look):
                if isinstance(one, Chart):
                    drawn.append(one)
                else:
                    left_out.append(one)
    return drawn, left_out


def _differences(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    title = f"Difference to {content.baseline}"
    measure = content.headline
    early = f"Early detection, {100 * float(content.early_fraction or 0):g} % observed"
    found = {}
    for arm in content.arms:
        parts = (("Detection", arm.difference), (early, arm.early_difference))
        intervals = {
            name: label_charts.Interval(part[measure].value, part[measure].low, part[measure].high, part[measure].holds)
            for name, part in parts
            if measure in part
        }
        if intervals:
            found[arm.name] = intervals
    if not found:
        yield LeftOut(
            "difference_to_baseline",
            title,
            "it takes the detections of the baseline and of another arm, with the same seeds",
        )
        return
    figure, numbers = label_charts.differences(found, look, "difference (percentage points)")
    caption = (
        f"Test {measure_name(measure)}, minus the baseline's. Lines: 95 % intervals, over recordings (paired bootstrap, "
        f"{content.resamples:,} resamples) and seeds. Filled: the difference holds after Holm's correction over the arms; "
        "hollow: no difference shown."
    )
    yield Chart("difference_to_baseline", title, caption, figure, numbers)


def _detection(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    title = "Detection: mAP against IoU threshold"
    found = {arm.name: _curve({key: arm.detection[key] for key in content.iou}) for arm in _confirmed(content)}
    if not found:
        yield LeftOut("mAP_against_iou", title, "no arm has a confirmed run")
        return
    figure, numbers = line_charts.curves(found, look, "IoU threshold", "test mAP (%)")
    caption = f"Mean over each arm's seeds on the test split; shaded: {_INTERVAL}."
    yield Chart("mAP_against_iou", title, caption, figure, numbers)


def _early(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    title = "Early detection: mAP against observed fraction"
    arms = [arm for arm in content.arms if arm.early]
    if not arms:
        yield LeftOut("early_against_fraction", title, "no arm has a confirmed run")
        return
    keys = dict.fromkeys(min(content.iou, key=lambda key: abs(float(key) - wanted)) for wanted in _EARLY_IOU)
    found = {
        f"IoU {float(key):g}": {
            arm.name: _curve({fraction: thresholds[key] for fraction, thresholds in arm.early.items()}) for arm in arms
        }
        for key in keys
    }
    figure, numbers = line_charts.curve_panels(found, look, "observed fraction (%)", "test mAP (%)", x_percent=True)
    caption = (
        "The paper's Figure 8. A sequence for every test activity: the model sees it from the end of the activity before "
        "until this share of the activity has passed; the ground truth is cut to what was seen. Mean over seeds; "
        f"shaded: {_INTERVAL}."
    )
    yield Chart("early_against_fraction", title, caption, figure, numbers)


def _online(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    title = "Early warning: time to detection against false alarms"
    arms = [arm for arm in content.arms if arm.alarms]
    if not arms:
        yield LeftOut("time_to_detection", title, "no confirmed run has online metrics; runs of this version have them")
        return
    figure, numbers = alarm_charts.time_to_detection({arm.name: arm.alarms for arm in arms}, look)
    caption = (
        "A point for each rate of false alarms, an hour and label, that the thresholds keep to on the validation split: "
        f"{', '.join(rate.removesuffix('/h') for rate in arms[0].alarms)}. Across: the false alarms that this leads to on "
        "the test split, all labels together. Seen: the part of an activity that has passed when its alarm goes off, over "
        "all test activities, missed ones counted as never seen; a rate at which too many are missed for the quantile to be "
        "reached by every seed has no point. Announced: activities whose alarm goes off while they go on. Mean over seeds; "
        f"shaded: {_INTERVAL}."
    )
    yield Chart("time_to_detection", title, caption, figure, numbers)


def _gains(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    if content.label_iou is None or content.early_fraction is None:
        return
    iou, share = f"{float(content.label_iou):g}", f"{100 * float(content.early_fraction):g} %"
    parts: tuple[tuple[str, str, str, Callable[[ArmContent], Mapping[str, Estimate]]], ...] = (
        ("gains_detection", "Detection: the labels that gained most", "The paper's Figure 7.", lambda arm: arm.labels),
        (
            "gains_early",
            f"Early detection, {share} observed: the labels that gained most",
            "The paper's Figure 9.",
            lambda arm: arm.early_labels,
        ),
    )
    for name, title, source, values in parts:
        ap = {arm.name: {label: one.mean for label, one in values(arm).items()} for arm in content.arms if values(arm)}
        if content.baseline not in ap or len(ap) < 2:
            yield LeftOut(name, title, "it takes confirmed runs of the baseline and of another arm")
            continue
        figure, numbers = label_charts.gains(ap, content.baseline, look, f"test AP at IoU {iou} (%)")
        caption = (
            f"{source} Up to {label_charts.LABELS} labels by the largest gain of any arm over {content.baseline}, the "
            "largest on top; mean over seeds. Picked for their gains, so these gains flatter: the table has every label."
        )
        yield Chart(name, title, caption, figure, numbers)


def _progression(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    title = "Scores along an activity, per arm"
    found = {arm.name: _quantities(arm.progression) for arm in content.arms if arm.progression is not None}
    if found:
        figure, numbers = progression_charts.by_arm(found, look)
        caption = (
            "The paper's Figure 11. Every test segment from its first frame to its last: the score of its label, the highest "
            "score of another label (background included), and their difference; resampled to 20 points, averaged over "
            "segments and seeds."
        )
        yield Chart("progression", title, caption, figure, numbers)
    else:
        yield LeftOut("progression", title, "no confirmed run has progression curves")
    title = "Scores along an activity, while training"
    kept = {
        arm.name: [progression_charts.Snapshot(one.iteration, _quantities(one.curves)) for one in arm.snapshots]
        for arm in content.arms
        if arm.snapshots
    }
    if not kept:
        yield LeftOut(
            "progression_while_training",
            title,
            "the confirmed runs kept no snapshots.json; runs of this version keep one",
        )
        return
    figure, numbers = progression_charts.over_training(kept)
    caption = (
        "The paper's Figure 10. The same curves over the validation segments, at the reports of the confirmed runs "
        f"(at most {progression_charts.SNAPSHOTS}); the stronger, the later; mean over seeds."
    )
    yield Chart("progression_while_training", title, caption, figure, numbers)


def _search(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    objective = f"validation {measure_name(content.studies[0].objective)} (%)"
    finished = [
        Point(
            arm.name,
            trial.number,
            float(trial.proposed.get("lambda_r", 0.0)),
            trial.objective,
            _is_best(arm, trial.number),
        )
        for arm in content.arms
        for trial in arm.search.trials
        if trial.state == "finished" and trial.objective is not None
    ]
    others = sum(sum(arm.search.counts.values()) - arm.search.counts.get("finished", 0) for arm in content.arms)
    unseen = f" {others} trials that did not finish are not shown." if others else ""
    title = "Search: mAP against lambda_r"
    weighed = [point for point in finished if point.x > 0]
    if weighed:
        figure, numbers = line_charts.weights(weighed, look, objective)
        caption = f"Every finished trial of the search, with its best merge gap; ringed: the arm's best.{unseen}"
        yield Chart("mAP_against_lambda_r", title, caption, figure, numbers)
    else:
        yield LeftOut("mAP_against_lambda_r", title, "no trial searched it")
    title = "Search: mAP against merge gap"
    gaps = {
        arm.name: Curve([gap for gap, _ in arm.search.gap_curve], [value for _, value in arm.search.gap_curve])
        for arm in content.arms
        if arm.search.gap_curve
    }
    if gaps:
        chosen = {arm.name: arm.search.merge_gap for arm in content.arms if arm.search.merge_gap is not None}
        figure, numbers = line_charts.gap_curves(gaps, chosen, look, objective)
        caption = (
            "The stored frame scores of each arm's best trial, decoded with every merge gap; marked: the one chosen."
        )
        yield Chart("mAP_against_merge_gap", title, caption, figure, numbers)
    else:
        yield LeftOut("mAP_against_merge_gap", title, "no arm searched it, or MLflow holds no such curve")
    title = "Search: optimisation history"
    if finished:
        figure, numbers = line_charts.history(finished, look, objective)
        caption = f"Finished trials in the order in which they were proposed; the line is the best so far.{unseen}"
        yield Chart("optimisation_history", title, caption, figure, numbers)
    else:
        yield LeftOut("optimisation_history", title, "no trial of the search has finished")


def _timelines(content: Content, look: Mapping[str, Look]) -> Iterator[Chart | LeftOut]:
    if not content.timelines:
        yield LeftOut("timeline_1", "Timelines of recordings", "no confirmed run has its detections")
    for number, one in enumerate(content.timelines, 1):
        found = {
            arm: Timeline(one.scores.get(arm) if one.fps else None, [Stretch(*detection) for detection in detections])
            for arm, detections in one.detections.items()
        }
        truth = [Stretch(*segment) for segment in one.truth]
        labels = one.labels or content.labels
        figure, numbers = timeline(truth, found, look, labels=labels, fps=one.fps or 1.0)
        caption = (
            f"Seed {one.seed}. A row for each label that occurs: outlines are the ground truth, bars the detections after "
            "merging" + (", shades the label's frame scores." if one.scores else "; these runs kept no frame scores.")
        )
        yield Chart(f"timeline_{number}", f"Timeline of {one.recording}", caption, figure, numbers)


_DRAWN = (_differences, _detection, _early, _online, _gains, _progression, _search, _timelines)
_INTERVAL = "95 % interval of the mean over seeds (Student's t)"


def _confirmed(content: Content) -> list[ArmContent]:
    return [arm for arm in content.arms if all(key in arm.detection for key in content.iou) and content.iou]


def _curve(found: Mapping[str, Estimate]) -> Curve:
    """Return key -> estimate as a curve, with a band if every estimate has an interval."""
    estimates = list(found.values())
    low = [max(0.0, one.low) for one in estimates if one.low is not None]
    high = [min(1.0, one.high) for one in estimates if one.high is not None]
    whole = len(low) == len(high) == len(estimates)
    return Curve(
        [float(key) for key in found],
        [one.mean for one in estimates],
        low if whole else None,
        high if whole else None,
    )


def _quantities(curves: Curves) -> dict[str, list[float]]:
    return {name: getattr(curves, name).tolist() for name in progression_charts.QUANTITIES}


def _is_best(arm: ArmContent, number: int) -> bool:
    return arm.search.best == number
