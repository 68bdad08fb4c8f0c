"""Annotations as people's tools write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Marks = Mapping[str, Sequence[tuple[float, float, str]]]
"""Recording -> start, end, label."""


def _cells(rows: Sequence[Sequence[object]], separator: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def audacity(folder: Path, marks: Marks) -> str:
    """Write a label track a recording, with the frequencies of some labels, and return where they are."""
    for recording, found in marks.items():
        lines = [f"{start:.6f}\t{end:.6f}\t{label}\n\\\t100.0\t2000.0\n" for start, end, label in found]
        _write(folder / f"labels/{recording}.txt", "".join(lines))
    return "labels"


def elan(folder: Path, marks: Marks) -> str:
    """Write a document a recording, its labels in two tiers."""
    eaf = pytest.importorskip("pympi.Elan").Eaf
    for recording, found in marks.items():
        document = eaf(author="nobody")
        for tier in ("one", "two"):
            document.add_tier(tier)
        document.remove_tier("default")
        for number, (start, end, label) in enumerate(found):
            document.add_annotation(("one", "two")[number % 2], round(1000 * start), round(1000 * end), label)
        (folder / "labels").mkdir(exist_ok=True)
        document.to_file(str(folder / f"labels/{recording}.EAF"))
    return "labels"


def boris(folder: Path, marks: Marks) -> str:
    """Write the tabular events of BORIS 8, all observations in one file."""
    names = [
        "Observation id",
        "Observation date",
        "Media duration (s)",
        "Subject",
        "Behavior",
        "Behavior type",
        "Time",
        "Media file name",
    ]
    rows: list[list[object]] = []
    for recording, found in marks.items():
        events = [event for start, end, label in found for event in ((start, "START", label), (end, "STOP", label))]
        for time, kind, label in sorted(events, key=lambda event: (event[0], event[1] == "START")):
            rows.append(
                [
                    f"watching {recording}",
                    "2026-01-02 03:04:05",
                    99,
                    "No focal subject",
                    label,
                    kind,
                    f"{time:.3f}",
                    f"v/{recording}.mp4",
                ]
            )
    _write(folder / "events.csv", _cells([names, *rows]))
    return "events.csv"


def boris_old(folder: Path, marks: Marks) -> str:
    """Write the tabular events of BORIS 7, a file an observation, below what is said of it."""
    for recording, found in marks.items():
        rows: list[list[object]] = [
            ["Observation id", recording],
            [""],
            ["Observation date", "2026-01-02 03:04:05"],
            ["Time offset (s)", "0.0"],
        ]
        rows.append(["Time", "Media file path", "Total length", "FPS", "Subject", "Behavior", "Comment", "Status"])
        events = [event for start, end, label in found for event in ((start, "START", label), (end, "STOP", label))]
        for time, kind, label in sorted(events, key=lambda event: (event[0], event[1] == "START")):
            rows.append([f"{time:.3f}", "x.mp4", 99, 25, "Ada", label, "", kind])
        _write(folder / f"labels/{recording}.tsv", _cells(rows, "\t"))
    return "labels"


def boris_aggregated(folder: Path, marks: Marks) -> str:
    """Write the aggregated events of BORIS, with events that have no length."""
    names = ["Observation id", "Subject", "Behavior", "Behavior type", "Start (s)", "Stop (s)", "Duration (s)"]
    rows = [
        [recording, "Ada", label, "STATE", f"{start:.3f}", f"{end:.3f}", f"{end - start:.3f}"]
        for recording, found in marks.items()
        for start, end, label in found
    ]
    _write(folder / "events.csv", _cells([names, *rows], ";"))
    return "events.csv"


def label_studio(folder: Path, marks: Marks) -> str:
    """Write Label Studio's JSON of time series that were uploaded."""
    tasks = [
        {
            "id": number,
            "data": {"csv": f"/data/upload/1/{number:08x}-{recording}.csv"},
            "annotations": [
                {
                    "completed_by": 1,
                    "updated_at": "2026-01-02T03:04:05Z",
                    "result": [
                        {"type": "timeserieslabels", "value": {"start": start, "end": end, "timeserieslabels": [label]}}
                        for start, end, label in found
                    ],
                }
            ],
        }
        for number, (recording, found) in enumerate(marks.items())
    ]
    _write(folder / "export.json", json.dumps(tasks))
    return "export.json"


def label_studio_min(folder: Path, marks: Marks) -> str:
    """Write Label Studio's JSON-MIN."""
    tasks = [
        {
            "csv": f"{recording}.csv",
            "id": 7,
            "annotation_id": 3,
            "annotator": 1,
            "updated_at": "2026-01-02T03:04:05Z",
            "label": [{"start": start, "end": end, "timeserieslabels": [label]} for start, end, label in found],
        }
        for recording, found in marks.items()
    ]
    _write(folder / "export.json", json.dumps(tasks, ensure_ascii=False))
    return "export.json"


def table(folder: Path, marks: Marks) -> str:
    """Write one table of all."""
    rows = [(recording, start, end, label) for recording, found in marks.items() for start, end, label in found]
    empty = [(recording, "", "", "") for recording, found in marks.items() if not found]
    _write(folder / "annotations.csv", "\ufeff" + _cells([("recording", "start", "end", "label"), *rows, *empty]))
    return "annotations.csv"


def german_table(folder: Path, marks: Marks) -> str:
    """Write one table of all with semicolons and decimal commas, its columns in another order, without a label before it."""
    rows = [
        (label, f"{start:.3f}".replace(".", ","), f"{end:.3f}".replace(".", ","), f"videos\\{recording}.mp4")
        for recording, found in marks.items()
        for start, end, label in found
    ]
    _write(folder / "Annotationen.CSV", _cells([("Label", "Start (s)", "End (s)", "File"), *rows], ";"))
    return "Annotationen.CSV"


TOOLS: dict[str, Callable[[Path, Marks], str]] = {
    one.__name__: one
    for one in (audacity, elan, boris, boris_old, boris_aggregated, label_studio, label_studio_min, table, german_table)
}
KEEP_EMPTY = ("audacity", "elan", "boris_old", "label_studio", "label_studio_min", "table")
"""Those whose files tell a recording in which nothing happens from one that nobody looked at."""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
