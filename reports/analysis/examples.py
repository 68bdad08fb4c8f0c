"""Three test recordings as each arm saw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crescendo.reports.analysis.report_model import RecordingTimeline
from crescendo.reports.source.artifacts import RunArtifacts
from crescendo.reports.source.runs import ArmRuns
from crescendo.trainables.data.frames import BACKGROUND

SHOWN = 3


def timelines(arms: Mapping[str, ArmRuns]) -> tuple[RecordingTimeline, ...]:
    """Return `SHOWN` recordings for the seed that most arms have, of equal ones the lowest.

    The recordings are those whose frame scores were kept, otherwise the first by name that have a segment.
    """
    seeds = Counter(seed for arm in arms.values() for seed, one in arm.artifacts.items() if _complete(one))
    if not seeds:
        return ()
    seed = min(seeds, key=lambda one: (-seeds[one], one))
    shown = {
        name: arm.artifacts[seed]
        for name, arm in arms.items()
        if seed in arm.artifacts and _complete(arm.artifacts[seed])
    }
    first = next(iter(shown.values()))
    kept = next((one.scores for one in shown.values() if one.scores is not None), None)
    names = sorted(kept.recordings if kept else set(_column(first.truth, "recording")))[:SHOWN]
    labels = kept.labels if kept else (BACKGROUND, *sorted(set(_column(first.truth, "label")) - {BACKGROUND}))
    return tuple(
        RecordingTimeline(
            recording=name,
            seed=seed,
            fps=kept.fps if kept else None,
            labels=labels,
            truth=_rows(first.truth, name, ("label", "start", "end")),
            detections={
                arm: _rows(one.detections, name, ("label", "start", "end", "score")) for arm, one in shown.items()
            },
            scores=_scores(shown, name),
        )
        for name in names
    )


def _complete(outputs: RunArtifacts) -> bool:
    return outputs.detections is not None and outputs.truth is not None


def _column(table: pa.Table | None, name: str) -> list[str]:
    return [] if table is None else list(table[name].to_pylist())


def _rows(table: pa.Table | None, recording: str, columns: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    if table is None:
        return ()
    mine = table.filter(pc.equal(table["recording"], recording)).sort_by("start")
    return tuple(zip(*(mine[column].to_pylist() for column in columns), strict=True))


def _scores(shown: Mapping[str, RunArtifacts], recording: str) -> dict[str, np.ndarray]:
    return {
        arm: one.scores.recordings[recording]
        for arm, one in shown.items()
        if one.scores is not None and recording in one.scores.recordings
    }
