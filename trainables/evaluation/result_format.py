"""Detections of one or many recordings as lists, and in ActivityNet's result format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crescendo.trainables.data.annotations import label_text
from crescendo.trainables.data.frames import BACKGROUND, seconds
from crescendo.trainables.data.label_blanks import dropped_blanks
from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.decoding import Spans
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.json_files import is_number, read_json, write_json

VERSION = "VERSION 1.3"


class Detection(NamedTuple):
    """A detected activity: `label` from `start` to `end`, in seconds, and its `score`."""

    label: str
    start: float
    end: float
    score: float


def in_seconds(spans: Spans, labels: Sequence[str], fps: float) -> list[Detection]:
    """Return the spans of one recording as detections; `labels` names the label indices, background included."""
    columns = (spans.label.tolist(), spans.start.tolist(), spans.end.tolist(), spans.score.tolist())
    return [
        Detection(labels[label], seconds(start, fps), seconds(end, fps), score)
        for label, start, end, score in zip(*columns, strict=True)
    ]


def result_file(detections: Mapping[str, Iterable[Detection]]) -> dict[str, Any]:
    """Return recording -> detections as the content of a result file of ActivityNet."""
    results = {
        recording: [{"segment": [one.start, one.end], "label": one.label, "score": one.score} for one in found]
        for recording, found in detections.items()
    }
    return {"version": VERSION, "results": results, "external_data": {"used": False, "details": ""}}


def write_detections(path: Path | str, detections: Mapping[str, Iterable[Detection]]) -> None:
    """Write recording -> detections as a result file of ActivityNet, atomically."""
    write_json(path, result_file(detections))


def read_detections(path: Path | str, labels: Collection[str] | None = None) -> dict[str, list[Detection]]:
    """Read a result file of ActivityNet (`.json`, or `.json.gz`): recording -> detections, in file order.

    A label that is a number is read as text, as in annotations. With `labels`, one that is neither among them nor
    background is refused, unless only blanks at its ends are too many.

    Raises
    ------
    InputError
        As `detections_and_notes`.
    """
    return detections_and_notes(path, labels)[0]


def detections_and_notes(
    path: Path | str, labels: Collection[str] | None = None
) -> tuple[dict[str, list[Detection]], list[str]]:
    """Return what `read_detections` does, and in lines what was read otherwise than it was written.

    Raises
    ------
    InputError
        If the file is no valid JSON, lacks keys, or holds a score that is no finite number, an end before its start or
        an unknown label. The message names the file, the recording, the detection, and how many more faults there are.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        raise InputError(f"{path}: lacks the object 'results'; expected ActivityNet's result format")
    known = None if labels is None else {*labels, BACKGROUND}
    faults: list[str] = []
    blanks = Counter[str]()
    detections: dict[str, list[Detection]] = {}
    for recording, entries in content["results"].items():
        detections[recording] = []
        if not isinstance(entries, list):
            faults.append(f"recording {recording!r}: its detections must be a list")
            continue
        for number, entry in enumerate(entries):
            fault = _fault(entry, known)
            if fault is None:
                start, end = entry["segment"]
                written = label_text(entry["label"]) or ""
                label = _read(written, known)
                blanks[written] += label != written
                detections[recording].append(Detection(label, float(start), float(end), float(entry["score"])))
            else:
                faults.append(f"recording {recording!r}: detection {number} {fault}")
    if faults:
        more = f" (and {counted(len(faults) - 1, 'more fault')})" if len(faults) > 1 else ""
        raise InputError(f"{path}: {faults[0]}{more}")
    return detections, dropped_blanks({label: count for label, count in blanks.items() if count}, "detection")


def _read(label: str, known: Collection[str] | None) -> str:
    return label if known is None or label in known else label.strip()


def _fault(entry: Any, known: Collection[str] | None) -> str | None:
    if not isinstance(entry, dict):
        return "is no object"
    missing = [key for key in ("segment", "label", "score") if key not in entry]
    if missing:
        return f"lacks the key {missing[0]!r}"
    segment, label, score = entry["segment"], entry["label"], entry["score"]
    fault = None
    if not isinstance(segment, list) or len(segment) != 2 or not all(is_number(bound) for bound in segment):
        fault = f"has segment {segment!r}; expected [start, end] in seconds"
    elif segment[1] < segment[0]:
        fault = f"has segment {segment!r}, which ends before it starts; mend it"
    elif not is_number(score):
        fault = f"has score {score!r}; it must be a finite number"
    elif (name := label_text(label)) is None:
        fault = f"has label {label!r:.80}; it must be the name of an activity"
    elif known is not None and _read(name, known) not in known:
        fault = f"has the label {label!r}, which the ground truth does not know; mend one of the two"
    return fault
