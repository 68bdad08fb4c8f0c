"""What came of one arm, computed from its runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.reports.analysis import paper
from crescendo.reports.analysis.alarm_hours import AlarmHours
from crescendo.reports.analysis.arm_summary import (
    ArmCost,
    ArmSummary,
    ProgressionCurves,
    ProgressionSnapshot,
    ReplicateSummary,
)
from crescendo.reports.analysis.causes import causes_summary
from crescendo.reports.analysis.clipping import clipped_share
from crescendo.reports.analysis.differences import Comparison
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.means import means
from crescendo.reports.analysis.measured import early_evaluations, label_ap, mean_ap, violations
from crescendo.reports.analysis.member import ReportedArm, Training
from crescendo.reports.analysis.search import best_setting, combinations_tried, search_summary
from crescendo.reports.analysis.segmental import segmental_summary
from crescendo.reports.formatting import plain
from crescendo.reports.source.runs import ArmRuns, TrialRun
from crescendo.trainables.evaluation.online import OnlineDetection
from crescendo.trainables.evaluation.progression import CURVES, Progression
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics

LabelAP = Callable[[SubsetMetrics], Mapping[str, float]]


@dataclass(frozen=True)
class Measured:
    """What the arms of a report were measured at: `iou`, `fractions` and so on of `ReportModel`."""

    iou: tuple[str, ...]
    fractions: tuple[str, ...]
    early_fraction: str | None
    label_iou: str | None
    labels: tuple[str, ...]

    def labels_of(self, metrics: SubsetMetrics) -> Mapping[str, float]:
        """Return label -> AP at `label_iou`."""
        return label_ap(metrics.evaluation, self.label_iou) if self.label_iou else {}

    def early_labels_of(self, metrics: SubsetMetrics) -> Mapping[str, float]:
        """Return label -> AP at `label_iou` of early detection at `early_fraction`."""
        if self.label_iou is None or self.early_fraction is None:
            return {}
        return label_ap(early_evaluations(metrics)[self.early_fraction], self.label_iou)


def arm_summary(
    member: ReportedArm,
    baseline: ReportedArm,
    measured: Measured,
    detection: Comparison,
    early: Comparison,
    hours: AlarmHours | None,
) -> ArmSummary:
    """Return what came of an arm; `detection` and `early` compare all arms with the baseline, alarms go by `hours`."""
    metrics = member.metrics()
    theirs = {} if baseline is member else baseline.metrics()
    online = {key: one.online for key, one in metrics.items() if one.online is not None}
    in_paper = paper.figures(member.study.study, member.study.dataset, member.arm)
    replicates = tuple(replicate_summary(member, runs, measured) for runs in member.replicates)
    return ArmSummary(
        name=member.name,
        study=member.study_name,
        baseline=member is baseline,
        ablated=member.arm.ablated,
        setting=_common_setting([one.setting for one in replicates if one.setting]),
        variant=member.variant,
        seeds=tuple(sorted({seed for _, seed in metrics})),
        wanted=member.study.study.confirm.seeds,
        search=replicates[0].search,
        replicates=replicates,
        detection=means({key: _detection(one) for key, one in metrics.items()}),
        early=_early(metrics),
        labels=means({key: measured.labels_of(one) for key, one in metrics.items()}),
        gain=_gains(metrics, theirs, measured.labels_of),
        early_labels=means({key: measured.early_labels_of(one) for key, one in metrics.items()}),
        early_gain=_gains(metrics, theirs, measured.early_labels_of),
        progression=_mean_curves([one.progression for one in metrics.values() if one.progression is not None]),
        violations=means({key: violations(one) for key, one in metrics.items()}),
        snapshots=_snapshots(member),
        difference=detection.differences.get(member.name, {}),
        early_difference=early.differences.get(member.name, {}),
        frame=means({key: {"mAP": one.frame.mean_ap, "cAP": one.frame.mean_cap} for key, one in online.items()}),
        alarms=_alarms(online),
        segmental=segmental_summary({key: one.segmental for key, one in metrics.items() if one.segmental is not None}),
        causes=causes_summary(metrics, theirs, hours),
        clipped_share=clipped_share([run for one in member.replicates for run in one.confirmed]),
        paper_detection=None if in_paper is None else in_paper.detection,
        paper_early=None if in_paper is None else in_paper.early,
    )


def replicate_summary(member: ReportedArm, runs: ArmRuns, measured: Measured) -> ReplicateSummary:
    """Return what came of an arm in one replicate."""
    metrics = {seed: one.metrics for seed, one in runs.artifacts.items() if one.metrics is not None}
    early = measured.early_fraction
    return ReplicateSummary(
        name=runs.replicate.name,
        fold=runs.replicate.fold,
        repeat=runs.replicate.repeat,
        seeds=tuple(sorted(metrics)),
        search=search_summary(member.study.study, runs),
        setting={} if runs.best is None else best_setting(runs, runs.best),
        detection=_plain_means([_detection(one) for one in metrics.values()]),
        early=_plain_means([mean_ap(early_evaluations(one)[early]) for one in metrics.values()] if early else []),
    )


def _detection(metrics: SubsetMetrics) -> dict[str, float]:
    return {**mean_ap(metrics.evaluation), "mean": metrics.evaluation.mean}


def _plain_means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([row[key] for row in rows])) for key in (rows[0] if rows else ())}


def _common_setting(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one setting for those that replicates chose; where numbers differ, from which to which, as text."""
    keys = dict.fromkeys(key for one in settings for key in one)
    return {key: _common([one[key] for one in settings if key in one]) for key in keys}


