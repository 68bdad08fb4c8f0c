"""What a report says of one arm, in numbers; every AP and mAP is a fraction of 1 (see `report_model`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crescendo.reports.analysis.causes import CausesSummary
from crescendo.reports.analysis.estimates import Difference, Estimate
from crescendo.reports.analysis.segmental import SegmentalSummary


@dataclass(frozen=True)
class TrialSummary:
    """A trial of the search phase.

    `state` is finished, pruned, failed, interrupted or running; `objective` its last validation value, None if it has
    none; `proposed` the searched settings; `reason` why it did not finish.
    """

    number: int
    state: str
    objective: float | None
    proposed: Mapping[str, Any]
    merge_gap: int | None
    seconds: float | None
    reason: str | None


@dataclass(frozen=True)
class SearchSummary:
    """What the search phase of an arm came to.

    Attributes
    ----------
    planned
        Trials the study asked for. An arm whose space holds fewer settings has fewer.
    counts
        State -> number of trials; every state is a key.
    best
        Number of the best trial; None if none finished.
    best_objective
        Its validation value.
    chosen
        Its settings: searched ones, merge gap and reset.
    lambda_r, merge_gap, reset
        Of the best trial; None where the arm has none, or nothing finished. Where several variants are added, lambda_r is
        a mapping of variant to weight.
    importances
        Searched setting -> share of the objective's variance (fANOVA), by falling share; None with too few
        finished trials to tell, or fewer than two searched settings.
    trials
        By number.
    gap_curve
        (merge gap, validation objective) of the best trial; empty if it was not searched.
    """

    planned: int
    counts: Mapping[str, int]
    best: int | None
    best_objective: float | None
    chosen: Mapping[str, Any]
    lambda_r: float | Mapping[str, float] | None
    merge_gap: int | None
    reset: str | None
    importances: Mapping[str, float] | None
    trials: tuple[TrialSummary, ...]
    gap_curve: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class ReplicateSummary:
    """What came of an arm in one fold and repeat, which searched and confirmed it by itself.

    Attributes
    ----------
    name, fold, repeat
        `fold 2, repeat 3`, and its parts; the name is empty and the fold None where there are no folds.
    seeds
        Confirmed ones.
    search
        Of its search.
    setting
        Its best setting: searched values, merge gap and reset.
    detection, early
        IoU threshold or `mean` -> test mAP, the mean over its seeds; early detection at `ReportModel.early_fraction`.
    """

    name: str
    fold: str | None
    repeat: int
    seeds: tuple[int, ...]
    search: SearchSummary
    setting: Mapping[str, Any]
    detection: Mapping[str, float] = field(default_factory=dict)
    early: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ProgressionCurves:
    """Mean curves over the course of an activity, means over seeds: (20,) float64 each."""

    score: np.ndarray
    margin: np.ndarray
    worst_negative: np.ndarray


@dataclass(frozen=True)
class ProgressionSnapshot:
    """`ProgressionCurves` on the validation split when `iteration` batches had been learned."""

    iteration: int
    curves: ProgressionCurves


@dataclass(frozen=True)
class ArmSummary:
    """What came of one arm.

    All but the searches is of its confirmed runs on the test split, and empty or None where there are none. Means are over folds,
    in each over repeats, in each over seeds.

    Attributes
    ----------
    name, study, baseline
        `baseline`: whether it is the arm that the others are compared with.
    ablated
        What sets it apart.
    setting
        Its best setting: searched values, merge gap and reset (what table 1 shows); where replicates chose different ones, from
        which to which.
    variant
        Of its loss.
    seeds, wanted
        Confirmed seeds, and those the study asks for in each replicate.
    search
        Of its search; of several, of the first.
    replicates
        Its searches and their confirmations, in the order of work.
    detection
        IoU threshold or `mean` -> mAP.
    early
        Observed fraction -> IoU threshold -> mAP.
    labels, gain
        Label -> AP at `ReportModel.label_iou`; minus the baseline's, paired by seed (the baseline has no gain).
    early_labels, early_gain
        The same of early detection at `ReportModel.early_fraction`.
    progression
        Curves on the test split.
    violations
        The measures of `measured.violations`.
    snapshots
        Curves while training, by iteration; empty where the runs kept none.
    difference, early_difference
        Measure -> difference to the baseline; empty for the baseline, and where detections are missing.
    frame
        Per-frame `mAP` and `cAP`; empty where the runs have no online metrics.
    alarms
        Rate of false alarms (`1/h`) -> measure of early warning (`WarningSummary.measures`); a quantile that some seed
        did not reach is absent.
    segmental
        Frame accuracy, edit score, segmental F1 and confusion matrix; None where the runs have none.
    causes
        Diagnosis of detections, calibration, starts and fragmentation; None where the runs have none.
    clipped_share
        Share of the steps of its confirmed trainings whose gradient was clipped; None where they were not counted.
    paper_detection, paper_early
        IoU threshold -> the paper's own mAP, of a study of the paper on ActivityNet alone; None everywhere else.
    """

    name: str
    study: str
    baseline: bool
    ablated: Mapping[str, Any]
    setting: Mapping[str, Any]
    variant: str | None
    seeds: tuple[int, ...]
    wanted: tuple[int, ...]
    search: SearchSummary
    replicates: tuple[ReplicateSummary, ...]
    detection: Mapping[str, Estimate]
    early: Mapping[str, Mapping[str, Estimate]]
    labels: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]
    early_labels: Mapping[str, Estimate]
    early_gain: Mapping[str, Estimate]
    progression: ProgressionCurves | None
    violations: Mapping[str, Estimate]
    snapshots: tuple[ProgressionSnapshot, ...]
    difference: Mapping[str, Difference]
    early_difference: Mapping[str, Difference]
    frame: Mapping[str, Estimate] = field(default_factory=dict)
    alarms: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    segmental: SegmentalSummary | None = None
    causes: CausesSummary | None = None
    clipped_share: float | None = None
    paper_detection: Mapping[str, float] | None = None
    paper_early: Mapping[str, float] | None = None


@dataclass(frozen=True)
class ArmCost:
    """What the runs of one arm took.

    `search_hours` and `confirm_hours` are hours of the trials' clock (pruned, failed and interrupted ones too), each on
    `cpus` CPUs and `gpus` GPUs. `decodings` counts combinations of reset and merge gap tried on the stored scores of
    finished search trials; `saved` those beyond the first of each trial, each of which would have been a training, were
    they searched as training settings are.
    """

    arm: str
    trainings: int
    search_hours: float
    confirm_hours: float
    cpus: float
    gpus: float
    decodings: int
    saved: int

    @property
    def hours(self) -> float:
        """Hours of both phases."""
        return self.search_hours + self.confirm_hours

    @property
    def cpu_hours(self) -> float:
        """Hours times CPUs."""
        return self.hours * self.cpus

    @property
    def gpu_hours(self) -> float:
        """Hours times (shares of) GPUs."""
        return self.hours * self.gpus
