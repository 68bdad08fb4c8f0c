"""The form of the journal's records: what is of another form was damaged, or written by somebody else."""

from __future__ import annotations

import math
import re
from typing import Any

Record = dict[str, Any]

_LARGEST = 2**63  # MLflow keeps times and steps in 64 bits
_ENDS = ("FINISHED", "FAILED", "KILLED")


def is_whole(record: object) -> bool:
    """Tell whether `record` has all that its kind has, in the right form; a kind unknown here needs only its name."""
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        return False
    form = _FORMS.get(record["kind"])
    return form is None or form(record)


def is_identity(text: str) -> bool:
    """Tell whether `text` may name a study or a trial: letters and digits, nothing that a path or a query could be."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) is not None


def _of_a_run(record: Record) -> bool:
    identity, time = record.get("identity"), record.get("time")
    return isinstance(identity, str) and is_identity(identity) and isinstance(time, int) and 0 <= time < _LARGEST


def _is_text(value: object) -> bool:
    """Tell whether `value` is a text that a store or a file system can hold."""
    try:
        return isinstance(value, str) and b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _is_place(value: object) -> bool:
    """Tell whether `value` is a path below a run's artifacts, or empty."""
    return isinstance(value, str) and _is_text(value) and not value.startswith("/") and ".." not in value.split("/")


def _texts(values: object) -> bool:
    return isinstance(values, dict) and all(map(_is_text, (*values, *values.values())))


def _is_point(point: object) -> bool:
    match point:
        case [str() as name, int() | float() as value, int() as step]:
            whole = _is_text(name) and abs(step) < _LARGEST
            return whole and (isinstance(value, float) or abs(value) < math.floor(1e300))
    return False


def _is_study(record: Record) -> bool:
    study, experiment = record.get("study"), record.get("experiment")
    return isinstance(study, str) and is_identity(study) and _is_text(experiment)


def _is_start(record: Record) -> bool:
    return (
        _of_a_run(record)
        and _is_text(record.get("name"))
        and _texts(record.get("tags"))
        and _texts(record.get("params"))
    )


def _is_metrics(record: Record) -> bool:
    points = record.get("metrics")
    whole = _of_a_run(record) and isinstance(record.get("source"), str)
    return whole and isinstance(points, list) and bool(points) and all(map(_is_point, points))


def _is_file(record: Record) -> bool:
    return _of_a_run(record) and _is_text(record.get("file"))


def _is_folder(record: Record) -> bool:
    return _of_a_run(record) and _is_text(record.get("folder")) and _is_place(record.get("place", ""))


def _is_tags(record: Record) -> bool:
    return _of_a_run(record) and _texts(record.get("tags"))


def _is_finish(record: Record) -> bool:
    as_once = "reason" in record and (record["reason"] is None or _is_text(record["reason"]))
    said = _texts(record["tags"]) if "tags" in record else as_once
    return _of_a_run(record) and record.get("status") in _ENDS and said


_FORMS = {
    "study": _is_study,
    "start": _is_start,
    "metrics": _is_metrics,
    "file": _is_file,
    "folder": _is_folder,
    "tags": _is_tags,
    "finish": _is_finish,
}
