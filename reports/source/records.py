"""What MLflow's records of a study say, in the report's words."""

from __future__ import annotations

import json
from typing import Any

from crescendo.reports.source.runs import Run


def value_of(text: str) -> Any:
    """Return what a parameter or tag says: JSON where it is, the text where it is not."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def tags_of(raw: Any) -> dict[str, str]:
    """Return a run's tags of Crescendo's, without their prefix."""
    prefix = "crescendo."
    return {key.removeprefix(prefix): value for key, value in raw.data.tags.items() if key.startswith(prefix)}


def settings_of(parent: Any) -> dict[str, Any]:
    """Return the study as its file nests it; of an extended one, as it is now."""
    changed = {
        key.removeprefix("changed."): value for key, value in tags_of(parent).items() if key.startswith("changed.")
    }
    nested: dict[str, Any] = {}
    for key, value in sorted({**parent.data.params, **changed}.items()):
        *path, last = key.split(".")
        place = nested
        for part in path:
            inner = place.setdefault(part, {})
            place = inner if isinstance(inner, dict) else place
        place[last] = value_of(value)
    return nested


def run_of(raw: Any) -> Run:
    """Return MLflow's run as a trial."""
    tags = raw.data.tags
    state, reason = state_of(raw)
    number = raw.info.run_name.rpartition(" ")[2]
    seconds = raw.data.metrics.get("seconds")
    if not seconds and raw.info.end_time:
        seconds = (raw.info.end_time - raw.info.start_time) / 1000
    seed = value_of(tags.get("crescendo.seed", "none"))
    return Run(
        id=raw.info.run_id,
        arm=tags.get("crescendo.arm", ""),
        phase=tags.get("crescendo.phase", ""),
        number=int(number) if number.isdigit() else 0,
        seed=seed if isinstance(seed, int) else None,
        state=state,
        reason=reason,
        settings={key: value_of(value) for key, value in raw.data.params.items()},
        metrics=dict(raw.data.metrics),
        seconds=seconds or None,
    )


def state_of(raw: Any) -> tuple[str, str | None]:
    """Return a run's state and, where it has one, the reason for it."""
    reason = raw.data.tags.get("crescendo.reason")
    match raw.info.status:
        case "FINISHED":
            return "finished", None
        case "FAILED":
            return "failed", reason
        case "KILLED":
            return ("pruned" if (reason or "").startswith("pruned") else "interrupted"), reason
        case _:
            return "running", None


def unfinished(status: str, reason: str | None) -> str:
    """Return the sentence that says how a study stands that has not finished."""
    if status == "running":
        return "The study is running, or was killed: this is what it has come to so far."
    if status == "failed":
        return f"The study stopped{f' ({reason})' if reason else ''}: this is what it had come to."
    return "The study was interrupted: this is what it had come to."


def provenance_of(runs: list[Any]) -> dict[str, tuple[str, ...]]:
    """Return every value that the runs have of commit, versions, device and data set hash."""
    found: dict[str, set[str]] = {}
    for raw in runs:
        for key, value in tags_of(raw).items():
            if key.startswith(("git.", "version.")) or key in ("device", "dataset_hash"):
                found.setdefault(key, set()).add(value)
    return {key: tuple(sorted(found[key])) for key in sorted(found)}


def listed_arms(parent: Any) -> list[str]:
    """Return the names of the study's arms, in its order, as its run has them."""
    listed = value_of(tags_of(parent).get("arms", "[]"))
    return [str(name) for name in listed] if isinstance(listed, list) else []
