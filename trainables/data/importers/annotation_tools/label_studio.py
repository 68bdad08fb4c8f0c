"""Time series, and audio, labelled in Label Studio: its JSON and its JSON-MIN."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile, Track, moment, solid
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.reading import expecting, mapping

_LABELS = ("timeserieslabels", "labels")
_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")  # Label Studio puts eight digits before the name of an uploaded file
_TASK = ("id", "inner_id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time", "total_annotations")


def is_one(content: Any) -> bool:
    """Tell whether `content`, of a JSON file, is a list of tasks with results."""
    tasks = content if isinstance(content, list) else []
    return bool(tasks) and all(
        isinstance(task, dict) and ("annotations" in task or "annotation_id" in task) for task in tasks
    )


def read(file: MarkedFile, content: Any) -> list[Track]:
    """Return a track for each annotation of each task; cancelled ones are left out.

    Raises
    ------
    InputError
        If times are no numbers, or a region has not one label.
    """
    with expecting("a list of Label Studio's tasks", file.where, "export it again as JSON"):
        return [track for task in content for track in _tracks(file, mapping(task))]


def cancelled(file: MarkedFile, content: Any) -> list[str]:
    """Return the recording of each annotation that was cancelled; `InputError` as `read`."""
    with expecting("a list of Label Studio's tasks", file.where, "export it again as JSON"):
        return [
            _recordings(file, _data(task), one)[0]
            for task in map(mapping, content)
            for one in map(mapping, task.get("annotations", ()))
            if one.get("was_cancelled")
        ]


def _tracks(file: MarkedFile, task: Mapping[str, Any]) -> Iterator[Track]:
    if "annotations" not in task:  # JSON-MIN
        said = {key: value for key, value in task.items() if key not in _TASK}
        regions = [one for value in said.values() if isinstance(value, list) for one in value]
        yield _track(file, said, task, regions, task.get("annotator", ""))
        return
    data = _data(task)
    there = [mapping(one) for one in task["annotations"]]
    for annotation in there:
        if not annotation.get("was_cancelled"):
            results = [mapping(one) for one in annotation.get("result", ())]
            yield _track(
                file,
                data,
                annotation,
                [one.get("value") for one in results if one.get("type") in _LABELS],
                annotation.get("completed_by", ""),
                [str(one.get("type")) for one in results if one.get("type") not in _LABELS],
            )


def _track(
    file: MarkedFile,
    data: Mapping[str, Any],
    made: Mapping[str, Any],
    regions: list[Any],
    by: Any,
    others: Sequence[str] = (),
) -> Track:
    segments, points = solid([_segment(file, region) for region in regions], file.where)
    names = _recordings(file, data, made)
    said = {key: str(value) for key, value in data.items() if isinstance(value, str | int | float) and value != ""}
    when = moment(made.get("updated_at") or made.get("created_at"), file.written)
    notes = {**points, **({"left out, results that are no labelled regions": others} if others else {})}
    who = by.get("email", by.get("id", "")) if isinstance(by, dict) else by
    return Track(names, segments, when, f"annotator {who}" if who != "" else file.name, file.name, said, notes)


def _data(task: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**mapping(task.get("data", {})), "file_upload": task.get("file_upload", "")}


def _recordings(file: MarkedFile, data: Mapping[str, Any], made: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the recording of the annotation `made` may be called by the `data` of its task."""
    names = tuple(
        dict.fromkeys(name for value in data.values() if isinstance(value, str) and value for name in _names(value))
    )
    if not names:
        raise InputError(f"{file.where}: task {made.get('id', '?')} names no file in its data")
    return names


def _names(value: str) -> Iterator[str]:
    """Yield what the recording of a task may be called by `value`, of its data: a name, a path or an address."""
    path = PurePosixPath(unquote(urlsplit(value).path.partition("?")[0]) or value)
    uploaded = _UPLOADED.fullmatch(path.stem)
    yield from filter(None, (*([uploaded[1]] if uploaded else []), path.stem, path.name, value))


def _segment(file: MarkedFile, region: Any) -> Segment:
    found = mapping(region)
    labels: Any = next((found[key] for key in _LABELS if key in found), [])
    bounds = found.get("start"), found.get("end")
    if len(labels) != 1 or not isinstance(labels[0], str) or not labels[0].strip():
        raise InputError(f"{file.where}: the region {_shown(bounds)} has {counted(len(labels), 'label')}; expected one")
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in bounds):
        raise InputError(
            f"{file.where}: the region {_shown(bounds)} of {labels[0]!r:.80} has no times in seconds; label a time column that "
            "counts seconds from the beginning of the recording"
        )
    start, end = map(float, bounds)  # type: ignore[arg-type]
    return Segment(labels[0], start, end)


def _shown(bounds: tuple[Any, Any]) -> str:
    return f"[{bounds[0]!s:.40}, {bounds[1]!s:.40}]"
