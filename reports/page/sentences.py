"""What came out, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.estimates import Difference, Verdict
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.analysis.verdicts import MOST_SEEDS
from crescendo.reports.formatting import counted, measure_name, p_text, plain, points, recordings_text, signed

CHOSEN = "It holds for the settings that were chosen; the search's luck is not in it."
"""What every answer leaves out as long as each arm is searched once."""


def sentences(model: ReportModel) -> list[tuple[str, str]]:
    """Return (arm, what came out of it with what certainty) for every arm but the baseline."""
    return [(arm.name, _sentence(model, arm)) for arm in model.arms if not arm.baseline]


def summary(model: ReportModel) -> str:
    """Return in a sentence or two how many arms are better, worse, equivalent and undecided; empty if none is compared."""
    answers = Counter(one.answer for one in _verdicts(model))
    if not answers:
        return ""
    said = [
        f"{counted(answers[answer], 'arm')} {'is' if answers[answer] == 1 else 'are'} {answer}"
        for answer in ("better", "worse", "equivalent", "undecided")
        if answers[answer]
    ]
    listed = f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]
    return f"Against it, in {what_is_asked(model)}, {listed}. {CHOSEN}"


def what_is_asked(model: ReportModel) -> str:
    """Return what the study asks about: `mAP at IoU 0.5`, `mAP at IoU 0.5 of early detection`."""
    return f"{measure_name(model.headline)}{' of early detection' if model.primary == 'early' else ''}"


def _verdicts(model: ReportModel) -> Iterator[Verdict]:
    for arm in model.arms:
        asked = model.asked(arm)
        if asked is not None and asked.verdict is not None:
            yield asked.verdict


def _sentence(model: ReportModel, arm: ArmSummary) -> str:
    difference = model.asked(arm)
    if difference is None or difference.verdict is None:
        return f"not compared with {model.baseline}: {_why(model, arm)}."
    verdict = difference.verdict
    found = (
        f"{signed(difference.value)} points of {what_is_asked(model)}, 95 % interval {signed(difference.low)} to "
        f"{signed(difference.high)}"
    )
    if verdict.answer in ("better", "worse"):
        doubt = "; the interval, one of all arms together, holds 0" if difference.low <= 0 <= difference.high else ""
        return (
            f"{found}: {verdict.answer} than {model.baseline} (p {_equals(difference)} after Holm's correction{doubt})."
        )
    if verdict.answer == "equivalent":
        return f"equivalent to {model.baseline} within {_margin(verdict)}: {found}."
    return (
        f"undecided: {found} (p {_equals(difference)} after Holm's correction); {_remedy(model, difference, verdict)}."
    )


def _remedy(model: ReportModel, difference: Difference, verdict: Verdict) -> str:
    """Return what would decide, or why nothing can be concluded."""
    if verdict.unfit is not None:
        return verdict.unfit
    tested = recordings_text(difference.recordings, difference.groups, model.groups_are)
    if verdict.seeds is not None and verdict.seeds > len(difference.seeds):
        return (
            f"with {verdict.seeds} seeds instead of {len(difference.seeds)}, on {tested}, a difference of {_margin(verdict)} "
            "would be shown in four studies out of five"
        )
    if verdict.seeds is not None:
        return f"a difference of {_margin(verdict)} would be shown in four such studies out of five"
    if verdict.detectable is not None and verdict.detectable < verdict.margin:
        return f"it would take more than {MOST_SEEDS} seeds to show a difference of {_margin(verdict)} on {tested}"
    return (
        f"no number of seeds would show one of {_margin(verdict)} in four studies out of five: on {tested} it takes "
        f"{points(verdict.detectable or 0.0)} points at least, so more recordings would decide it"
    )


def _margin(verdict: Verdict) -> str:
    margin = plain(round(100 * verdict.margin, 6))
    return f"{margin} point{'' if margin == '1' else 's'}"


def _why(model: ReportModel, arm: ArmSummary) -> str:
    if not arm.seeds:
        return "none of its seeds is confirmed yet"
    baseline = model.baseline_arm
    if not baseline.seeds:
        return "the baseline is not confirmed yet"
    if len(set(arm.seeds) & set(baseline.seeds)) < 2:
        return "it takes two seeds that both have"
    if model.groups == 1:
        return "all test recordings are of one group"
    return "the detections were not kept"


def _equals(difference: Difference) -> str:
    text = p_text(difference.p_holm)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"
