"""What was found, in sentences that follow by rule from the studies' verdicts and intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from findings_study import CONTROLS, RANKING, RIVALS, STUDIES, Arm, Finished

from crescendo.reports.analysis.estimates import Difference, Estimate
from crescendo.reports.analysis.statistics import mean_interval
from crescendo.reports.formatting import margin_text, points, signed
from crescendo.reports.page.remedies import remedy

BASELINE = "cross entropy alone"
DEEDS = {
    "weighted": "more weight on activities",
    "confident": "more confidence",
    "smoothing": "smoother scores",
}
"""What a control does, which could be all that a ranking loss does."""
_ANSWERS = ("better", "worse", "equivalent", "undecided")
_FEWEST_FOLDS = 3
"""That two arms are compared directly with."""
_NOISE = 1e-12
"""What rounding leaves where nothing varies."""


def finding(studies: Sequence[Finished]) -> str:
    """Return the main finding in two sentences: what the ranking losses do on each data set, and what to make of it."""
    if not studies:
        return f"The {_which_have(studies)} not finished. So there is no finding yet."
    alike: dict[str, list[str]] = {}
    for study in studies:
        alike.setdefault(_on_one(study), []).append(study.data)
    clauses = "; ".join(f"on {listed(data)} {said}" for said, data in alike.items())
    decided = any(arm.answer in ("better", "worse") for study in studies for arm in study.of(RANKING))
    measure = " (mAP at IoU 0.5, with 95 % intervals)" if decided else ""
    first = f"Of the four losses that make the score rise, {clauses}{measure}."
    waiting = unfinished(studies)
    them = "it" if len(waiting) == 1 else "them"
    rest = f"; the {_which_have(studies)} not finished, so of {them} there is no finding" if waiting else ""
    return f"{first} {_what_to_make_of_it(studies)}{rest}."


def unfinished(studies: Sequence[Finished]) -> list[str]:
    """Return the data sets whose studies have not finished."""
    return [data for data in STUDIES.values() if data not in {study.data for study in studies}]


def _which_have(studies: Sequence[Finished]) -> str:
    waiting = unfinished(studies)
    return f"stud{'y' if len(waiting) == 1 else 'ies'} on {listed(waiting)} {'has' if len(waiting) == 1 else 'have'}"


def _on_one(study: Finished) -> str:
    """Return what the ranking losses do on one data set."""
    by = _by_answer(study.of(RANKING))
    better, worse, equivalent, undecided = (by[answer] for answer in _ANSWERS)
    if not (better or worse or undecided):
        return f"all are equivalent to {BASELINE} within {margin_text(equivalent[0].verdict.margin)}"
    if better:
        told = [f"{with_intervals(better)} {'detects' if len(better) == 1 else 'detect'} better than {BASELINE}"]
    else:
        told = [f"none is shown to detect better{'' if worse else ' or worse'} than {BASELINE}"]
    if worse:
        told.append(f"{with_intervals(worse)} {'detects' if len(worse) == 1 else 'detect'} worse")
    if equivalent:
        told.append(
            f"{named(equivalent)} {_is(equivalent)} equivalent to it within {margin_text(equivalent[0].verdict.margin)}"
        )
    if undecided and (better or worse):
        told.append(f"{named(undecided)} {_is(undecided)} undecided")
    return listed(told)


def _what_to_make_of_it(studies: Sequence[Finished]) -> str:
    """Return whether gains are larger than the controls'; without gains, how small ones would have been shown."""
    better = [(study, arm) for study in studies for arm in study.of(RANKING) if arm.answer == "better"]
    if not better:
        return _sensitivity(studies)
    like = [(study.data, arm, _not_below(arm, study.of(CONTROLS))) for study, arm in better]
    clear = [f"`{arm.variant}` gains more than every control on {data}" for data, arm, others in like if not others]
    doubts = [
        f"`{arm.variant}` gains more than {named(others, 'or')} on {data}" for data, arm, others in like if others
    ]
    told = []
    if clear:
        deeds = listed(list(DEEDS.values()), "or")
        told.append(f"{listed(clear)}, so {deeds} alone would not explain it")
    if doubts:
        told.append(f"it is not shown that {', or that '.join(doubts)}, so progression need not be the reason")
    return f"Compared directly, as exploration, {'; '.join(told)}"


