"""What came of one arm, computed from its runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crescendo.reports.analysis import paper
from crescendo.reports.analysis.arm_summary import ArmCost, ArmSummary, ProgressionCurves, Snapshot
from crescendo.reports.analysis.differences import Comparison
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.measured import early_evaluations, label_ap, mean_ap, violations
from crescendo.reports.analysis.member import Member
from crescendo.reports.analysis.search import best_setting, combinations_tried, search_summary
from crescendo.reports.analysis.statistics import mean_interval
from crescendo.reports.source.runs import ArmRuns, TrialRun
from crescendo.trainables.evaluation.online import OnlineDetection
from crescendo.trainables.evaluation.progression import Progression
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
    member: Member, baseline: Member, measured: Measured, detection: Comparison, early: Comparison
) -> ArmSummary:
    """Return what came of an arm; `detection` and `early` compare all arms with the baseline."""
    runs, best, metrics = member.runs, member.runs.best, member.metrics()
    theirs = {} if baseline is member else baseline.metrics()
    every = list(metrics.values())
    online = [one.online for one in every if one.online is not None]
    in_paper = paper.figures(member.study.study, member.study.dataset, runs.arm)
    return ArmSummary(
        name=member.name,
        study=member.study_name,
        baseline=member is baseline,
        ablated=runs.arm.ablated,
        setting={} if best is None else best_setting(runs, best),
        variant=member.variant,
        seeds=tuple(sorted(metrics)),
        wanted=member.study.study.confirm.seeds,
        search=search_summary(member.study.study, runs),
        detection=_estimates([{**mean_ap(one.evaluation), "mean": one.evaluation.mean} for one in every]),
        early=_early(every),
        labels=_estimates([measured.labels_of(one) for one in every]),
        gain=_gains(metrics, theirs, measured.labels_of),
        early_labels=_estimates([measured.early_labels_of(one) for one in every]),
        early_gain=_gains(metrics, theirs, measured.early_labels_of),
        progression=_mean_curves([one.progression for one in every if one.progression is not None]),
        violations=_estimates([violations(one) for one in every]),
        snapshots=_snapshots(runs),
        difference=detection.differences.get(member.name, {}),
        early_difference=early.differences.get(member.name, {}),
        frame=_estimates([{"mAP": one.frame.mean_ap, "cAP": one.frame.mean_cap} for one in online]),
        alarms=_alarms(online),
        paper_detection=None if in_paper is None else in_paper.detection,
        paper_early=None if in_paper is None else in_paper.early,
    )


def arm_cost(member: Member) -> ArmCost:
    """Return what the runs of an arm took."""
    runs, resources = member.runs, member.study.study.resources
    finished = sum(run.state == "finished" for run in runs.search)
    tried = combinations_tried(runs)
    return ArmCost(
        arm=member.name,
        trainings=len(runs.search) + len(runs.confirm),
        search_hours=_hours(runs.search),
        confirm_hours=_hours(runs.confirm),
        cpus=float(resources.cpus),
        gpus=float(resources.gpus),
        decodings=finished * tried,
        saved=finished * (tried - 1),
    )


def _hours(runs: Sequence[TrialRun]) -> float:
    return sum(run.seconds or 0.0 for run in runs) / 3600


def _estimates(rows: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    return {key: mean_interval([row[key] for row in rows]) for key in (rows[0] if rows else ())}


def _early(metrics: Sequence[SubsetMetrics]) -> dict[str, dict[str, Estimate]]:
    parts = [early_evaluations(one) for one in metrics]
    return {
        fraction: _estimates([mean_ap(part[fraction]) for part in parts]) for fraction in (parts[0] if parts else ())
    }


def _alarms(online: Sequence[OnlineDetection]) -> dict[str, dict[str, Estimate]]:
    """Return rate -> the measures of early warning that every run has."""
    alarms = {}
    for rate in online[0].warnings if online else ():
        rows = [one.warnings[rate].measures() for one in online]
        shared = [key for key in rows[0] if all(key in row for row in rows)]
        alarms[rate] = _estimates([{key: row[key] for key in shared} for row in rows])
    return alarms


def _gains(
    ours: Mapping[int, SubsetMetrics], theirs: Mapping[int, SubsetMetrics], label_ap: LabelAP
) -> dict[str, Estimate]:
    """Return label -> gain in AP over the baseline, over the seeds that both have."""
    pairs = [(label_ap(ours[seed]), label_ap(theirs[seed])) for seed in sorted(ours.keys() & theirs.keys())]
    shared = [label for label in pairs[0][0] if all(label in row for pair in pairs for row in pair)] if pairs else []
    return {label: mean_interval([mine[label] - other[label] for mine, other in pairs]) for label in shared}


def _mean_curves(progressions: Sequence[Progression]) -> ProgressionCurves | None:
    if not progressions:
        return None
    return ProgressionCurves(
        *(
            np.mean([getattr(one, name) for one in progressions], axis=0)
            for name in ("score", "margin", "worst_negative")
        )
    )


def _snapshots(runs: ArmRuns) -> tuple[Snapshot, ...]:
    """Return the mean curves at each iteration that every run kept."""
    kept = [artifacts.snapshots for artifacts in runs.artifacts.values()]
    shared = set.intersection(*(set(one) for one in kept)) if kept else set()
    found = [(iteration, _mean_curves([one[iteration] for one in kept])) for iteration in sorted(shared)]
    return tuple(Snapshot(iteration, curves) for iteration, curves in found if curves is not None)
