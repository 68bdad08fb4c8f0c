"""What came out, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.estimates import Difference, Verdict
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import (
    margin_text,
    measure_name,
    p_text,
    percent,
    plain,
    range_text,
    says_nothing,
    signed,
)
from crescendo.reports.page.remedies import remedy
from crescendo.search_spaces.changes import BASELINE
from crescendo.trainables.plurals import counted

_CHOSEN = "holds for the settings that were chosen; the search's luck is not in it."
CHOSEN = f"It {_CHOSEN}"
"""What every answer leaves out where each arm is searched once."""


def sentences(model: ReportModel) -> list[tuple[str, str]]:
    """Return (arm, what came out of it with what certainty) for every arm but the baseline."""
    return [(arm.name, _sentence(model, arm)) for arm in model.arms if not arm.baseline]


def opening(model: ReportModel) -> str:
    """Return the report's first words: what the baseline reaches, and what came out against it; empty if it has no run."""
    reached = model.baseline_arm.detection.get(model.headline_key)
    if reached is None:
        return ""
    low, high = reached.low, reached.high
    spread = "" if low is None or high is None else f" (95 % interval over {_over(model)} {range_text(low, high)})"
    return (
        f"{untested(model)} The baseline {model.baseline} reaches a {model.scored} {measure_name(model.headline)} of "
        f"{100 * reached.mean:.1f} %{spread}. {summary(model)}"
    ).strip()


def _over(model: ReportModel) -> str:
    """Return what an arm's own mean, and its interval, is over."""
    confirmed = [one for one in model.baseline_arm.replicates if one.seeds]
    if len({one.fold for one in confirmed}) > 1:
        return "folds"
    return "searches" if len({one.repeat for one in confirmed}) > 1 else "seeds"


def untested(model: ReportModel) -> str:
    """Return that nothing was tested, and why; empty if something was."""
    return "" if model.untested is None else f"Nothing was tested: {model.untested}."


def summary(model: ReportModel) -> str:
    """Return in a sentence or two how many arms are better, worse, equivalent and undecided; empty if none is compared."""
    listed = answers_text(model)
    if not listed:
        return ""
    asked = f"{what_is_asked(model)}, the one question that was chosen beforehand,"
    return " ".join(filter(None, [f"Against it, in {asked} {listed}.", scope(model), _looks(model), late(model)]))


def headline(model: ReportModel) -> tuple[str, str]:
    """Return the answer in a line, and what must be known with it: what its sentence ends with, and what was added late."""
    listed = answers_text(model)
    if not listed:
        reached = any(arm.detection for arm in model.arms)
        return "No answer yet: no arm is compared." if reached else "Nothing yet: no arm has a confirmed run.", ""
    limits = _limits(model)
    end, told = (",", f"which {limits}") if limits else (".", "")
    return f"{listed[0].upper()}{listed[1:]}{end}", " ".join(filter(None, [told, late(model)]))


def answers_text(model: ReportModel) -> str:
    """Return how many arms got which answer: `1 arm is better and 2 arms are undecided`; empty if none is compared."""
    answers = Counter(one.answer for one in _verdicts(model))
    said = [
        f"{counted(answers[answer], 'arm')} {'is' if answers[answer] == 1 else 'are'} {answer}"
        for answer in ("better", "worse", "equivalent", "undecided")
        if answers[answer]
    ]
    return " and ".join([*filter(None, [", ".join(said[:-1])]), *said[-1:]])


def not_asked(model: ReportModel) -> str:
    """Return what is found in what the study does not ask about, detection or early detection; empty if it is not compared."""
    early = model.primary == "detection"
    found = {
        arm.name: one
        for arm in model.arms
        if (one := (arm.early_difference if early else arm.difference).get(model.headline)) is not None
    }
    if not found:
        return ""
    what = (
        f"early detection ({percent(model.early_fraction or '')} observed)"
        if early
        else "detection of whole activities"
    )
    sides = {
        "above": [name for name, one in found.items() if one.low > 0 and one.standard_error > 0],
        "below": [name for name, one in found.items() if one.high < 0 and one.standard_error > 0],
    }
    told = [f"{side} 0 of {', '.join(names)}" for side, names in sides.items() if names]
    lies = f"the interval lies {' and '.join(told)}" if told else "no arm's interval lies above or below 0"
    return f"Not asked, and so without p, stars or an answer: in {what}, {lies}. So it is with every other column: exploration."


def scope(model: ReportModel) -> str:
    """Return what the answers hold for: what they varied over, and what they did not."""
    folds, repeats = _searched(model)
    if folds == repeats == 1:
        return CHOSEN
    searched = f"{repeats} times" if repeats > 1 else "anew"
    if folds == 1:
        return f"Each arm was searched {searched}, so the search's luck is in it; it {_limits(model)}"
    return (
        f"Each arm was searched {searched} in each of {folds} folds, so the search's luck is in it; what the folds' training "
        "recordings have in common is not."
    )


