"""What a report says, in numbers: what `summary` computes and what tables, figures and the page show.

Every AP and mAP is a fraction of 1. Measures are named as studies name them: `mAP/iou_0.50` for one IoU threshold,
`mAP/mean` for the mean over all of them. Thresholds and observed fractions are keys of two decimals (`0.50`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.reports.analysis.alarm_hours import AlarmHours
from crescendo.reports.analysis.arm_summary import ArmCost, ArmSummary
from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.analysis.looks import Look
from crescendo.reports.analysis.progress import Progress
from crescendo.reports.planning.sources import Sources
from crescendo.trainables.evaluation.metric_keys import MetricKey, number_key


@dataclass(frozen=True)
class StudySummary:
    """One study of the report: what was asked, where its runs are, and what made them.

    `folds` are names, or none; `data_notes` is what was said of the data set as it was made. `looks` are the numbers of seeds
    with which the arms are compared: the number of `seeds` alone, unless more follow until they are decided. `progress` is how
    far it has come, None once it has finished.
    """

    name: str
    description: str
    dataset: str
    dataset_hash: str
    store: str
    status: str
    reason: str | None
    objective: str
    protocol: str
    search_seed: int
    seeds: tuple[int, ...]
    trials: int
    settings: Mapping[str, Any]
    provenance: Mapping[str, tuple[str, ...]]
    folds: tuple[str, ...] = ()
    repeats: int = 1
    data_notes: tuple[str, ...] = ()
    looks: tuple[int, ...] = ()
    progress: Progress | None = None


@dataclass(frozen=True)
class RecordingTimeline:
    """One test recording of one seed: the ground truth, and what each arm made of it.

    `truth` is (label, start, end) in seconds; `detections` arm -> (label, start, end, score); `scores` arm ->
    (frames, labels) float32 with `labels` naming the columns (background first), where the runs kept them.
    """

    recording: str
    seed: int
    fps: float | None
    labels: tuple[str, ...]
    truth: tuple[tuple[str, float, float], ...]
    detections: Mapping[str, tuple[tuple[str, float, float, float], ...]]
    scores: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class ReportModel:
    """Everything a report says.

    Attributes
    ----------
    studies
        One, or those compared.
    arms
        In the study's order; of several studies, named `STUDY: ARM`.
    baseline
        Name of the baseline arm.
    headline
        The measure that the sentences are about (the study's objective), as `mAP/iou_0.50`.
    primary
        In what it is compared to answer the study's question: `detection` or `early` detection.
    iou, fractions
        Threshold and fraction keys, rising: `0.10` ... .
    early_fraction, label_iou
        Keys of table 2's observed fraction (0.30), and of the threshold of tables per label (0.50); the nearest ones
        that were measured.
    labels
        Of the test split, sorted.
    recordings, groups, groups_are
        Test recordings resampled, in how many whole groups (as many, where each stands alone), and what groups are called.
    costs
        By arm.
    timelines
        Three recordings, for the first seed that most arms have.
    resamples, resampling_seed
        Of the bootstrap.
    missing
        What is missing and what was left out for it, a sentence each. Empty for a complete study.
    notes
        What a reader should know besides (failed trials, superseded runs).
    looks
        Of a study that runs until it is decided: what came out at each number of seeds.
    untested
        Why nothing could be tested, if so: figures that are otherwise of the test split are then of validation.
    added_late
        Of what more was added by hand once there were results, so that p no longer holds: `seeds`, `trials`; or
        changed: `baseline`.
    alarm_hours
        Hours that alarm thresholds were chosen on, and alarms counted; None where the runs do not tell.
    sources
        What the differences that the study asks about varied with: what another study is planned from.
    """

    studies: tuple[StudySummary, ...]
    arms: tuple[ArmSummary, ...]
    baseline: str
    headline: str
    primary: str
    iou: tuple[str, ...]
    fractions: tuple[str, ...]
    early_fraction: str | None
    label_iou: str | None
    labels: tuple[str, ...]
    recordings: int
    groups: int
    groups_are: str
    costs: tuple[ArmCost, ...]
    timelines: tuple[RecordingTimeline, ...]
    resamples: int
    resampling_seed: int
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    added_late: tuple[str, ...] = ()
    sources: Sources | None = None
    looks: tuple[Look, ...] = ()
    alarm_hours: AlarmHours | None = None
    untested: str | None = None

    @property
    def scored(self) -> str:
        """What the figures are of: the split `test`, or `validation` where nothing could be tested."""
        return "test" if self.untested is None else "validation"

    def arm(self, name: str) -> ArmSummary:
        """Return the arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    def asked(self, arm: ArmSummary) -> Difference | None:
        """Return the difference of `arm` that the study asks about; None where it is not compared."""
        return (arm.difference if self.primary == "detection" else arm.early_difference).get(self.headline)

    @property
    def baseline_arm(self) -> ArmSummary:
        """The arm that the others are compared with."""
        return self.arm(self.baseline)

    @property
    def headline_key(self) -> str:
        """The key of `headline` in `ArmSummary.detection`: an IoU threshold, or `mean`."""
        return detection_key(self.headline)


def detection_key(measure: str) -> str:
    """Return the key of a measure in `ArmSummary.detection`: `mAP/iou_0.50` -> `0.50`, `mAP/mean` -> `mean`."""
    iou = MetricKey.read(measure).iou
    return "mean" if iou is None else number_key(iou)