def _sensitivity(studies: Sequence[Finished]) -> str:
    """Return the differences that would have been shown, where some arm is undecided; else, that gains are ruled out."""
    open_ = [study for study in studies if _by_answer(study.of(RANKING))["undecided"]]
    if not open_:
        return f"Gains of {margin_text(studies[0].of(RANKING)[0].verdict.margin)} or more are ruled out"
    sizes = [
        f"{points(max(arm.difference.detectable for arm in study.of(RANKING)))} points on {study.data}"
        for study in open_
    ]
    return f"A true difference of {listed(sizes)} would have been shown in four studies of five, a smaller one may be there"


def _not_below(arm: Arm, others: Sequence[Arm]) -> list[Arm]:
    """Return those of `others` that `arm` is not shown to gain more than."""
    return [other for other in others if (one := direct(arm, other)) is None or one.low is None or one.low <= 0]


def direct(arm: Arm, other: Arm) -> Estimate | None:
    """Return the difference of two arms with its interval by Student's t over the folds.

    None with fewer than three folds, or where nothing varies, which tells nothing of how much it could. Both differences to
    the baseline are paired, so in each fold the one less the other is that of the two arms.
    """
    shared = [fold for fold in arm.difference.folds if fold in other.difference.folds]
    found = [arm.difference.folds[fold] - other.difference.folds[fold] for fold in shared]
    return mean_interval(found) if len(found) >= _FEWEST_FOLDS and max(found) - min(found) > _NOISE else None


def answers(study: Finished) -> Iterator[str]:
    """Yield what came of the ranking losses on a data set, and what would decide those that are undecided."""
    for answer, arms in _by_answer(study.of(RANKING)).items():
        if arms:
            to = {"equivalent": f" to {BASELINE} within {margin_text(arms[0].verdict.margin)}", "undecided": ""}
            yield f"{with_intervals(arms)} {_is(arms)} {answer}{to.get(answer, f' than {BASELINE}')}."
    yield from _what_would_decide(study, _by_answer(study.of(RANKING))["undecided"])


def _what_would_decide(study: Finished, arms: Sequence[Arm]) -> Iterator[str]:
    """Yield what would decide the undecided arms, those that lack the same together, as much as would do for each of them."""
    lacking: dict[tuple[object, ...], list[Arm]] = {}
    for arm in arms:
        found = arm.verdict
        others = tuple(one is None for one in (found.seeds, found.repeats, found.groups))
        enough = found.seeds is not None and found.seeds <= arm.difference.seeds_each
        by_seeds = found.detectable is not None and found.detectable < found.margin
        lacking.setdefault((found.unfit, *others, enough, by_seeds), []).append(arm)
    for alike in lacking.values():
        most = {
            name: max((one for arm in alike if (one := getattr(arm.verdict, name)) is not None), default=None)
            for name in ("seeds", "repeats", "groups", "detectable")
        }
        what = remedy(alike[0].difference, replace(alike[0].verdict, **most), study.groups_are)
        yield f"What would decide {named(alike)}: {what}."


def agreement(studies: Sequence[Finished]) -> Iterator[str]:
    """Yield what of the ranking losses holds on several data sets, and what does not."""
    for variant in RANKING:
        of: dict[str, list[str]] = {}
        found = {study.data: arm.answer for study in studies for arm in study.of((variant,))}
        for data, answer in found.items():
            of.setdefault(answer, []).append(data)
        told = listed([f"{answer} on {listed(data)}" for answer, data in of.items()])
        if len(found) > 1:
            mixed = ": what it does depends on the data" if {"better", "worse"} <= of.keys() else ""
            yield f"`{variant}` is {told}{' alike' if len(of) == 1 else ''}{mixed}."


