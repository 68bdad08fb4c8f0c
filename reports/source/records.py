"""What MLflow's records of runs say, in the report's words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from crescendo.reports.source.runs import TrialRun
from crescendo.search_spaces.replicates import FOLD_TAG, REPEAT_TAG, Replicate

EXPECTED_END = "expected_end"
"""Tag of a study's run, after `crescendo.`: when its sweep is likely to end, as that said it last, in ISO 8601."""


def value_of(text: str) -> Any:
    """Return what a parameter or tag says: JSON where it is, the text where it is not."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def tags_of(run: Any) -> dict[str, str]:
    """Return a run's tags of Crescendo's, without their prefix."""
    prefix = "crescendo."
    return {key.removeprefix(prefix): value for key, value in run.data.tags.items() if key.startswith(prefix)}


def trial_run(run: Any) -> TrialRun:
    """Return MLflow's run as that of a trial."""
    tags = tags_of(run)
    state, reason = state_of(run)
    number = run.info.run_name.rpartition(" ")[2]
    seconds = run.data.metrics.get("seconds")
    if not seconds and run.info.end_time:
        seconds = (run.info.end_time - run.info.start_time) / 1000
    seed = value_of(tags.get("seed", "none"))
    return TrialRun(
        id=run.info.run_id,
        arm=tags.get("arm", ""),
        phase=tags.get("phase", ""),
        number=int(number) if number.isdecimal() else 0,
        seed=seed if isinstance(seed, int) else None,
        state=state,
        reason=reason,
        settings={key: value_of(value) for key, value in run.data.params.items()},
        metrics=dict(run.data.metrics),
        seconds=seconds or None,
        replicate=_replicate(run.data.tags),
    )


def moments(runs: Iterable[Any]) -> list[float]:
    """Return when these runs began and ended, as far as it is known, in seconds since 1970."""
    return [one / 1000 for run in runs for one in (run.info.start_time, run.info.end_time) if one]


def expected_end(tags: Mapping[str, str]) -> float | None:
    """Return when the sweep is likely to end, by a study's tags, in seconds since 1970; None where they do not tell."""
    try:
        return datetime.fromisoformat(tags[EXPECTED_END]).timestamp()
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _replicate(tags: Mapping[str, str]) -> Replicate:
    """Return the fold and repeat that a run's tags name; a study with neither tags none."""
    repeat = tags.get(REPEAT_TAG, "1")
    return Replicate(tags.get(FOLD_TAG), int(repeat) if repeat.isdecimal() else 1)


def state_of(run: Any) -> tuple[str, str | None]:
    """Return a run's state and, where it has one, the reason for it."""
    reason = run.data.tags.get("crescendo.reason")
    match run.info.status:
        case "FINISHED":
            return "finished", None
        case "FAILED":
            return "failed", reason
        case "KILLED":
            return ("pruned" if (reason or "").startswith("pruned") else "interrupted"), reason
        case _:
            return "running", None


def unfinished(status: str, reason: str | None, *, works: bool | None) -> str:
    """Return the sentence that says how a study stands that has not finished; `works` as in `StudyRuns`."""
    if works:
        return "The study is running: this is what it has come to so far."
    if status == "running":
        how = "is running, or was killed" if works is None else "was killed, as far as this machine can tell"
        return f"The study {how}: this is what it has come to so far."
    if status == "failed":
        return f"The study stopped{f' ({reason})' if reason else ''}: this is what it had come to."
    return "The study was interrupted: this is what it had come to."


def provenance_of(runs: list[Any]) -> dict[str, tuple[str, ...]]:
    """Return every value that the runs have of commit, versions, device and data set hash."""
    values: dict[str, set[str]] = {}
    for run in runs:
        for key, value in tags_of(run).items():
            if key.startswith(("git.", "version.")) or key in ("device", "dataset_hash"):
                values.setdefault(key, set()).add(value)
    return {key: tuple(sorted(values[key])) for key in sorted(values)}
