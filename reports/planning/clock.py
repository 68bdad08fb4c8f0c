"""How long a study takes, from what one training does: the one model of it, for `study plan`, `study validate` and a sweep."""

from __future__ import annotations

from crescendo.reports.planning.sources import Hours
from crescendo.search_spaces.cost import Cost


def clock(bill: Cost, hours: Hours) -> float:
    """Return the hours of all trainings of `bill`, one after the other, if each takes what `hours` says of one."""
    each = bill.iterations / bill.trainings / hours.iterations if hours.iterations else 1.0
    return each * ((bill.trials + bill.finalists) * hours.trial + bill.confirmations * hours.confirmation)


def hours_text(hours: float) -> str:
    """Return so many hours as a person says it: `40 s`, `12 min`, `5 h 20 min`, `31 h`."""
    seconds = round(3600 * hours)
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    whole, rest = divmod(minutes, 60)
    return f"{whole} h {rest} min" if whole < 10 and rest else f"{round(minutes / 60)} h"
