"""A study's runs as a report sees them; `study_runs` reads them from MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crescendo.reports.source.artifacts import RunArtifacts
from crescendo.search_spaces.arms import Arm, arms_of, baselines_of
from crescendo.search_spaces.replicates import ONLY, Replicate, replicates_of
from crescendo.search_spaces.study import Study
from crescendo.trainables.evaluation.metric_keys import CHOSEN_MERGE_GAP, OBJECTIVE

STATES = ("finished", "pruned", "failed", "interrupted", "running")
# What may differ between a search trial and the confirmation of its setting.
_NOT_COMPARED = {"seed", "merge_gap", "reset", "device", "threads"}


@dataclass(frozen=True)
class TrialRun:
    """The MLflow run of one trial: its settings (parameters, read as JSON), the last values of its metrics.

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
    replicate: Replicate = ONLY

    @property
    def objective(self) -> float | None:
        """Its last validation value."""
        return self.metrics.get(str(OBJECTIVE))

    @property
    def merge_gap(self) -> int | None:
        """The merge gap, in frames, that its last validation value was reached with."""
        gap = self.metrics.get(str(CHOSEN_MERGE_GAP))
        return None if gap is None else int(gap)


@dataclass(frozen=True)
class ArmRuns:
    """The runs of one arm in one replicate, which is a search of its own, and its confirmation.

    Attributes
    ----------
    arm
        What is fixed and what is searched in it.
    search, confirm
        All its runs, by number.
    confirmed
        Those that finished with the best setting, by seed: what the report is about.
    artifacts
        Seed -> what the confirmed run left.
    gap_curve
        (merge gap, objective) of the best trial.
    replicate
        Which fold and repeat it is.
    finalists
        Trainings of the best settings with fresh seeds, where the study asks for them, by number.
    chosen
        Number of the search trial whose setting was chosen; None: of the best.
    """

    arm: Arm
    search: tuple[TrialRun, ...]
    confirm: tuple[TrialRun, ...]
    confirmed: tuple[TrialRun, ...]
    artifacts: Mapping[int, RunArtifacts]
    gap_curve: tuple[tuple[int, float], ...]
    replicate: Replicate = ONLY
    finalists: tuple[TrialRun, ...] = ()
    chosen: int | None = None

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name

    @property
    def best(self) -> TrialRun | None:
        """The search trial whose setting was chosen: without finalists the one with the highest objective; None if none ended."""
        found = next((run for run in self.search if run.number == self.chosen), None)
        return best_trial(self.search) if found is None else found


@dataclass(frozen=True)
class StudyRuns:
    """A study and all its runs.

    Attributes
    ----------
    name
        Of its experiment in MLflow.
    study
        What was asked.
    store
        Address of the store, without password.
    status, reason
        State of the study's own run, and why it is not `finished`.
    dataset, dataset_hash
        Name and content hash of the data set that it ran on; empty where MLflow was not told.
    provenance
        Commit, versions and devices -> every value that the runs have.
    arms
        In the study's order; of each arm its replicates, in the order of work.
    missing, notes
        Sentences (see `ReportModel`).
    folds
        Names of the study's folds; none where it has no `folds`.
    added_late
        Of what more was added by hand once there were results: `seeds`, `trials`; or changed: `baseline`.
    data_notes
        What was said of the data set as it was made.
    works
        Whether a sweep works on it now, as far as this machine can see; None: nothing tells.
    seen
        When it last gave a sign of life, in seconds since 1970; None where nothing tells.
    expected_end
        When the sweep is likely to end, in seconds since 1970, as it said last; None: it has not.
    """

    name: str
    study: Study
    store: str
    status: str
    reason: str | None
    dataset: str
    dataset_hash: str
    provenance: Mapping[str, tuple[str, ...]]
    arms: tuple[ArmRuns, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    folds: tuple[str, ...] = ()
    added_late: tuple[str, ...] = ()
    data_notes: tuple[str, ...] = ()
    works: bool | None = None
    seen: float | None = None
    expected_end: float | None = None

    @property
    def running(self) -> bool:
        """Whether more may come of it without being started again."""
        return is_running(self.status, works=self.works)

    @property
    def replicates(self) -> tuple[Replicate, ...]:
        """The replicates that were asked for, in the order of work."""
        return replicates_of(self.study, self.folds)

    @property
    def baseline(self) -> str:
        """Name of the arm that the others are compared with."""
        return (baselines_of(self.study) or arms_of(self.study))[0].name


def is_running(status: str, *, works: bool | None) -> bool:
    """Tell whether a study goes on; `status` and `works` as in `StudyRuns`."""
    return status == "running" if works is None else works


def best_trial(search: tuple[TrialRun, ...]) -> TrialRun | None:
    """Return the finished trial with the highest objective, of equal ones the first."""
    finished = [run for run in search if run.state == "finished" and run.objective is not None]
    return max(finished, key=lambda run: (run.objective, -run.number), default=None)


def same_setting(best: TrialRun, confirmed: TrialRun) -> bool:
    """Return whether `confirmed` was trained and decoded with the setting of the search trial `best`."""
    keys = (best.settings.keys() | confirmed.settings.keys()) - _NOT_COMPARED
    return all(best.settings.get(key) == confirmed.settings.get(key) for key in keys) and (
        best.merge_gap is None or best.merge_gap == confirmed.settings.get("merge_gap")
    )


def named(arm: str, replicate: Replicate) -> str:
    """Return how an arm is called in one replicate: `variant=none`, `variant=none, fold 2`."""
    return ", ".join(filter(None, (arm, replicate.name)))
