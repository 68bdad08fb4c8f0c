"""What came out, in sentences and as one JSON object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from crescendo.reports.analysis.report_model import ArmContent, Content, Difference, Timeline
from crescendo.reports.numbers import measure_name, p_text, points, signed


def sentences(content: Content) -> list[tuple[str, str]]:
    """Return (arm, what came out of it with what certainty) for every arm but the baseline."""
    return [(arm.name, _sentence(content, arm)) for arm in content.arms if not arm.baseline]


def _sentence(content: Content, arm: ArmContent) -> str:
    found = arm.difference.get(content.headline)
    if found is None:
        return f"not compared with {content.baseline}: {_why(content, arm)}."
    name = measure_name(content.headline)
    interval = f"95 % interval {signed(found.low)} to {signed(found.high)}"
    if found.holds:
        better = "better" if found.value > 0 else "worse"
        return (
            f"{signed(found.value)} points of {name}, {interval}: {better} than {content.baseline} "
            f"(p {_equals(found)} after Holm's correction)."
        )
    return (
        f"no difference shown: {signed(found.value)} points of {name}, {interval} (p {_equals(found)} after Holm's "
        f"correction); {len(found.seeds)} seeds and {found.recordings} recordings would have shown one of "
        f"{points(found.detectable)} points in four studies out of five."
    )


def _why(content: Content, arm: ArmContent) -> str:
    if not arm.seeds:
        return "none of its seeds is confirmed yet"
    baseline = content.baseline_arm
    if baseline is None or not baseline.seeds:
        return "the baseline is not confirmed yet"
    if len(set(arm.seeds) & set(baseline.seeds)) < 2:
        return "it takes two seeds that both have"
    return "the detections were not kept"


def _equals(found: Difference) -> str:
    text = p_text(found.p_holm)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"


def to_json(content: Content) -> dict[str, Any]:
    """Return every number of a report as a JSON-able object; of timelines all but the frame scores, which are many."""
    found: dict[str, Any] = _plain(content)
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if not (isinstance(value, Timeline) and field.name == "scores")
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
