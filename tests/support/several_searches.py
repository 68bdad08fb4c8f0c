"""Studies with folds and repeats, made of one that has neither."""

from dataclasses import replace

import pyarrow as pa

from crescendo.reports.source.artifacts import FrameScores, RunArtifacts
from crescendo.reports.source.runs import ArmRuns, StudyRuns
from crescendo.search_spaces.replicates import SEED_STEP, Replicate, replicates_of
from crescendo.trainables.data.groups import Groups


def several(runs: StudyRuns, folds: tuple[str, ...] = (), repeats: int = 1) -> StudyRuns:
    """Return the study of `runs` as if it had these folds and repeats.

    Every fold tests recordings of its own, and each replicate turns the seeds' results round by one, so that no two are
    alike. All searches are the one that `runs` has.
    """
    study = runs.study.model_copy(
        update={"repeats": repeats, "folds": tuple(f"sets/{fold}" for fold in folds) if folds else None}
    )
    arms = tuple(
        _replicate(arm, one, number) for arm in runs.arms for number, one in enumerate(replicates_of(study, folds))
    )
    return replace(runs, study=study, arms=arms, folds=folds)


def _replicate(arm: ArmRuns, replicate: Replicate, number: int) -> ArmRuns:
    later, seeds = SEED_STEP * (replicate.repeat - 1), list(arm.artifacts)
    turned = {
        seed + later: _of_fold(arm.artifacts[seeds[(place + number) % len(seeds)]], replicate.fold)
        for place, seed in enumerate(seeds)
    }
    search, confirm = (tuple(replace(run, replicate=replicate) for run in some) for some in (arm.search, arm.confirm))
    confirmed = tuple(replace(run, replicate=replicate, seed=(run.seed or 0) + later) for run in arm.confirmed)
    return replace(arm, search=search, confirm=confirm, confirmed=confirmed, artifacts=turned, replicate=replicate)


def _of_fold(artifacts: RunArtifacts, fold: str | None) -> RunArtifacts:
    """Return the same with the names of recordings ending in their fold's."""
    if fold is None:
        return artifacts
    tables = ("detections", "truth", "early_detections", "early_truth")
    named = {name: _renamed(getattr(artifacts, name), fold) for name in tables}
    groups = Groups(
        {f"{name} {fold}": f"{group} {fold}" for name, group in artifacts.groups.of.items()}, artifacts.groups.are
    )
    scores = artifacts.scores
    if scores is not None:
        kept = {f"{name} {fold}": one for name, one in scores.recordings.items()}
        scores = FrameScores(kept, scores.labels, scores.fps)
    return replace(artifacts, **named, groups=groups, scores=scores)


def _renamed(table: pa.Table | None, fold: str) -> pa.Table | None:
    if table is None:
        return None
    place = table.column_names.index("recording")
    return table.set_column(place, "recording", pa.array([f"{name} {fold}" for name in table["recording"].to_pylist()]))
