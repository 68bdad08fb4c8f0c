"""What came out, in sentences."""

from __future__ import annotations

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import measure_name, p_text, points, recordings_text, signed


def sentences(model: ReportModel) -> list[tuple[str, str]]:
    """Return (arm, what came out of it with what certainty) for every arm but the baseline."""
    return [(arm.name, _sentence(model, arm)) for arm in model.arms if not arm.baseline]


def _sentence(model: ReportModel, arm: ArmSummary) -> str:
    difference = arm.difference.get(model.headline)
    if difference is None:
        return f"not compared with {model.baseline}: {_why(model, arm)}."
    name = measure_name(model.headline)
    tested = recordings_text(difference.recordings, difference.groups, model.groups_are)
    interval = f"95 % interval {signed(difference.low)} to {signed(difference.high)}"
    if difference.holds:
        better = "better" if difference.value > 0 else "worse"
        return (
            f"{signed(difference.value)} points of {name}, {interval}: {better} than {model.baseline} "
            f"(p {_equals(difference)} after Holm's correction)."
        )
    return (
        f"no difference shown: {signed(difference.value)} points of {name}, {interval} (p {_equals(difference)} after Holm's "
        f"correction); {len(difference.seeds)} seeds and {tested} would have shown one of "
        f"{points(difference.detectable)} points in four studies out of five."
    )


def _why(model: ReportModel, arm: ArmSummary) -> str:
    if not arm.seeds:
        return "none of its seeds is confirmed yet"
    baseline = model.baseline_arm
    if not baseline.seeds:
        return "the baseline is not confirmed yet"
    if len(set(arm.seeds) & set(baseline.seeds)) < 2:
        return "it takes two seeds that both have"
    return "the detections were not kept"


def _equals(difference: Difference) -> str:
    text = p_text(difference.p_holm)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"
