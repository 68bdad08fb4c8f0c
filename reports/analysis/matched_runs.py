"""The detections of runs, taken from their artifacts and matched with the ground truth that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crescendo.reports.analysis.member import Training
from crescendo.reports.analysis.resampling import MatchedRun, matched_run
from crescendo.reports.source.artifacts import RunArtifacts
from crescendo.reports.source.runs import named
from crescendo.trainables.data.frames import BACKGROUND
from crescendo.trainables.data.groups import GROUPS, Groups
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, MatchingRule


@dataclass(frozen=True)
class DetectionTables:
    """Detections and ground truth of one run: of all it was tested on, or of one observed fraction; its `groups`."""

    detections: pa.Table
    truth: pa.Table
    groups: Groups


@dataclass(frozen=True)
class Tested:
    """The test recordings of a fold, and the number of each one's group; `groups` says what they are called.

    Recordings with neither ground truth nor detections say nothing and are not counted. `having`: of how many groups each label
    is.
    """

    recordings: tuple[str, ...]
    group: np.ndarray
    groups: Groups
    having: np.ndarray

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.group))


@dataclass(frozen=True)
class Resampled:
    """What bootstraps draw from, over all folds: `groups` groups of `recordings` test recordings, and how groups are called.

    `shared`: one of a fold's groups is tested in another fold, too; folds then say less than they seem to. `having`: of how many
    groups each label is, where there is one fold.
    """

    recordings: int = 0
    groups: int = 0
    groups_are: str = GROUPS
    shared: bool = False
    having: tuple[int, ...] = ()


def all_tested(folds: Sequence[Tested]) -> Resampled:
    """Return what the folds test together."""
    of_fold = [{one.groups.of.get(name, f"alone: {name}") for name in one.recordings} for one in folds]
    together = set().union(*of_fold)
    return Resampled(
        len({name for one in folds for name in one.recordings}),
        len(together),
        folds[0].groups.are if folds else GROUPS,
        len(together) < sum(map(len, of_fold)),
        tuple(map(int, folds[0].having)) if len(folds) == 1 else (),
    )


def comparable_tables(
    arms: Mapping[str, Mapping[Training, RunArtifacts]], fraction: float | None, what: str
) -> tuple[dict[str, dict[Training, DetectionTables]], list[str]]:
    """Return the tables of every run that has them and is tested on the same ground truth as the first of its fold.

    And a sentence for each run that is left out, which calls what is compared `what`.
    """
    comparable: dict[str, dict[Training, DetectionTables]] = {}
    left_out: list[str] = []
    first: dict[str | None, pa.Table] = {}
    for name, runs in arms.items():
        comparable[name] = {}
        lacking = []
        for (replicate, seed), artifacts in runs.items():
            tables = _tables(artifacts, fraction)
            if tables is None:
                lacking.append(named(f"seed {seed}", replicate))
            elif tables.truth.equals(first.setdefault(replicate.fold, tables.truth)):
                comparable[name][replicate, seed] = tables
            else:
                run = named(f"{name}, seed {seed}", replicate)
                left_out.append(f"{what} of arm {run}, is left out: its ground truth is another one.")
        if lacking:
            left_out.append(
                f"{what} of arm {name} is compared without {'; '.join(lacking)}: the detections were not kept."
            )
    return comparable, left_out


def match_runs(
    tables: Sequence[DetectionTables], iou: Sequence[float], rule: MatchingRule, *, early: bool
) -> tuple[Tested, list[MatchedRun]]:
    """Return what was tested in a fold, and every run matched with the common truth, its `recordings` whole groups of them.

    `early`: what was tested are sequences, the parts of recordings that early detection shows.
    """
    truth = tables[0].truth.filter(pc.not_equal(tables[0].truth["label"], BACKGROUND))
    labels = sorted(set(truth["label"].to_pylist()))
    named = [truth, *(table.detections for table in tables)]
    recordings = sorted({name for table in named for name in table["recording"].unique().to_pylist()})
    segments = GroundTruth(
        _tested(truth, recordings, early),
        _index(truth["label"], labels),
        truth["start"].to_numpy(),
        truth["end"].to_numpy(),
    )
    groups = tables[0].groups
    group = groups.numbers(recordings)
    places = np.stack([_index(truth["label"], labels), group[_index(truth["recording"], recordings)]])
    having = np.bincount(np.unique(places, axis=1)[0], minlength=len(labels))
    tested = Tested(tuple(recordings), group, groups, having)
    runs = [
        matched_run(
            segments,
            _detections(table.detections, recordings, labels, early),
            iou,
            labels=len(labels),
            recordings=tested.count,
            rule=rule,
            ambiguous=labels.index(AMBIGUOUS) if rule.drops_ambiguous and AMBIGUOUS in labels else None,
            recording=group[_recording_of_sequence(truth, recordings)] if early else group,
        )
        for table in tables
    ]
    return tested, runs


def _tables(artifacts: RunArtifacts, fraction: float | None) -> DetectionTables | None:
    detections, truth = artifacts.detections, artifacts.truth
    if fraction is not None:
        detections, truth = artifacts.early_detections, artifacts.early_truth
    if detections is None or truth is None:
        return None
    if fraction is None:
        return DetectionTables(detections, truth, artifacts.groups)
    detections, truth = (table.filter(pc.equal(table["fraction"], fraction)) for table in (detections, truth))
    return DetectionTables(detections, truth, artifacts.groups) if truth.num_rows else None


def _detections(table: pa.Table, recordings: Sequence[str], labels: Sequence[str], early: bool) -> DetectionArrays:
    """Return the detections whose label has ground truth."""
    kept = table.filter(pc.is_in(table["label"], pa.array(labels, pa.string())))
    first = np.zeros(kept.num_rows, dtype=np.int64)
    return DetectionArrays(
        recording=_tested(kept, recordings, early),
        label=_index(kept["label"], labels),
        start=kept["start"].to_numpy(),
        end=kept["end"].to_numpy(),
        score=kept["score"].to_numpy(),
        since=first,
        until=first + 1,
    )


def _tested(table: pa.Table, recordings: Sequence[str], early: bool) -> np.ndarray:
    """Return for each row the number of what it lies in: a recording, or a sequence of early detection."""
    return np.asarray(table["sequence"].to_numpy()) if early else _index(table["recording"], recordings)


def _recording_of_sequence(truth: pa.Table, recordings: Sequence[str]) -> np.ndarray:
    sequence = truth["sequence"].to_numpy()
    recording = np.zeros(int(sequence.max(initial=0)) + 1, dtype=np.int64)
    recording[sequence] = _index(truth["recording"], recordings)
    return recording


def _index(column: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    index: np.ndarray = pc.index_in(column, pa.array(names, pa.string())).to_numpy().astype(np.int64)
    return index
