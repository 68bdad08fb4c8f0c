"""Differences of arms to the baseline, with the certainty that seeds, searches and recordings give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crescendo.reports.analysis.enough import too_rare
from crescendo.reports.analysis.estimates import Difference, Verdict
from crescendo.reports.analysis.matched_runs import (
    DetectionTables,
    Resampled,
    Tested,
    all_tested,
    comparable_tables,
    match_runs,
)
from crescendo.reports.analysis.member import Training
from crescendo.reports.analysis.resampling import MatchedRun, mean_ap, resampled_mean_ap
from crescendo.reports.analysis.statistics import LEVEL, PairedDifference, detectable_difference, paired_differences
from crescendo.reports.analysis.variance import FoldSample
from crescendo.reports.analysis.verdicts import verdict
from crescendo.reports.source.artifacts import RunArtifacts
from crescendo.trainables.evaluation.metric_keys import MEAN_AP, MetricKey
from crescendo.trainables.evaluation.protocols import MatchingRule
from crescendo.trainables.plurals import counted

_Runs = Mapping[str, Mapping[Training, DetectionTables]]
SHARED = "a group of recordings is tested in several folds, so they are not independent; make folds that cut no group"
_BETWEEN_FOLDS = 7919  # so that the resamples of one fold are not those of another


@dataclass(frozen=True)
class Question:
    """What a study asks: whether arms differ in `measure`, by what `margin` (a fraction of 1) at least to matter.

    `unfit`: why it cannot be answered yet, if so.
    """

    measure: str
    margin: float
    unfit: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Arm -> measure -> difference; what was resampled; what could not be compared, and why.

    `asked`: arm -> the difference that the study asks about, with what it varies by; `level`: what all intervals leave out.
    """

    differences: Mapping[str, Mapping[str, Difference]]
    resampled: Resampled
    left_out: tuple[str, ...]
    asked: Mapping[str, PairedDifference] = field(default_factory=dict)
    level: float = LEVEL


Levels = Callable[[Mapping[str, PairedDifference]], float]
"""The level of a comparison, from what its arms vary by in what the study asks about."""


NOT_COMPARED = Comparison({}, Resampled(), ())


def compare(
    arms: Mapping[str, Mapping[Training, RunArtifacts]],
    baseline: str,
    *,
    iou: Sequence[float],
    rule: MatchingRule,
    question: Question | None = None,
    fraction: float | None = None,
    resamples: int,
    seed: int,
    level: Levels | None = None,
) -> Comparison:
    """Compare every arm with the baseline at each IoU threshold and over their mean.

    Parameters
    ----------
    arms
        Arm -> replicate and seed of training -> what the run left.
    question
        What the study asks of these differences, which alone gets a verdict; None: all of them are exploration.
    fraction
        Compare early detection at this observed fraction; None: detection.
    resamples, seed
        Of the bootstrap.
    level
        Of one of several looks; None: 5 %.
    """
    what = "Detection" if fraction is None else "Early detection"
    tables, left_out = comparable_tables(arms, fraction, what)
    if not any(tables.values()):
        return NOT_COMPARED
    shared = _shared(tables, baseline)
    for name in [arm for arm in shared if len(shared[arm]) < 2]:
        left_out.append(f"{what} of arm {name} is not compared: it shares fewer than two seeds with the baseline.")
        del shared[name]
    if not shared:
        return Comparison({}, Resampled(), tuple(left_out))
    samples = list(_samples(tables, shared, baseline, (iou, rule, fraction is not None), (resamples, seed)))
    tested = all_tested([one.tested for one in samples])
    if tested.groups < 2:
        left_out.append(f"{what} is not compared: {_single(tested)} says nothing of others.")
        return Comparison({}, tested, tuple(left_out))
    folds = {
        str(key): {name: _of_folds(name, keys, baseline, samples, columns) for name, keys in shared.items()}
        for key, columns in _measures(iou).items()
    }
    asked = {} if question is None else _paired(folds[question.measure], seed, LEVEL)
    at = LEVEL if level is None else level(asked)
    measured = [_differences(key, one, (tested, shared), question, seed, at) for key, one in folds.items()]
    by_arm = {name: {one[name].measure: one[name] for one in measured} for name in shared}
    return Comparison(by_arm, tested, tuple(left_out), asked, at)


def _single(tested: Resampled) -> str:
    if tested.recordings < 2:
        return "a single recording"
    there = counted(tested.recordings, "recording")
    return f"a single group of recordings ({there}, all of the same one of the {tested.groups_are})"


def _shared(tables: _Runs, baseline: str) -> dict[str, list[Training]]:
    """Return arm -> the replicates and seeds that it shares with the baseline, in order."""
    return {name: [key for key in runs if key in tables[baseline]] for name, runs in tables.items() if name != baseline}


@dataclass(frozen=True)
class _Sample:
    """mAP of every run of a fold, (runs, thresholds), and on resamples of whole groups, (runs, resamples, thresholds).

    `row`: (arm, replicate and seed) -> the run's number.
    """

    row: Mapping[tuple[str, Training], int]
    observed: np.ndarray
    resampled: np.ndarray
    tested: Tested

    def rows(self, arm: str, trainings: Sequence[Training]) -> list[int]:
        """Return the numbers of an arm's runs."""
        return [self.row[arm, one] for one in trainings]