def _searched(model: ReportModel) -> tuple[int, int]:
    """Return in how many folds, and how often in each, every arm that has an answer was searched."""
    asked = [one for arm in model.arms if (one := model.asked(arm)) is not None and one.verdict is not None]
    return min(max(1, len(one.folds)) for one in asked), min(one.repeats for one in asked)


def _limits(model: ReportModel) -> str:
    """Return what the answers hold for where the study has one division, as the end of a sentence; else nothing."""
    folds, repeats = _searched(model)
    if folds > 1:
        return ""
    return _CHOSEN if repeats == 1 else f"holds for this division into training and {model.scored} recordings."


def _looks(model: ReportModel) -> str:
    if not model.looks:
        return ""
    *before, last = (str(look.seeds) for look in model.looks)
    listed = f"{', '.join(before)} and {last}" if before else last
    if late(model):
        return f"By the study as it is now, the arms are compared with {listed} seeds; before, they were with others."
    return f"The arms were compared with {listed} seeds, as planned; the looks share the 5 % of error."


def late(model: ReportModel) -> str:
    """Return that something was added, or changed, after somebody may have looked; empty if nothing was."""
    added = " and ".join(one for one in model.added_late if one != BASELINE)
    said = [f"{added} added"] if added else []
    said += ["the baseline changed"] if BASELINE in model.added_late else []
    told = " and ".join(said)
    return f"{told[0].upper()}{told[1:]} after looking: p no longer holds." if told else ""


def what_is_asked(model: ReportModel) -> str:
    """Return what the study asks about: `mAP at IoU 0.5`, `mAP at IoU 0.5 of early detection`."""
    return f"{measure_name(model.headline)}{' of early detection' if model.primary == 'early' else ''}"


def answers(model: ReportModel) -> dict[str, str]:
    """Return arm -> its answer in words, of undecided ones with what would decide them: `equivalent within 1 point`."""
    found = {arm.name: one for arm in model.arms if (one := model.asked(arm)) is not None}
    return {name: _answer(model, one, one.verdict) for name, one in found.items() if one.verdict is not None}


def _answer(model: ReportModel, difference: Difference, verdict: Verdict) -> str:
    if verdict.answer == "equivalent":
        return f"equivalent within {margin_text(verdict.margin)}"
    if verdict.answer == "undecided":
        return f"undecided: {remedy(difference, verdict, model.groups_are)}"
    return verdict.answer


def _verdicts(model: ReportModel) -> Iterator[Verdict]:
    for arm in model.arms:
        asked = model.asked(arm)
        if asked is not None and asked.verdict is not None:
            yield asked.verdict


def _sentence(model: ReportModel, arm: ArmSummary) -> str:
    difference = model.asked(arm)
    if difference is None or difference.verdict is None:
        return f"not compared with {model.baseline}: {why_not_compared(model, arm)}."
    verdict = difference.verdict
    level = plain(round(100 - 100 * difference.level, 2))
    interval = f"{signed(difference.low)} to {signed(difference.high)}"
    if says_nothing(difference.low, difference.high, sign=True):
        interval = "so wide that it says nothing"
    most = max(one.seeds_each for other in model.arms if (one := model.asked(other)) is not None)
    shared = f" with {counted(difference.seeds_each, 'seed')}" if difference.seeds_each < most else ""
    found = f"{signed(difference.value)} points of {what_is_asked(model)}{shared}, {level} % interval {interval}"
    p = f"p {probability_text(difference)}, adjusted over the arms{' and looks' if model.looks else ''}"
    if verdict.answer in ("better", "worse"):
        return f"{found}: {verdict.answer} than {model.baseline} ({p})."
    if verdict.answer == "equivalent":
        return f"equivalent to {model.baseline} within {margin_text(verdict.margin)}: {found}."
    return f"undecided: {found} ({p}); {remedy(difference, verdict, model.groups_are)}."


def why_not_compared(model: ReportModel, arm: ArmSummary) -> str:
    """Return why an arm has no difference to the baseline."""
    if not arm.seeds:
        return "none of its seeds is confirmed yet"
    baseline = model.baseline_arm
    if not baseline.seeds:
        return "the baseline is not confirmed yet"
    if len(set(arm.seeds) & set(baseline.seeds)) < 2:
        return "it takes two seeds that both have"
    if model.groups == 1:
        return f"all {model.scored} recordings are of one group"
    return "the detections were not kept"


def probability_text(difference: Difference) -> str:
    """Return the adjusted p of a difference as it stands behind `p`: `= 0.370`, `< 0.001`."""
    text = p_text(difference.p_adjusted)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"
