"""What a confirmed run leaves on disk for those who compare runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.evaluation.early import ObservedPart
from crescendo.trainables.evaluation.progression import Progression
from crescendo.trainables.evaluation.subset_result import SubsetResult
from crescendo.trainables.files import atomic_file, read_json, write_json
from crescendo.trainables.training.session import write_scores

# Recordings whose frame scores are kept, the first by name: enough to look at, little to store.
SHOWN_RECORDINGS = 3


def write_outputs(folder: Path, dataset: Dataset, config: TrainingConfig, result: SubsetResult) -> None:
    """Write what a trained model did on the test split; each file is complete or absent.

    detections.parquet      recording, label, start, end (seconds), score: one row a detection
    ground_truth.parquet    recording, label, start, end: one row a segment
    early_detections.parquet, early_ground_truth.parquet
                            the same for each observed `fraction` and test `sequence` (numbered) of early detection
    metrics.json            under `test` mAP and AP per label, early detection by observed fraction, progression curves and
                            violations, per-frame precision and early warning; under `alarms` the thresholds of alarms by
                            rate and label, chosen on the validation split
    configuration.json      every setting of the training; reset and merge gap are those used
    scores.arrow            frame scores of the first `SHOWN_RECORDINGS` recordings by name (see `data.store`)
    """
    by_recording = result.detections()
    detections = [
        (recording, *detection) for recording in sorted(by_recording) for detection in by_recording[recording]
    ]
    truth = [
        (recording, segment.label, segment.start, segment.end)
        for recording in sorted(by_recording)
        for segment in dataset.annotations.recordings[recording].segments
    ]
    columns = ("recording", "label", "start", "end", "score")
    _write_rows(folder / "detections.parquet", columns, detections)
    _write_rows(folder / "ground_truth.parquet", columns[:4], truth)
    early_columns = ("fraction", "sequence", *columns)
    _write_rows(folder / "early_detections.parquet", early_columns, list(_early_rows(result.observed, truth=False)))
    _write_rows(
        folder / "early_ground_truth.parquet", early_columns[:-1], list(_early_rows(result.observed, truth=True))
    )
    write_json(folder / "metrics.json", {"test": result.metrics.to_json(), "alarms": result.alarms})
    write_json(folder / "configuration.json", config.model_dump(mode="json"))
    shown = {
        recording: result.decoded.scores[recording] for recording in sorted(result.decoded.scores)[:SHOWN_RECORDINGS]
    }
    write_scores(folder / "scores.arrow", dataset, shown, {"reset": config.reset})


def add_snapshot(folder: Path, iteration: int, curves: Progression) -> None:
    """Add how scores progressed on the validation split at `iteration` to `snapshots.json`, a list by iteration.

    Snapshots at or after `iteration` are left over from an interrupted attempt and are replaced.
    """
    file = folder / "snapshots.json"
    kept = [one for one in (read_json(file) if file.is_file() else []) if one["iteration"] < iteration]
    write_json(file, [*kept, {"iteration": iteration, **curves.to_json()}])


def _early_rows(observed: Iterable[ObservedPart], *, truth: bool) -> Iterator[tuple[Any, ...]]:
    for part in observed:
        listed = part.truth.segments if truth else part.detections
        columns = [
            listed.recording,
            listed.label,
            listed.start,
            listed.end,
            *([] if truth else [part.detections.score]),
        ]
        for sequence, label, *numbers in zip(*(column.tolist() for column in columns), strict=True):
            yield part.fraction, sequence, part.truth.recordings[sequence], part.truth.labels[label], *numbers


def _write_rows(path: Path, names: Iterable[str], rows: list[tuple[Any, ...]]) -> None:
    kinds = {"recording": pa.string(), "label": pa.string(), "sequence": pa.int64()}
    columns = {
        name: pa.array([row[number] for row in rows], kinds.get(name, pa.float64()))
        for number, name in enumerate(names)
    }
    with atomic_file(path) as partial:
        pq.write_table(pa.table(columns), partial)