def controls(study: Finished) -> Iterator[str]:
    """Yield what controls and rivals say about the cause of what the ranking losses do on a data set."""
    decided = [arm for arm in study.of(RANKING) if arm.answer in ("better", "worse")]
    for arm in decided:
        yield from _beside(arm, study.of(CONTROLS), explains=True)
        yield from _beside(arm, study.of(RIVALS), explains=False)
    if not decided:
        yield "No ranking loss is shown to change detection, so there is nothing whose cause the controls could tell."
    others = _by_answer(study.of(CONTROLS + RIVALS))
    for answer in ("better", "worse"):
        if arms := others[answer]:
            yield f"Of the controls and rivals {with_intervals(arms)} {_is(arms)} {answer} than {BASELINE}."
    if not (others["better"] or others["worse"]):
        yield f"No control or rival is shown to be better or worse than {BASELINE}."


def _beside(arm: Arm, others: Sequence[Arm], *, explains: bool) -> Iterator[str]:
    """Yield which of the others an arm that is better or worse can be told apart from; `explains`: and what follows of it."""
    better = arm.answer == "better"
    gain, more, fewer = ("gain", "gains more", "gains less") if better else ("harm", "does worse", "does less harm")
    beyond, alike, less, never = [], [], [], []
    for other in others:
        one = direct(arm, other)
        if one is None or one.low is None or one.high is None:
            never.append(other)
        elif one.low <= 0 <= one.high:
            alike.append(other)
        else:
            (beyond if (one.mean > 0) == better else less).append(other)
    name = f"`{arm.variant}`"
    if beyond:
        then = f", so {_deeds(beyond)} alone would not explain its {gain}" if explains else ""
        yield f"{name} {more} than {_directly(arm, beyond)}{then}."
    if alike:
        then = f", so its {gain} may be that of {_deeds(alike)}, not progression's" if explains else ""
        yield f"{name} cannot be told apart from {_directly(arm, alike)}{then}."
    if less:
        then = f", so {_deeds(less)} can do more without progression" if explains else ""
        yield f"{name} {fewer} than {_directly(arm, less)}{then}."
    if never:
        yield f"{name} is not compared directly with {named(never)}: it takes three folds, and that something varies."


def _directly(arm: Arm, others: Sequence[Arm]) -> str:
    pairs = [(other, direct(arm, other)) for other in others]
    return listed([f"`{other.variant}` ({interval(one)})" for other, one in pairs if one is not None])


def _deeds(arms: Sequence[Arm]) -> str:
    return listed([DEEDS[arm.variant] for arm in arms], "or")


def early(study: Finished) -> str:
    """Return on which side of 0 the intervals of early detection lie, which is exploration."""
    above, below = [arm for arm in study.arms if arm.early.low > 0], [arm for arm in study.arms if arm.early.high < 0]
    told = [
        f"{side} 0 with {with_intervals(arms, early=True)}"
        for side, arms in (("above", above), ("below", below))
        if arms
    ]
    return f"The interval lies {listed(told)}." if told else "No arm's interval lies above or below 0."


def with_intervals(arms: Sequence[Arm], *, early: bool = False) -> str:
    """Return arms with their differences and intervals."""
    return listed([f"`{arm.variant}` ({interval(arm.early if early else arm.difference)})" for arm in arms])


def interval(one: Difference | Estimate) -> str:
    """Return a difference with its interval: `+2.1 points, 0.4 to 3.8`."""
    value = one.value if isinstance(one, Difference) else one.mean
    if one.low is None or one.high is None:
        return f"{signed(value)} points"
    return f"{signed(value)} points, {signed(one.low)} to {signed(one.high)}"


def named(arms: Sequence[Arm], last: str = "and") -> str:
    """Return the names of arms."""
    return listed([f"`{arm.variant}`" for arm in arms], last)


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words one after another: `a, b and c`."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def _by_answer(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
    return {answer: [arm for arm in arms if arm.answer == answer] for answer in _ANSWERS}


def _is(arms: Sequence[Arm]) -> str:
    return "is" if len(arms) == 1 else "are"
