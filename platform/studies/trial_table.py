"""A study's trials as tables that fit 80 columns, and as JSON."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.trial import TrialState
from rich.box import SIMPLE_HEAD
from rich.table import Table

from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.proposals import setting_key
from crescendo.platform.studies.recorded_trials import confirmed_runs
from crescendo.platform.studies.study_tables import in_percent, settings_text
from crescendo.platform.studies.study_trials import StudyTrials
from crescendo.platform.studies.workspace import TRIALS
from crescendo.platform.terminal_text import literal
from crescendo.search_spaces.arms import Arm, arms_of

_STATES = {
    TrialState.RUNNING: "unfinished",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped",
    TrialState.FAIL: "failed",
}


def trial_tables(trials: StudyTrials, output: Path) -> Iterator[Table | str]:
    """Yield a table for each arm, a row a trial, and what to know of them."""
    metric = trials.study.objective.metric
    yield f"{trials.study.name}: validation {metric} in percent; folders lie under {output / TRIALS}{os.sep}"
    marked = False
    for arm in arms_of(trials.study):
        best = max(confirmed_runs(trials, arm.name), key=lambda one: one.value or 0.0, default=None)
        marked |= best is not None
        yield _table(trials, arm, None if best is None else best.identity)
    if marked:
        there = shlex.quote(str(output))
        yield f"* the arm's best confirmed run, by validation: `crescendo export {there} DEST --arm ARM` takes it"


def trials_json(trials: StudyTrials, output: Path) -> list[dict[str, Any]]:
    """Return every trial; values are fractions of 1."""
    confirmed = {one.identity for arm in arms_of(trials.study) for one in confirmed_runs(trials, arm.name)}
    return [
        {
            "arm": entry.arm,
            "phase": entry.phase,
            "number": entry.number,
            "fold": entry.replicate.fold,
            "repeat": entry.replicate.repeat,
            "seed": entry.settings["seed"],
            "state": _STATES[entry.state],
            "value": entry.value,
            "confirmed": entry.identity in confirmed,
            "setting": {**_searched(trials, entry).values, **_searched(trials, entry).chosen},
            "metrics": dict(entry.metrics),
            "failures": list(entry.failures),
            "folder": str(output / TRIALS / entry.identity),
        }
        for entry in trials.everything()
    ]


def _table(trials: StudyTrials, arm: Arm, best: str | None) -> Table:
    folds = any(one.fold is not None for one in trials.replicates)
    repeats = trials.study.repeats > 1
    table = Table(title=literal(arm.name), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("phase", *(["fold"] if folds else []), *(["repeat"] if repeats else [])):
        table.add_column(name, no_wrap=name != "fold")
    for name in ("seed", "state", "value", "setting", "folder"):
        table.add_column(name, justify="right" if name in ("seed", "value") else "left", no_wrap=name != "setting")
    for entry in trials.everything():
        if entry.arm == arm.name:
            table.add_row(
                f"{entry.phase} {entry.number}",
                *([literal(entry.replicate.fold or "")] if folds else []),
                *([str(entry.replicate.repeat)] if repeats else []),
                str(entry.settings["seed"]),
                _STATES[entry.state],
                "" if entry.value is None else in_percent(entry.value),
                literal(_setting(trials, entry)),
                f"{entry.identity}{'*' if entry.identity == best else ''}",
            )
    return table


def _setting(trials: StudyTrials, entry: TrialRecord) -> str:
    """Return what a search trial tried, and what was chosen after it; of another, whose setting it has; why one failed."""
    if entry.state is TrialState.FAIL and entry.failures:
        return str(entry.failures[-1])
    searched = _searched(trials, entry)
    return settings_text(entry) if searched is entry else f"as search {searched.number}"


def _searched(trials: StudyTrials, entry: TrialRecord) -> TrialRecord:
    """Return the search trial with whose setting `entry` is trained again; of a search trial itself."""
    if entry.phase == "search":
        return entry
    searched = trials.entries(entry.arm, "search", entry.replicate)
    return next((one for one in searched if _again(one, entry)), entry)


def _again(searched: TrialRecord, entry: TrialRecord) -> bool:
    settings = {**searched.settings, **searched.chosen, "seed": entry.settings["seed"]}
    return setting_key(settings) == setting_key(entry.settings)
