"""What a confirmed run left: the artifacts of one MLflow run, read into memory (see `trainables.training.artifacts`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crescendo.trainables.data.groups import Groups
from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.detection_columns import DETECTIONS, OBSERVED, TRUTH, column_type
from crescendo.trainables.evaluation.progression import Progression
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.storage.reading import check_plain

EXPECTED = ("metrics.json", "detections.parquet", "ground_truth.parquet")
EARLY = ("early_detections.parquet", "early_ground_truth.parquet")
FILES = (*EXPECTED, *EARLY, "snapshots.json", "scores.arrow")

_Content = TypeVar("_Content")


@dataclass(frozen=True)
class FrameScores:
    """Frame scores of some test recordings: recording -> (frames, labels) float32; `labels` names the columns."""

    recordings: Mapping[str, np.ndarray]
    labels: tuple[str, ...]
    fps: float


@dataclass(frozen=True)
class RunArtifacts:
    """The artifacts of one confirmed run; what it does not have is None, or empty.

    Attributes
    ----------
    metrics : the figures of the test split; of validation, if nothing could be tested, and `untested` says why
    detections, truth : tables recording, label, start, end (seconds), and score
    early_detections, early_truth : the same for each fraction and sequence of early detection
    snapshots : iteration -> progression on the validation split
    scores : frame scores of a few recordings
    groups : of the test recordings
    validation_hours : of the validation recordings, which alarm thresholds were chosen on
    """

    metrics: SubsetMetrics | None
    detections: pa.Table | None
    truth: pa.Table | None
    early_detections: pa.Table | None
    early_truth: pa.Table | None
    snapshots: Mapping[int, Progression]
    scores: FrameScores | None
    groups: Groups = field(default_factory=Groups)
    validation_hours: float | None = None
    untested: str | None = None


def read_artifacts(folder: Path) -> tuple[RunArtifacts, list[str]]:
    """Return what lies in `folder`, and of each file that cannot be read why."""
    faults: list[str] = []

    def read(name: str, reader: Callable[[Path], _Content]) -> _Content | None:
        file = folder / name
        if not file.is_file():
            return None
        try:
            return reader(file)
        except (InputError, pa.ArrowException, OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            faults.append(f"{name} is damaged ({str(error).splitlines()[0]})")
            return None

    figures = read("metrics.json", _figures) or _Figures(None)
    return RunArtifacts(
        metrics=figures.metrics,
        detections=read("detections.parquet", lambda file: read_rows(file, DETECTIONS)),
        truth=read("ground_truth.parquet", lambda file: read_rows(file, TRUTH)),
        early_detections=read(EARLY[0], lambda file: read_rows(file, (*OBSERVED, *DETECTIONS))),
        early_truth=read(EARLY[1], lambda file: read_rows(file, (*OBSERVED, *TRUTH))),
        snapshots=read("snapshots.json", _snapshots) or {},
        scores=read("scores.arrow", _frame_scores),
        groups=figures.groups,
        validation_hours=figures.hours,
        untested=figures.untested,
    ), faults


class _Figures(NamedTuple):
    metrics: SubsetMetrics | None
    groups: Groups = Groups()
    hours: float | None = None
    untested: str | None = None


def _figures(file: Path) -> _Figures:
    content = read_json(file)
    hours = (content.get("validation", {}).get("online") or {}).get("hours")
    untested = None if "test" in content else str(content["untested"])
    return _Figures(
        SubsetMetrics.from_json(content["test" if untested is None else "validation"]),
        Groups.from_json(content.get("groups", Groups().to_json())),
        None if hours is None else float(hours),
        untested,
    )


def read_rows(file: Path, columns: Sequence[str]) -> pa.Table:
    """Return the table of a parquet file that has these `columns`, without a null, each of its type (`_write_rows`).

    Raises
    ------
    InputError
        If it is no such file.
    """
    check_plain(file)
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file}: not a complete parquet file ({' '.join(str(error).split())[:200]})") from error
    for name in columns:
        kind = column_type(name)
        if name not in table.column_names or table[name].type != kind or table[name].null_count:
            raise InputError(f"{file}: must have a column {name} of {kind}, without nulls")
    return table


def _snapshots(file: Path) -> dict[int, Progression]:
    kept: Sequence[Mapping[str, Any]] = read_json(file)
    return {int(snapshot["iteration"]): Progression.from_json(snapshot) for snapshot in kept}


def _frame_scores(file: Path) -> FrameScores:
    store = FrameStore([file])
    kept = {name: np.array(store[name]) for name in store.recordings}
    return FrameScores(kept, tuple(store.metadata["labels"]), float(store.metadata["fps"]))
