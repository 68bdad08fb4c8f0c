"""A plan in words, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from crescendo.reports.planning.clock import hours_text
from crescendo.reports.planning.plan import Plan, Planned
from crescendo.reports.planning.sources import Sources
from crescendo.trainables.plurals import agreeing, counted

_WIDTH, _LABEL = 80, 14


def lines_of(plan: Plan, better: tuple[str, ...], half: tuple[str, ...]) -> Iterator[str]:
    """Yield the plan line by line; `better` and `half` are the changes (`--set`) that make the designs it names."""
    sources = plan.sources
    yield f"{plan.study}: {counted(plan.compared + 1, 'arm')}, {sources.measure} in {_asked(sources)}"
    yield from _entry("measured", _measured(sources))
    yield from _entry("varies", _varies(sources))
    if plan.untold is not None:
        yield from _entry("not told", f"{plan.untold}.")
    if plan.hours is None:
        yield from _entry("hours", "not known; name --dataset or --from")
    yield from _entry("as written", *_planned(plan.written))
    yield from _entry("half of it", *(_planned(plan.half, half) if plan.half else [_no_half(plan)]))
    yield from _entry(f"{plan.detect:g} {agreeing(plan.detect, 'point', 'points')}", *_wanted(plan, better))


def _asked(sources: Sources) -> str:
    return "early detection" if sources.primary == "early" else "detection"


def _entry(label: str, *sentences: str) -> Iterator[str]:
    first = f"  {label}".ljust(_LABEL)
    for sentence in sentences:
        filled = textwrap.wrap(sentence, _WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False)
        for line in filled:
            yield f"{first}{line}"
            first = " " * _LABEL


def _measured(sources: Sources) -> str:
    groups = sum(sources.groups)
    layout = f"{sources.folds} folds" if sources.folds > 1 else "one split"
    again = "" if sources.finalists == 1 else f" and {counted(sources.finalists, 'finalist')}"
    repeats = counted(sources.repeats, "search")
    return (
        f"by {sources.study} on {sources.dataset}: {layout}, {counted(groups, 'group', sources.groups_are)} tested, {repeats} of "
        f"each arm{' a fold' if sources.folds > 1 else ''} with {counted(sources.trials, 'trial')}{again}, "
        f"{counted(sources.seeds, 'seed')} each"
    )


def _varies(sources: Sources) -> str:
    spread, settings = sources.spread, sources.settings
    parts = [f"{spread.group:.1f} points between {sources.groups_are}"]
    if spread.search is not None:
        parts.append(f"{spread.search:.1f} between searches")
    parts.append(f"{spread.seed:.1f} between seeds")
    parts.append(f"{spread.together:.1f} by {'search' if sources.repeats > 1 else 'seed'} and group together")
    if spread.fold:
        parts.append(f"{spread.fold:.1f} by what a fold is trained on")
    text = f"a difference of two arms, by standard deviation: {', '.join(parts)}"
    if settings is None:
        return f"{text}; how settings spread is not known, so trials stay as they are written"
    return f"{text}; one trial's validation value {settings.noise:.1f} around the quality of its setting"


def _planned(planned: Planned, changes: tuple[str, ...] = ()) -> Iterator[str]:
    kinds = [counted(planned.trials, "trial")]
    if planned.finalists:
        kinds.append(counted(planned.finalists, "finalist's training", "finalists' trainings"))
    kinds.append(counted(planned.confirmations, "confirmation"))
    hours = "" if planned.hours is None else f"; {hours_text(planned.hours)}, one after the other"
    yield f"{counted(planned.trainings, 'training')}: {', '.join(kinds)}{hours}."
    yield _seen(planned)
    if changes:
        yield " ".join(["With", *(f"--set '{one}'" if " " in one else f"--set {one}" for one in changes)])


def _seen(planned: Planned) -> str:
    found = planned.outlook
    if planned.refused is not None:
        return f"No answer would come of it: {planned.refused}."
    if found is None:
        return "What it would show is not known: neither is how many groups of recordings are tested."
    text = f"Shows a difference of {found.detectable:.1f} points with a probability of 80 %"
    if found.reported < found.detectable:
        text += f" (its report will say {found.reported:.1f}, since one search does not show its own luck)"
    if found.luck is not None:
        text += f"; the settings chosen are {found.luck.short:.1f} points below the best there are, on average"
    return f"{text}."


def _no_half(plan: Plan) -> str:
    where = "" if plan.written.design.folds is None else " in these folds"
    return f"{counted(plan.written.trainings // 2, 'training is', 'trainings are')} too few for an answer{where}."


def _wanted(plan: Plan, changes: tuple[str, ...]) -> Iterator[str]:
    are, groups = plan.sources.groups_are, plan.groups or 0
    if plan.untold is not None:
        yield "No design is named: it would rest on what is not told."
    elif plan.reaching is not None:
        yield from _planned(plan.reaching, changes)
    elif plan.wanted is not None:
        yield (
            f"No number of trainings shows them: the recordings are the limit. Any number would show {plan.limit:.1f} points on "
            f"{agreeing(groups, 'this', 'these')} {counted(groups, 'group', are)}; it takes about {plan.wanted:,} of "
            "them."
        )
    else:
        yield "More trainings than anybody pays for (2,000 an arm) do not show them."
