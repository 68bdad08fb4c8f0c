"""A study's runs as the report sees them; `reading` fetches them from MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crescendo.reports.source.artifacts import Outputs

STATES = ("finished", "pruned", "failed", "interrupted", "running")
# What may differ between a search trial and the confirmation of its setting.
_NOT_COMPARED = {"seed", "merge_gap", "reset", "device", "threads"}


@dataclass(frozen=True)
class Run:
    """One trial as MLflow has it: its settings (parameters, read as JSON), the last values of its metrics.

    `seconds` is how long it ran, all its starts together; None where MLflow was not told.
    """

    id: str
    arm: str
    phase: str
    number: int
    seed: int | None
    state: str
    reason: str | None
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    seconds: float | None

    @property
    def objective(self) -> float | None:
        """Its last validation value."""
        return self.metrics.get("objective")


@dataclass(frozen=True)
class ArmRuns:
    """The runs of one arm.

    Attributes
    ----------
    search, confirm
        All its runs, by number.
    confirmed
        Those that finished with the best setting, by seed: what the report is about.
    outputs
        Seed -> what the confirmed run left.
    gap_curve
        (merge gap, objective) of the best trial.
    """

    name: str
    search: tuple[Run, ...]
    confirm: tuple[Run, ...]
    confirmed: tuple[Run, ...]
    outputs: Mapping[int, Outputs]
    gap_curve: tuple[tuple[int, float], ...]

    @property
    def best(self) -> Run | None:
        """The search trial with the highest objective, of equal ones the first; None if none finished."""
        return best_run(self.search)


@dataclass(frozen=True)
class StudyRuns:
    """A study and all its runs.

    `settings` are the study's own keys, nested as in its file; `tags` those of its run (without `crescendo.`); `missing`
    and `notes` are sentences (see `Content`).
    """

    name: str
    store: str
    status: str
    reason: str | None
    settings: Mapping[str, Any]
    tags: Mapping[str, str]
    provenance: Mapping[str, tuple[str, ...]]
    arms: tuple[ArmRuns, ...]
    baseline: str | None
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def best_run(search: tuple[Run, ...]) -> Run | None:
    """Return the finished run with the highest objective, of equal ones the first."""
    finished = [run for run in search if run.state == "finished" and run.objective is not None]
    return max(finished, key=lambda run: (run.objective, -run.number), default=None)


def same_setting(best: Run, confirmed: Run) -> bool:
    """Return whether `confirmed` was trained and decoded with the setting of the search trial `best`."""
    keys = (best.settings.keys() | confirmed.settings.keys()) - _NOT_COMPARED
    gap = best.metrics.get("chosen/merge_gap")
    return all(best.settings.get(key) == confirmed.settings.get(key) for key in keys) and (
        gap is None or gap == confirmed.settings.get("merge_gap")
    )
