"""What a report says, in numbers: what `summary` computes and what tables, figures and the page show.

Every AP and mAP is a fraction of 1. Measures are named as studies name them: `mAP/iou_0.50` for one IoU threshold,
`mAP/mean` for the mean over all of them. Thresholds and observed fractions are keys of two decimals (`0.50`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95 % interval (Student's t); `low` and `high` are None for fewer than two seeds."""

    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """An arm's mAP minus the baseline's, on the test split (see `statistics.paired_difference`).

    Attributes
    ----------
    measure
        `mAP/iou_0.50`, `mAP/mean`.
    value, low, high
        The difference and its 95 % interval.
    p, p_holm
        Two-sided p, and Holm-corrected over the arms compared with the baseline.
    holds
        `p_holm` is at most 0.05; the interval then excludes 0.
    improvement
        Probability that a training of this arm beats the baseline's of the same seed on recordings like these.
    detectable
        The smallest true difference that these seeds and recordings show with a probability of 80 %.
    standard_error, degrees
        Of the interval: its standard error and its degrees of freedom.
    percentile_low, percentile_high
        The plain percentile interval, too narrow with few seeds; for comparison.
    seeds, recordings
        What was resampled.
    """

    measure: str
    value: float
    low: float
    high: float
    p: float
    p_holm: float
    holds: bool
    improvement: float
    detectable: float
    standard_error: float
    degrees: float
    percentile_low: float
    percentile_high: float
    seeds: tuple[int, ...]
    recordings: int


@dataclass(frozen=True)
class TrialPoint:
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
class SearchContent:
    """What the search phase of an arm came to.

    Attributes
    ----------
    planned
        Trials the study asked for; None where that is unknown. An arm whose space holds fewer settings has fewer.
    counts
        State -> number of trials; every state is a key.
    best
        Number of the best trial; None if none finished.
    best_objective
        Its validation value.
    chosen
        Its settings: searched ones, merge gap and reset.
    lambda_r, merge_gap, reset
        Of `chosen`; None where the arm has none, or nothing finished.
    importances
        Searched setting -> share of the objective's variance (fANOVA), by falling share; None with too few
        finished trials to tell, or fewer than two searched settings.
    trials
        By number.
    gap_curve
        (merge gap, validation objective) of the best trial; empty if it was not searched.
    """

    planned: int | None
    counts: Mapping[str, int]
    best: int | None
    best_objective: float | None
    chosen: Mapping[str, Any]
    lambda_r: float | None
    merge_gap: int | None
    reset: str | None
    importances: Mapping[str, float] | None
    trials: tuple[TrialPoint, ...]
    gap_curve: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Curves:
    """Mean curves over the course of an activity, means over seeds: (20,) float64 each."""

    score: np.ndarray
    margin: np.ndarray
    worst_negative: np.ndarray


@dataclass(frozen=True)
class Snapshot:
    """`Curves` on the validation split when `iteration` batches had been learned."""

    iteration: int
    curves: Curves


@dataclass(frozen=True)
class ArmContent:
    """What came of one arm.

    All but `search` is of its confirmed runs on the test split, and empty or None where there are none.

    Attributes
    ----------
    name, study, baseline
        `baseline`: whether it is the arm that the others are compared with.
    ablated
        What sets it apart.
    setting
        Its best setting: searched values, merge gap and reset (what table 1 shows).
    variant
        Of its loss.
    seeds, wanted
        Confirmed seeds, and those the study asks for.
    detection
        IoU threshold or `mean` -> mAP.
    early
        Observed fraction -> IoU threshold -> mAP.
    labels, gain
        Label -> AP at `Content.label_iou`; minus the baseline's, paired by seed (the baseline has no gain).
    early_labels, early_gain
        The same of early detection at `Content.early_fraction`.
    progression
        Curves on the test split.
    violations
        `score/share`, `score/depth`, `margin/share`, `margin/depth`.
    snapshots
        Curves while training, by iteration; empty where the runs kept none.
    difference, early_difference
        Measure -> difference to the baseline; empty for the baseline, and where detections are missing.
    frame
        Per-frame `mAP` and `cAP`; empty where the runs have no online metrics.
    alarms
        Rate of false alarms (`1/h`) -> measure of early warning (`early_warning.alarm_measures`); a quantile that some
        seed did not reach is absent.
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
    search: SearchContent
    detection: Mapping[str, Estimate]
    early: Mapping[str, Mapping[str, Estimate]]
    labels: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]
    early_labels: Mapping[str, Estimate]
    early_gain: Mapping[str, Estimate]
    progression: Curves | None
    violations: Mapping[str, Estimate]
    snapshots: tuple[Snapshot, ...]
    difference: Mapping[str, Difference]
    early_difference: Mapping[str, Difference]
    frame: Mapping[str, Estimate] = field(default_factory=dict)
    alarms: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    paper_detection: Mapping[str, float] | None = None
    paper_early: Mapping[str, float] | None = None


@dataclass(frozen=True)
class StudyContent:
    """One study of the report: what was asked, where its runs are, and what made them."""

    name: str
    description: str
    dataset: str
    dataset_hash: str
    store: str
    status: str
    reason: str | None
    objective: str
    protocol: str
    search_seed: int | None
    seeds: tuple[int, ...]
    trials: int | None
    settings: Mapping[str, Any]
    provenance: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Cost:
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
    cpus: float | None
    gpus: float | None
    decodings: int
    saved: int

    @property
    def hours(self) -> float:
        """Hours of both phases."""
        return self.search_hours + self.confirm_hours

    @property
    def cpu_hours(self) -> float | None:
        """Hours times CPUs."""
        return None if self.cpus is None else self.hours * self.cpus

    @property
    def gpu_hours(self) -> float | None:
        """Hours times (shares of) GPUs."""
        return None if self.gpus is None else self.hours * self.gpus


@dataclass(frozen=True)
class Timeline:
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
class Content:
    """Everything a report says.

    Attributes
    ----------
    studies
        One, or those compared.
    arms
        In the study's order; of several studies, named `STUDY: ARM`.
    baseline
        Name of the baseline arm; None if no arm is known.
    headline
        The measure that the sentences are about (the study's objective), as `mAP/iou_0.50`.
    iou, fractions
        Threshold and fraction keys, rising: `0.10` ... .
    early_fraction, label_iou
        Keys of table 2's observed fraction (0.30), and of the threshold of tables per label (0.50); the nearest ones
        that were measured.
    labels
        Of the test split, sorted.
    recordings
        Test recordings resampled.
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
    """

    studies: tuple[StudyContent, ...]
    arms: tuple[ArmContent, ...]
    baseline: str | None
    headline: str
    iou: tuple[str, ...]
    fractions: tuple[str, ...]
    early_fraction: str | None
    label_iou: str | None
    labels: tuple[str, ...]
    recordings: int
    costs: tuple[Cost, ...]
    timelines: tuple[Timeline, ...]
    resamples: int
    resampling_seed: int
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    def arm(self, name: str) -> ArmContent:
        """Return the arm of this name."""
        return next(one for one in self.arms if one.name == name)

    @property
    def baseline_arm(self) -> ArmContent | None:
        """The arm that the others are compared with."""
        return None if self.baseline is None else self.arm(self.baseline)
