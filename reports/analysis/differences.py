"""Differences of arms to the baseline, with the certainty that seeds and recordings give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crescendo.reports.analysis.estimates import Difference, Verdict
from crescendo.reports.analysis.matched_runs import DetectionTables, Resampled, comparable_tables, match_runs
from crescendo.reports.analysis.resampling import MatchedRun, mean_ap, resampled_mean_ap
from crescendo.reports.analysis.statistics import detectable_difference, holm, paired_difference
from crescendo.reports.analysis.verdicts import verdict
from crescendo.reports.source.artifacts import RunArtifacts
from crescendo.trainables.evaluation.metric_keys import MEAN_AP, MetricKey
from crescendo.trainables.evaluation.protocols import MatchingRule

_Runs = Mapping[str, Mapping[int, DetectionTables]]


@dataclass(frozen=True)
class Question:
    """What a study asks: whether arms differ in `measure`, by what `margin` (a fraction of 1) at least to matter."""

    measure: str
    margin: float


@dataclass(frozen=True)
class Comparison:
    """Arm -> measure -> difference; what was resampled; what could not be compared, and why."""

    differences: Mapping[str, Mapping[str, Difference]]
    resampled: Resampled
    left_out: tuple[str, ...]


NOT_COMPARED = Comparison({}, Resampled(), ())


def compare(
    arms: Mapping[str, Mapping[int, RunArtifacts]],
    baseline: str,
    *,
    iou: Sequence[float],
    rule: MatchingRule,
    question: Question | None = None,
    fraction: float | None = None,
    resamples: int,
    seed: int,
) -> Comparison:
    """Compare every arm with the baseline at each IoU threshold and over their mean.

    Parameters
    ----------
    arms
        Arm -> seed of training -> what the run left.
    question
        What the study asks of these differences, which alone gets a verdict; None: all of them are exploration.
    fraction
        Compare early detection at this observed fraction; None: detection.
    resamples, seed
        Of the bootstrap.
    """
    what = "Detection" if fraction is None else "Early detection"
    tables, left_out = comparable_tables(arms, fraction, what)
    if not any(tables.values()):
        return NOT_COMPARED
    seeds = _shared_seeds(tables, baseline)
    for name in [arm for arm in seeds if len(seeds[arm]) < 2]:
        left_out.append(f"{what} of arm {name} is not compared: it shares fewer than two seeds with the baseline.")
        del seeds[name]
    if not seeds:
        return Comparison({}, Resampled(), tuple(left_out))
    wanted = {(arm, one) for name, shared in seeds.items() for one in shared for arm in (name, baseline)}
    keys = sorted(wanted)
    tested, runs = match_runs([tables[name][one] for name, one in keys], iou, rule, early=fraction is not None)
    if tested.groups < 2:
        left_out.append(f"{what} is not compared: {_single(tested)} says nothing of others.")
        return Comparison({}, tested, tuple(left_out))
    sample = _resample(keys, runs, tested, resamples, seed)
    measured = [
        _differences(str(key), columns, sample, seeds, baseline, question, seed)
        for key, columns in _measures(iou).items()
    ]
    by_arm = {name: {one[name].measure: one[name] for one in measured} for name in seeds}
    return Comparison(by_arm, tested, tuple(left_out))


def _single(tested: Resampled) -> str:
    if tested.recordings < 2:
        return "a single recording"
    return (
        f"a single group of recordings ({tested.recordings} recordings, all of the same one of the {tested.groups_are})"
    )


def _shared_seeds(tables: _Runs, baseline: str) -> dict[str, list[int]]:
    """Return arm -> the seeds that it shares with the baseline, in order."""
    return {name: sorted(tables[name].keys() & tables[baseline].keys()) for name in tables if name != baseline}


@dataclass(frozen=True)
class _Sample:
    """mAP of every run, (runs, thresholds), and on resamples of whole groups of recordings, (runs, resamples, thresholds).

    `row`: (arm, seed) -> the run's number.
    """

    row: Mapping[tuple[str, int], int]
    observed: np.ndarray
    resampled: np.ndarray
    tested: Resampled

    def rows(self, arm: str, seeds: Sequence[int]) -> list[int]:
        """Return the numbers of an arm's runs."""
        return [self.row[arm, seed] for seed in seeds]


def _resample(
    keys: Sequence[tuple[str, int]], runs: Sequence[MatchedRun], tested: Resampled, resamples: int, seed: int
) -> _Sample:
    observed = np.stack([mean_ap(run, np.ones((1, tested.groups)))[0] for run in runs])
    resampled = resampled_mean_ap(runs, tested.groups, resamples=resamples, seed=seed)
    resampled = resampled[:, ~np.isnan(resampled[0, :, 0])]
    return _Sample({key: number for number, key in enumerate(keys)}, observed, resampled, tested)


def _differences(
    measure: str,
    columns: Sequence[int],
    sample: _Sample,
    seeds: Mapping[str, Sequence[int]],
    baseline: str,
    question: Question | None,
    seed: int,
) -> dict[str, Difference]:
    """Return arm -> difference in one measure, p corrected and intervals simultaneous over the arms."""
    observed = sample.observed[:, columns].mean(axis=1)
    resampled = sample.resampled[:, :, columns].mean(axis=2)
    paired = {}
    for name, shared in seeds.items():
        ours, theirs = sample.rows(name, shared), sample.rows(baseline, shared)
        paired[name] = paired_difference(
            observed[ours] - observed[theirs],
            (resampled[ours] - resampled[theirs]).T,
            sample.tested.groups,
            comparisons=len(seeds),
            seed=seed,
        )
    corrected = holm([one.p for one in paired.values()])

    def answer(name: str, p_holm: float) -> Verdict | None:
        if question is None or question.measure != measure:
            return None
        counts = {"seeds": len(seeds[name]), "groups": sample.tested.groups, "comparisons": len(paired)}
        return verdict(paired[name], p_holm, margin=question.margin, **counts)

    return {
        name: Difference(
            measure=measure,
            value=one.value,
            low=one.low,
            high=one.high,
            p=one.p,
            p_holm=p_holm,
            verdict=answer(name, p_holm),
            improvement=one.improvement,
            detectable=detectable_difference(one.standard_error, one.variance.degrees, len(paired)),
            standard_error=one.standard_error,
            degrees=one.variance.degrees,
            percentile_low=one.percentile[0],
            percentile_high=one.percentile[1],
            seeds=tuple(seeds[name]),
            recordings=sample.tested.recordings,
            groups=sample.tested.groups,
        )
        for (name, one), p_holm in zip(paired.items(), corrected, strict=True)
    }


def _measures(iou: Sequence[float]) -> dict[MetricKey, list[int]]:
    """Return measure -> the thresholds, by number, that it is the mean over."""
    single = {MetricKey("mAP", iou=threshold): [number] for number, threshold in enumerate(iou)}
    return {**single, MEAN_AP: list(range(len(iou)))}
