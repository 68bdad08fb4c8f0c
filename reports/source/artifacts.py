"""What a confirmed run left: the artifacts of one MLflow run, read into memory (see `trainables.outputs`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.errors import InputError
from crescendo.trainables.files import read_json

EXPECTED = ("metrics.json", "detections.parquet", "ground_truth.parquet")
EARLY = ("early_detections.parquet", "early_ground_truth.parquet")
FILES = (*EXPECTED, *EARLY, "snapshots.json", "scores.arrow")


@dataclass(frozen=True)
class Scores:
    """Frame scores of some test recordings: recording -> (frames, labels) float32; `labels` names the columns."""

    recordings: Mapping[str, np.ndarray]
    labels: tuple[str, ...]
    fps: float


@dataclass(frozen=True)
class Outputs:
    """The artifacts of one confirmed run; what it does not have is None.

    Attributes
    ----------
    results : what `SubsetResult.to_json` returned for the test split
    detections, truth : tables recording, label, start, end (seconds), and score
    early_detections, early_truth : the same for each fraction and sequence of early detection
    snapshots : progression curves on the validation split, by iteration
    scores : frame scores of a few recordings
    """

    results: Mapping[str, Any] | None
    detections: pa.Table | None
    truth: pa.Table | None
    early_detections: pa.Table | None
    early_truth: pa.Table | None
    snapshots: Sequence[Mapping[str, Any]]
    scores: Scores | None


def read_outputs(folder: Path) -> tuple[Outputs, list[str]]:
    """Return what lies in `folder`, and of each file that cannot be read why."""
    faults: list[str] = []

    def read(name: str, reader: Any) -> Any:
        file = folder / name
        if not file.is_file():
            return None
        try:
            return reader(file)
        except (InputError, pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            faults.append(f"{name} is damaged ({str(error).splitlines()[0]})")
            return None

    return Outputs(
        results=read("metrics.json", lambda file: read_json(file)["test"]),
        detections=read("detections.parquet", pq.read_table),
        truth=read("ground_truth.parquet", pq.read_table),
        early_detections=read(EARLY[0], pq.read_table),
        early_truth=read(EARLY[1], pq.read_table),
        snapshots=read("snapshots.json", read_json) or (),
        scores=read("scores.arrow", _scores),
    ), faults


def _scores(file: Path) -> Scores:
    store = FrameStore([file])
    kept = {name: np.array(store[name]) for name in store.recordings}
    return Scores(kept, tuple(store.metadata["labels"]), float(store.metadata["fps"]))
