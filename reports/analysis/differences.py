"""Differences of arms to the baseline, with the certainty that seeds and recordings give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crescendo.reports.analysis.report_model import Difference
from crescendo.reports.analysis.resampling import MatchedRun, matched_run, mean_ap, resampled_mean_ap
from crescendo.reports.analysis.statistics import LEVEL, detectable_difference, holm, paired_difference
from crescendo.reports.source.artifacts import Outputs
from crescendo.trainables.data.frames import BACKGROUND
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth
from crescendo.trainables.evaluation.mean_ap import AMBIGUOUS
from crescendo.trainables.evaluation.metric_keys import MEAN_AP, MetricKey
from crescendo.trainables.evaluation.protocols import MatchingRule


@dataclass(frozen=True)
class Found:
    """Arm -> measure -> difference; how many recordings were resampled; what could not be compared, and why."""

    differences: Mapping[str, Mapping[str, Difference]]
    recordings: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Tables:
    """DetectionArrays and ground truth of one run: of all it was tested on, or of one observed fraction."""

    detections: pa.Table
    truth: pa.Table


def differences(
    arms: Mapping[str, Mapping[int, Outputs]],
    baseline: str | None,
    *,
    iou: Sequence[float],
    rule: MatchingRule,
    fraction: float | None = None,
    resamples: int,
    seed: int,
) -> Found:
    """Compare every arm with the baseline at each IoU threshold and over their mean.

    Parameters
    ----------
    arms
        Arm -> seed of training -> what the run left.
    fraction
        Compare early detection at this observed fraction; None: detection.
    resamples, seed
        Of the bootstrap.
    """
    what = "Detection" if fraction is None else "Early detection"
    if not any(_tables(one, fraction) for runs in arms.values() for one in runs.values()):
        return Found({}, 0, ())
    tables, left_out = _comparable(arms, fraction, what)
    pairs = {
        name: sorted(tables[name].keys() & tables[baseline].keys())
        for name in tables
        if baseline in tables and name != baseline
    }
    for name in [one for one in pairs if len(pairs[one]) < 2]:
        left_out.append(f"{what} of arm {name} is not compared: it shares fewer than two seeds with the baseline.")
        del pairs[name]
    if baseline not in tables or not pairs:
        return Found({}, 0, tuple(left_out))
    wanted = {(name, one) for name, seeds in pairs.items() for one in seeds}
    wanted |= {(baseline, one) for seeds in pairs.values() for one in seeds}
    keys = sorted(wanted)
    recordings, runs = _matched([tables[name][one] for name, one in keys], iou, rule, early=fraction is not None)
    if recordings < 2:
        left_out.append(f"{what} is not compared: a single recording says nothing of others.")
        return Found({}, recordings, tuple(left_out))
    observed = np.stack([mean_ap(run, np.ones((1, recordings)))[0] for run in runs])
    resampled = resampled_mean_ap(runs, recordings, resamples=resamples, seed=seed)
    resampled = resampled[:, ~np.isnan(resampled[0, :, 0])]
    place = {key: number for number, key in enumerate(keys)}
    found: dict[str, dict[str, Difference]] = {name: {} for name in pairs}
    for measure, columns in _measures(iou).items():
        here = observed[:, columns].mean(axis=1)
        there = resampled[:, :, columns].mean(axis=2)
        compared = {}
        for name, seeds in pairs.items():
            ours = [place[name, one] for one in seeds]
            theirs = [place[baseline, one] for one in seeds]
            one = paired_difference(here[ours] - here[theirs], (there[ours] - there[theirs]).T, recordings, seed=seed)
            compared[name] = one
        corrected = holm([one.p for one in compared.values()])
        for (name, one), p_holm in zip(compared.items(), corrected, strict=True):
            found[name][measure] = Difference(
                measure=measure,
                value=one.value,
                low=one.low,
                high=one.high,
                p=one.p,
                p_holm=p_holm,
                holds=p_holm <= LEVEL,
                improvement=one.improvement,
                detectable=detectable_difference(one.standard_error, one.variance.degrees, len(compared)),
                standard_error=one.standard_error,
                degrees=one.variance.degrees,
                percentile_low=one.percentile[0],
                percentile_high=one.percentile[1],
                seeds=tuple(pairs[name]),
                recordings=recordings,
            )
    return Found(found, recordings, tuple(left_out))


def _measures(iou: Sequence[float]) -> dict[str, list[int]]:
    single = {str(MetricKey("mAP", iou=threshold)): [number] for number, threshold in enumerate(iou)}
    return {**single, str(MEAN_AP): list(range(len(iou)))}


def _comparable(
    arms: Mapping[str, Mapping[int, Outputs]], fraction: float | None, what: str
) -> tuple[dict[str, dict[int, _Tables]], list[str]]:
    """Return the tables of every run that has them and is tested on the same ground truth as the first."""
    found: dict[str, dict[int, _Tables]] = {}
    left_out: list[str] = []
    first: pa.Table | None = None
    for name, runs in arms.items():
        found[name] = {}
        for seed, outputs in sorted(runs.items()):
            tables = _tables(outputs, fraction)
            if tables is None:
                continue
            first = tables.truth if first is None else first
            if tables.truth.equals(first):
                found[name][seed] = tables
            else:
                left_out.append(f"{what} of arm {name}, seed {seed}, is left out: its ground truth is another one.")
        lacking = [str(seed) for seed in sorted(runs) if _tables(runs[seed], fraction) is None]
        if lacking:
            left_out.append(
                f"{what} of arm {name} is compared without seed {', '.join(lacking)}: the detections were not kept."
            )
    return found, left_out


def _tables(outputs: Outputs, fraction: float | None) -> _Tables | None:
    detections, truth = outputs.detections, outputs.truth
    if fraction is not None:
        detections, truth = outputs.early_detections, outputs.early_truth
    if detections is None or truth is None:
        return None
    if fraction is None:
        return _Tables(detections, truth)
    detections, truth = (one.filter(pc.equal(one["fraction"], fraction)) for one in (detections, truth))
    return _Tables(detections, truth) if truth.num_rows else None


def _matched(
    tables: Sequence[_Tables], iou: Sequence[float], rule: MatchingRule, *, early: bool
) -> tuple[int, list[MatchedRun]]:
    """Return how many recordings there are, and every run matched with their common ground truth."""
    truth = tables[0].truth.filter(pc.not_equal(tables[0].truth["label"], BACKGROUND))
    labels = sorted(set(truth["label"].to_pylist()))
    named = [truth, *(one.detections for one in tables)]
    recordings = sorted({name for one in named for name in one["recording"].unique().to_pylist()})
    of = None
    if early:
        sequence = truth["sequence"].to_numpy()
        of = np.zeros(int(sequence.max(initial=0)) + 1, dtype=np.int64)
        of[sequence] = _index(truth["recording"], recordings)
    where = _index(truth["recording"], recordings) if of is None else truth["sequence"].to_numpy()
    segments = GroundTruth(where, _index(truth["label"], labels), truth["start"].to_numpy(), truth["end"].to_numpy())
    runs = []
    for one in tables:
        kept = one.detections.filter(pc.is_in(one.detections["label"], pa.array(labels, pa.string())))
        none = np.zeros(kept.num_rows, dtype=np.int64)
        found = DetectionArrays(
            recording=_index(kept["recording"], recordings) if of is None else kept["sequence"].to_numpy(),
            label=_index(kept["label"], labels),
            start=kept["start"].to_numpy(),
            end=kept["end"].to_numpy(),
            score=kept["score"].to_numpy(),
            since=none,
            until=none + 1,
        )
        runs.append(
            matched_run(
                segments,
                found,
                iou,
                labels=len(labels),
                recordings=len(recordings),
                rule=rule,
                ambiguous=labels.index(AMBIGUOUS) if rule.drops_ambiguous and AMBIGUOUS in labels else None,
                recording=of,
            )
        )
    return len(recordings), runs


def _index(column: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    found: np.ndarray = pc.index_in(column, pa.array(names, pa.string())).to_numpy().astype(np.int64)
    return found
