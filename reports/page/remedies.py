"""What would decide what is undecided, in words."""

from __future__ import annotations

from crescendo.reports.analysis.estimates import Difference, Verdict
from crescendo.reports.analysis.planning import MOST_REPEATS, MOST_SEEDS, MOST_TIMES
from crescendo.reports.formatting import margin_text, points, recordings_text, resampled_text, untold_text


def remedy(difference: Difference, verdict: Verdict, groups_are: str) -> str:
    """Return what would decide an undecided arm, or why nothing can be concluded; `groups_are`: what groups are called."""
    if verdict.unfit is not None:
        return verdict.unfit
    return _remedy(difference, verdict, groups_are) + _not_told(difference, groups_are)


def _not_told(difference: Difference, groups_are: str) -> str:
    alone = difference.groups <= len(difference.folds)
    return f" ({untold_text(difference.groups, groups_are)})" if alone else ""


def _remedy(difference: Difference, verdict: Verdict, groups_are: str) -> str:
    tested = recordings_text(difference.recordings, difference.groups, groups_are)
    margin, now = margin_text(verdict.margin), difference.seeds_each
    if verdict.seeds is not None and verdict.seeds <= now:
        return f"a difference of {margin} would be shown in four such studies out of five"
    others = _more_of_others(difference, verdict, groups_are)
    if verdict.seeds is not None:
        seeds = f"{verdict.seeds} seeds{' a search' if _searches(difference) > 1 else ''} instead of {now}, on {tested}"
        ways = ", or with ".join([seeds, *others])
        return f"with {ways}, a difference of {margin} would be shown in four studies out of five"
    if verdict.detectable is not None and verdict.detectable < verdict.margin:
        also = f"; {' or '.join(others)} would" if others else ""
        return f"it would take more than {MOST_SEEDS} seeds to show a difference of {margin} on {tested}{also}"
    if others:
        then = f"so {' or '.join(others)} would decide it"
    else:
        searches = f"{MOST_REPEATS} searches of each arm{_each(difference)} or " if _searches(difference) > 1 else ""
        then = f"and {searches}{MOST_TIMES} times the recordings would not do alone"
    return (
        f"no number of seeds would show a difference of {margin} in four studies out of five: on {tested} it takes "
        f"{points(verdict.detectable or 0.0)} points at least, {then}"
    )


def _searches(difference: Difference) -> int:
    return max(1, len(difference.folds)) * difference.repeats


def _more_of_others(difference: Difference, verdict: Verdict, groups_are: str) -> list[str]:
    """Return how many searches, and how many recordings, would do instead of more seeds."""
    ways = []
    if verdict.repeats is not None and verdict.repeats > difference.repeats:
        ways.append(f"{verdict.repeats} searches of each arm{_each(difference)} instead of {difference.repeats}")
    if verdict.groups is not None and verdict.groups > difference.groups:
        what = resampled_text(difference.recordings, difference.groups, groups_are)
        ways.append(f"{verdict.groups} {what} instead of {difference.groups}")
    return ways


def _each(difference: Difference) -> str:
    return " in each fold" if difference.folds else ""
