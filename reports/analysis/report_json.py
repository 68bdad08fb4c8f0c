"""Every number of a report, as plain JSON content."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.analysis.report_model import RecordingTimeline, ReportModel, StudySummary
from crescendo.reports.analysis.statistics import LEVEL


def report_json(model: ReportModel) -> dict[str, Any]:
    """Return every number of a report as a JSON-able object; of timelines all but the frame scores, which are many."""
    content: dict[str, Any] = _plain(model)
    content["sources"] = None if model.sources is None else model.sources.to_json()
    return content


def _goes_without_saying(value: Any, name: str) -> bool:
    """Tell whether it is what only some studies have, of another; or measures that runs of old lack."""
    return (
        (isinstance(value, ReportModel) and name == "untested" and value.untested is None)
        or (isinstance(value, ReportModel) and name == "looks" and not value.looks)
        or (isinstance(value, StudySummary) and name == "progress" and value.progress is None)
        or (isinstance(value, Difference) and name == "level" and value.level == LEVEL)
        or (isinstance(value, ArmSummary) and name in ("segmental", "causes") and getattr(value, name) is None)
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if not (isinstance(value, RecordingTimeline) and field.name == "scores")
            and not _goes_without_saying(value, field.name)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
