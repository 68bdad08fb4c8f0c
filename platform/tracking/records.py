"""The form of the journal's records: what is of another form was damaged, or written by somebody else."""

from __future__ import annotations

import math
import re
from typing import Any

Record = dict[str, Any]

_LARGEST = 2**63  # MLflow keeps times and steps in 64 bits


def is_whole(record: object) -> bool:
    """Tell whether `record` has all that its kind has, in the right form; a kind unknown here needs only its name."""
    if not isinstance(record, dict):
        return False
    match record:
        case {"kind": "study", "experiment": str(), "study": str(study)}:
            return is_identity(study)
        case {"kind": "start", "name": str(), "tags": dict(tags), "params": dict(params)}:
            return _of_a_run(record) and _texts(tags) and _texts(params)
        case {"kind": "metrics", "source": str(), "metrics": [_, *_] as points}:
            return _of_a_run(record) and all(map(_is_point, points))
        case {"kind": "file", "file": str()}:
            return _of_a_run(record)
        case {"kind": "folder", "folder": str()}:
            return _of_a_run(record) and isinstance(record.get("place", ""), str)
        case {"kind": "finish", "status": str(), "tags": dict(tags)}:
            return _of_a_run(record) and _texts(tags)
        case {"kind": "finish", "status": str(), "reason": str() | None}:  # as journals once had it
            return _of_a_run(record)
        case {"kind": "study" | "start" | "metrics" | "file" | "folder" | "finish"}:
            return False
        case _:
            return isinstance(record.get("kind"), str)


def is_identity(text: str) -> bool:
    """Tell whether `text` may name a study or a trial: letters and digits, nothing that a path or a query could be."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) is not None


def _of_a_run(record: Record) -> bool:
    identity, time = record.get("identity"), record.get("time")
    return isinstance(identity, str) and is_identity(identity) and isinstance(time, int) and 0 <= time < _LARGEST


def _texts(values: dict[str, object]) -> bool:
    return all(isinstance(value, str) for value in values.values())


def _is_point(point: object) -> bool:
    match point:
        case [str(), int() | float() as value, int() as step]:
            return abs(step) < _LARGEST and (isinstance(value, float) or abs(value) < math.floor(1e300))
    return False