def _common(values: Sequence[Any]) -> Any:
    if all(value == values[0] for value in values):
        return values[0]
    if all(isinstance(value, int | float) for value in values):
        return f"{plain(min(values))} to {plain(max(values))}"
    return " or ".join(sorted({plain(value) for value in values}))


def arm_cost(member: ReportedArm) -> ArmCost:
    """Return what the runs of an arm took."""
    runs, resources = member.replicates, member.study.study.resources
    finished = sum(run.state == "finished" for one in runs for run in one.search)
    tried = combinations_tried(runs[0])
    return ArmCost(
        arm=member.name,
        trainings=sum(len(one.search) + len(one.finalists) + len(one.confirm) for one in runs),
        search_hours=_hours([run for one in runs for run in (*one.search, *one.finalists)]),
        confirm_hours=_hours([run for one in runs for run in one.confirm]),
        cpus=float(resources.cpus),
        gpus=float(resources.gpus),
        decodings=finished * tried,
        saved=finished * (tried - 1),
    )


def _hours(runs: Sequence[TrialRun]) -> float:
    return sum(run.seconds or 0.0 for run in runs) / 3600


def _early(metrics: Mapping[Training, SubsetMetrics]) -> dict[str, dict[str, Estimate]]:
    parts = {key: early_evaluations(one) for key, one in metrics.items()}
    fractions = next(iter(parts.values()), {})
    return {fraction: means({key: mean_ap(part[fraction]) for key, part in parts.items()}) for fraction in fractions}


def _alarms(online: Mapping[Training, OnlineDetection]) -> dict[str, dict[str, Estimate]]:
    """Return rate -> the measures of early warning that every run has."""
    alarms = {}
    for rate in next(iter(online.values())).warnings if online else ():
        rows = {key: one.warnings[rate].measures() for key, one in online.items()}
        every = set.intersection(*map(set, rows.values()))
        alarms[rate] = means({key: {name: row[name] for name in row if name in every} for key, row in rows.items()})
    return alarms


def _gains(
    ours: Mapping[Training, SubsetMetrics], theirs: Mapping[Training, SubsetMetrics], label_ap: LabelAP
) -> dict[str, Estimate]:
    """Return label -> gain in AP over the baseline, over the trainings that both have."""
    pairs = {key: (label_ap(ours[key]), label_ap(theirs[key])) for key in ours if key in theirs}
    return means(
        {key: {label: mine[label] - its[label] for label in mine if label in its} for key, (mine, its) in pairs.items()}
    )


def _mean_curves(progressions: Sequence[Progression]) -> ProgressionCurves | None:
    if not progressions:
        return None
    return ProgressionCurves(*(np.mean([one.curves[name] for one in progressions], axis=0) for name in CURVES))


def _snapshots(member: ReportedArm) -> tuple[ProgressionSnapshot, ...]:
    """Return the mean curves at each iteration that every run kept."""
    kept = [artifacts.snapshots for artifacts in member.artifacts.values()]
    shared = set.intersection(*(set(one) for one in kept)) if kept else set()
    found = [(iteration, _mean_curves([one[iteration] for one in kept])) for iteration in sorted(shared)]
    return tuple(ProgressionSnapshot(iteration, curves) for iteration, curves in found if curves is not None)