def _samples(
    tables: _Runs,
    shared: Mapping[str, Sequence[Training]],
    baseline: str,
    matched: tuple[Sequence[float], MatchingRule, bool],
    drawn: tuple[int, int],
) -> Iterator[_Sample]:
    """Yield the sample of each fold; `matched`: thresholds, rule, whether early; `drawn`: resamples and their seed."""
    wanted = dict.fromkeys((arm, key) for name, keys in shared.items() for key in keys for arm in (name, baseline))
    (iou, rule, early), (resamples, seed) = matched, drawn
    for number, fold in enumerate(dict.fromkeys(replicate.fold for _, (replicate, _) in wanted)):
        keys = [(name, key) for name, key in wanted if key[0].fold == fold]
        tested, runs = match_runs([tables[name][key] for name, key in keys], iou, rule, early=early)
        yield _resample(keys, runs, tested, resamples, seed + _BETWEEN_FOLDS * number)


def _resample(
    keys: Sequence[tuple[str, Training]], runs: Sequence[MatchedRun], tested: Tested, resamples: int, seed: int
) -> _Sample:
    observed = np.stack([mean_ap(run, np.ones((1, tested.count)))[0] for run in runs])
    resampled = resampled_mean_ap(runs, tested.count, resamples=resamples, seed=seed)
    resampled = resampled[:, ~np.isnan(resampled[0, :, 0])]
    return _Sample({key: number for number, key in enumerate(keys)}, observed, resampled, tested)


_Folds = Mapping[str, Mapping[str | None, FoldSample]]


def _paired(folds: _Folds, seed: int, level: float) -> dict[str, PairedDifference]:
    samples = [list(one.values()) for one in folds.values()]
    return dict(zip(folds, paired_differences(samples, seed=seed, level=level), strict=True))


def _differences(
    measure: str,
    folds: _Folds,
    tested: tuple[Resampled, Mapping[str, Sequence[Training]]],
    question: Question | None,
    seed: int,
    level: float,
) -> dict[str, Difference]:
    """Return arm -> difference in one measure, p adjusted and intervals simultaneous over the arms."""
    resampled, shared = tested
    paired = _paired(folds, seed, level)

    def answer(one: PairedDifference) -> Verdict | None:
        if question is None or question.measure != measure:
            return None
        return verdict(
            one, comparisons=len(paired), margin=question.margin, unfit=question.unfit or _unfit(resampled), level=level
        )

    return {
        name: Difference(
            measure=measure,
            value=one.value,
            low=one.low,
            high=one.high,
            p=one.p,
            p_adjusted=one.p_adjusted,
            verdict=answer(one),
            improvement=one.improvement,
            detectable=detectable_difference(one.standard_error, one.degrees, len(paired), level=level),
            standard_error=one.standard_error,
            degrees=one.degrees,
            percentile_low=one.percentile[0],
            percentile_high=one.percentile[1],
            seeds=tuple(dict.fromkeys(training for _, training in shared[name])),
            seeds_each=one.layout.seeds,
            repeats=one.layout.repeats,
            folds={fold: sample.mean for fold, sample in folds[name].items() if fold is not None},
            recordings=resampled.recordings,
            groups=resampled.groups,
            level=level,
        )
        for name, one in paired.items()
    }


def _unfit(tested: Resampled) -> str | None:
    """Return why nothing can be concluded from the recordings there are; None: something may be."""
    if tested.shared:
        return SHARED
    return too_rare(tested.having)


def _of_folds(
    arm: str, trainings: Sequence[Training], baseline: str, samples: Sequence[_Sample], columns: Sequence[int]
) -> dict[str | None, FoldSample]:
    """Return fold -> the differences of an arm in one measure, the mean over `columns` of the thresholds."""
    found = {}
    for sample in samples:
        keys = [key for key in trainings if (arm, key) in sample.row]
        if not keys:
            continue
        means, on_resamples = sample.observed[:, columns].mean(axis=1), sample.resampled[:, :, columns].mean(axis=2)
        observed, resampled = [], []
        for replicate in dict.fromkeys(replicate for replicate, _ in keys):
            mine = [key for key in keys if key[0] == replicate]
            ours, theirs = sample.rows(arm, mine), sample.rows(baseline, mine)
            observed.append(means[ours] - means[theirs])
            resampled.append((on_resamples[ours] - on_resamples[theirs]).T)
        found[keys[0][0].fold] = FoldSample(tuple(observed), tuple(resampled), sample.tested.count)
    return found


def _measures(iou: Sequence[float]) -> dict[MetricKey, list[int]]:
    """Return measure -> the thresholds, by number, that it is the mean over."""
    single = {MetricKey("mAP", iou=threshold): [number] for number, threshold in enumerate(iou)}
    return {**single, MEAN_AP: list(range(len(iou)))}
