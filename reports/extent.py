"""How much of a study its budget is planned to pay for, in words."""

from __future__ import annotations

from crescendo.search_spaces.budgeting import Extent, asked
from crescendo.search_spaces.study import Study
from crescendo.trainables.plurals import counted


def extent_text(study: Study, extent: Extent) -> str:
    """Return how much of `study` is done, as `5 of 20 trials, 3 of 5 seeds an arm`."""
    whole = asked(study)
    parts = [
        f"{extent.trials} of {counted(whole.trials, 'trial')}",
        f"{extent.seeds} of {counted(whole.seeds, 'seed')} an arm",
    ]
    if whole.repeats > 1:
        parts.append(f"{extent.repeats} of {whole.repeats} repeats")
    if whole.finalists:
        parts.append("finalists" if extent.finalists else "no finalists")
    return ", ".join(parts)
