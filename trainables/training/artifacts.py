"""What a finished run leaves in its folder of outputs, whether `crescendo train` or a study's confirmation trained it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crescendo.trainables.config import Reset, TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.parts import untested
from crescendo.trainables.data.store import write_frames
from crescendo.trainables.evaluation.detection_columns import DETECTIONS, OBSERVED, TRUTH, column_type
from crescendo.trainables.evaluation.early import ObservedPart
from crescendo.trainables.evaluation.early_warning import Thresholds
from crescendo.trainables.evaluation.progression import Progression
from crescendo.trainables.evaluation.result_format import write_detections
from crescendo.trainables.evaluation.subset_result import SubsetResult
from crescendo.trainables.storage.files import atomic_file
from crescendo.trainables.storage.json_files import read_json, write_json
from crescendo.trainables.storage.reading import expecting

METRICS = "metrics.json"
"""The file that is written last: a folder that has it holds a finished run."""

# How many recordings' frame scores a confirmed trial keeps (the first by name): enough to look at, little to store.
SHOWN_RECORDINGS = 3


@dataclass(frozen=True)
class FinishedRun:
    """A training that is over, and what its model does.

    Attributes
    ----------
    config
        The training's settings; reset and merge gap are those that its results were decoded with.
    merge_gap
        What results were decoded with, in frames.
    training_seconds
        How long training took, validations included, over all its starts; None if a start was not timed.
    clipped_share
        Share of the steps whose gradient was clipped; None if they were not counted.
    history
        A row for each validation (`listeners.Validation.to_json`).
    results
        Split -> results: of `validation`, and of `test` where that has segments.
    """

    config: TrainingConfig
    dataset: Dataset
    merge_gap: int
    iterations: int
    training_seconds: float | None
    clipped_share: float | None
    history: tuple[Mapping[str, Any], ...]
    results: Mapping[str, SubsetResult]

    @property
    def reset(self) -> Reset:
        """The reset that results were decoded with: what is cleared after a background frame."""
        return self.config.reset

    @property
    def alarms(self) -> Mapping[str, Thresholds]:
        """Rate of false alarms -> label -> the threshold chosen for it on the validation split."""
        return self.results["validation"].alarms

    @property
    def alarm_hours(self) -> float | None:
        """Hours of the validation recordings that alarm thresholds were chosen on."""
        online = self.results["validation"].metrics.online
        return None if online is None else online.hours

    @property
    def final(self) -> SubsetResult:
        """The results on the test split, or on validation where there is none."""
        return self.results.get("test", self.results["validation"])

    @property
    def untested(self) -> str | None:
        """Why nothing was tested; None where it was."""
        return untested(self.dataset, self.config.matching_rule.unscored)

    def to_json(self) -> dict[str, Any]:
        """Return what `metrics.json` holds."""
        dataset, final, reason = self.dataset, self.final.decoded, self.untested
        groups = final.dataset.annotations.groups(final.scores)
        return {
            "dataset": {"name": dataset.metadata.name, "content_hash": dataset.content_hash, "fps": dataset.fps},
            "config": self.config.model_dump(mode="json"),
            "reset": self.reset,
            "merge_gap": self.merge_gap,
            "labels": list(dataset.labels),
            "iterations": self.iterations,
            "training_seconds": self.training_seconds,
            "clipped_share": self.clipped_share,
            "history": [dict(row) for row in self.history],
            **{subset: result.metrics.to_json() for subset, result in self.results.items()},
            **({} if reason is None else {"untested": reason}),
            "alarms": {rate: dict(thresholds) for rate, thresholds in self.alarms.items()},
            **({"groups": groups.to_json()} if groups.of else {}),
        }


def write_outputs(folder: Path, run: FinishedRun, *, whole_scores: bool) -> None:
    """Write what a finished run leaves; each file is complete or absent, and `metrics.json` comes last.

    metrics.json            data set, configuration, reset and merge gap (frames), iterations, seconds, share of clipped
                            steps, `history` (losses and validation mAP at every validation); under `validation` and
                            `test` mAP and AP per label, early detection by observed fraction, progression curves and
                            violations, per-frame precision, early warning, segmental measures, diagnosis of mAP,
                            calibration of frame scores and detection of starts; under `untested`, in place of `test`,
                            why nothing could be tested; under `alarms` the thresholds by rate and label, chosen on
                            validation; under `groups` those of the recordings, where there are any
                            (`data.groups.Groups.to_json`)
    configuration.json      every setting of the training; reset and merge gap are those used
    detections.json         detections in ActivityNet's result format
    detections.parquet      recording, label, start, end (seconds), score: one row a detection
    ground_truth.parquet    recording, label, start, end: one row a segment
    early_detections.parquet, early_ground_truth.parquet
                            the same for each observed `fraction` and test `sequence` (numbered) of early detection
    scores/SUBSET.arrow     frame scores of every recording of validation and test (see `data.store`); without
    scores.arrow            `whole_scores`, in their place, those of the first `SHOWN_RECORDINGS` by name alone

    Detections, ground truth and `scores.arrow` are of the test split, or of validation where there is none. While it
    trains a run adds `snapshots.json` (`add_snapshot`); `model/`, the model folder, is written by `measurement.measure`.
    """
    final, reset = run.final, {"reset": run.reset}
    if whole_scores:
        for subset, result in run.results.items():
            _write_scores(folder / "scores" / f"{subset}.arrow", run.dataset, result.decoded.scores, reset)
    else:
        scores = final.decoded.scores
        shown = {recording: scores[recording] for recording in sorted(scores)[:SHOWN_RECORDINGS]}
        _write_scores(folder / "scores.arrow", run.dataset, shown, reset)
    write_detections(folder / "detections.json", final.detections())
    _write_tables(folder, final)
    write_json(folder / "configuration.json", run.config.model_dump(mode="json"))
    write_json(folder / METRICS, run.to_json())


def add_snapshot(folder: Path, iteration: int, curves: Progression) -> None:
    """Add the progression curves of the validation split at `iteration` to `snapshots.json`, a list by iteration.

    Snapshots at or after `iteration` are left over from an interrupted attempt and are replaced.
    """
    file = folder / "snapshots.json"
    earlier = read_json(file) if file.is_file() else []
    with expecting("a list of snapshots", file, "remove it"):
        kept = [snapshot for snapshot in earlier if snapshot["iteration"] < iteration]
    write_json(file, [*kept, {"iteration": iteration, **curves.to_json()}])


def _write_scores(path: Path, dataset: Dataset, scores: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write frame scores as an Arrow file (see `data.store`): column `scores`, one value a label."""
    frames = {recording: len(matrix) for recording, matrix in scores.items()}
    metadata = {"labels": dataset.labels, "fps": dataset.fps, **metadata}
    width = len(dataset.labels)
    write_frames(path, "scores", frames, scores.values(), width=width, dtype="float32", metadata=metadata)


def _write_tables(folder: Path, result: SubsetResult) -> None:
    dataset, by_recording = result.decoded.dataset, result.detections()
    detections = [
        (recording, *detection) for recording in sorted(by_recording) for detection in by_recording[recording]
    ]
    truth = [
        (recording, segment.label, segment.start, segment.end)
        for recording in sorted(by_recording)
        for segment in dataset.annotations.recordings[recording].segments
    ]
    found, expected = (list(_early_rows(result.observed, truth=one)) for one in (False, True))
    _write_rows(folder / "detections.parquet", DETECTIONS, detections)
    _write_rows(folder / "ground_truth.parquet", TRUTH, truth)
    _write_rows(folder / "early_detections.parquet", (*OBSERVED, *DETECTIONS), found)
    _write_rows(folder / "early_ground_truth.parquet", (*OBSERVED, *TRUTH), expected)


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
    columns = {name: pa.array([row[number] for row in rows], column_type(name)) for number, name in enumerate(names)}
    with atomic_file(path) as partial:
        pq.write_table(pa.table(columns), partial)
