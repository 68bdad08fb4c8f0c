"""What changed between two versions of a study, and whether the second only adds to the first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from crescendo.search_spaces.arms import Arm, arms_of, baseline_of
from crescendo.search_spaces.schema.confirm import Budget
from crescendo.search_spaces.study import NEUTRAL, Study

BASELINE = "baseline"
"""Of what was changed late: no addition, but another arm that all are compared with."""


def differences(old: Study, new: Study) -> list[str]:
    """Return every difference that changes a trial or the question, as `search.trials: 4 -> 6`."""
    before, after = _content(old), _content(new)
    return [line for key in Study.model_fields if key not in NEUTRAL for line in _changes(key, before[key], after[key])]


def _content(study: Study) -> dict[str, Any]:
    """Return every key of `study` that matters; of data sets their names as folds, for they are known by their hashes."""
    content: dict[str, Any] = study.model_dump(mode="json")
    if study.search.finalists == 1:
        del content["search"]["finalist_seeds"]
    return {**content, "folds": study.decisive().get("folds")}


def extends(old: Study, new: Study) -> bool:
    """Tell whether `new` differs from `old` only by more trials, arms, seeds or repeats, or more hours of its budget."""
    arms = {arm.name: arm for arm in arms_of(new)}
    # What a model is belongs to the program, not to the study.
    before = arms_of(old.with_model_resets(new.model_resets))
    kept = all(arm.name in arms and _extended(arm, arms[arm.name]) for arm in before)
    return (
        kept
        and new.search.trials >= old.search.trials
        and set(new.confirm.every_seed) >= set(old.confirm.every_seed)
        and new.repeats >= old.repeats
        and all(now >= before for before, now in zip(_hours(old.budget), _hours(new.budget), strict=True))
        and new.question == old.question
        and _rest(old) == _rest(new)
    )


def added(old: Study, new: Study) -> tuple[str, ...]:
    """Return of what `new`, which extends `old`, has more for every arm (`seeds`, `trials`, `repeats`), or other (`baseline`)."""
    more = {
        "seeds": new.confirm.looks != old.confirm.looks,
        "trials": new.search.trials > old.search.trials,
        "repeats": new.repeats > old.repeats,
        "hours": new.budget != old.budget,
        BASELINE: baseline_of(new).name != baseline_of(old).name,
    }
    return tuple(name for name, is_more in more.items() if is_more)


def _hours(budget: Budget | None) -> tuple[float, float]:
    """Return the hours of the clock and of GPUs that a study may take."""
    limits = (None, None) if budget is None else (budget.hours, budget.gpu_hours)
    return (math.inf if limits[0] is None else limits[0], math.inf if limits[1] is None else limits[1])


def _extended(old: Arm, new: Arm) -> bool:
    """Tell whether an arm is the same but for more trials; `1` and `1.0` are the same setting."""
    return (old.ablated, old.settings, old.space, old.start, old.decode) == (
        new.ablated,
        new.settings,
        new.space,
        new.start,
        new.decode,
    )


def _rest(study: Study) -> dict[str, Any]:
    """Return what decides and is no part of an arm: arms are compared by themselves, each with its space and start values."""
    content = study.decisive()
    for key in ("trials", "space", "start"):
        content["search"].pop(key, None)
    for key in ("seeds", "until", "at_most"):
        content["confirm"].pop(key, None)
    return {key: value for key, value in content.items() if key not in ("ablate", "repeats", "budget")}


def _changes(key: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            yield from _changes(f"{key}.{name}", old.get(name), new.get(name))
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield f"{key}: {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, list):
        return f"[{', '.join(_shown(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_shown(one)}' for key, one in value.items() if one is not None)}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)
