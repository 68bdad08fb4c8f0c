"""The ledger: what a study has tried and what came of it, in Optuna's own storage, one Optuna study an arm and phase.

Every event is one append to `ledger.jsonl`, flushed to disk before anything acts on it, so whatever is killed, and
whenever, the file tells where to go on. Optuna's tools read it as they read any `JournalStorage`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from crescendo.platform.append_log import AppendLog, LogCopy
from crescendo.platform.studies.identity import is_trial_identity
from crescendo.platform.studies.journal_file import AGAIN, JournalFile
from crescendo.search_spaces.record import LOCK_FILE
from crescendo.search_spaces.replicates import ONLY, Replicate
from crescendo.trainables.storage.locks import hold
from crescendo.trainables.storage.reading import expecting, mapping
from crescendo.trainables.training.validation_report import ValidationReport

Phase = Literal["search", "finalist", "confirm"]

LEDGER = "ledger.jsonl"
_WHAT = "the ledger of a study"


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the ledger has it.

    Attributes
    ----------
    arm, replicate, phase, number
        Where it belongs; `number` counts within the others.
    identity
        Hash of what it runs, the name of its folder and of its run in MLflow.
    values
        What was proposed.
    settings
        Every setting of the training run that it comes to, the seed among them.
    state
        RUNNING (or waiting to run again), COMPLETE, PRUNED or FAIL.
    value
        The objective, once COMPLETE.
    steps
        Iteration -> objective, as reported.
    failures
        Why it failed, once for each time.
    chosen, metrics
        Decode-time settings and metrics of the last report.
    seconds
        How long it trained until its last report, over all its starts.
    """

    key: int
    arm: str
    replicate: Replicate
    phase: Phase
    number: int
    identity: str
    values: Mapping[str, Any]
    settings: Mapping[str, Any]
    state: TrialState
    value: float | None
    steps: Mapping[int, float]
    failures: Sequence[str]
    chosen: Mapping[str, Any]
    metrics: Mapping[str, float]
    seconds: float


class Ledger:
    """A study's ledger, open for writing in this process alone, or a copy of it as it is now."""

    def __init__(self, folder: Path, *, copy: bool = False) -> None:
        """Open or create the ledger in `folder`; with `copy`, read what is there, also while a sweep writes to it.

        What is written to a copy stays in memory.

        Raises
        ------
        InputError
            If another process runs the study, or the file is damaged.
        """
        self._path = folder / LEDGER
        busy = f"{folder}: another `crescendo sweep` is running here; wait for it to end or choose another --output"
        self._lock = None if copy else hold(folder / LOCK_FILE, busy)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            self._journal = JournalFile(LogCopy(self._path) if copy else AppendLog(self._path))
            with expecting(_WHAT, self._path, AGAIN):
                self._storage = JournalStorage(self._journal)
                self._keys: dict[str, int] = {one.study_name: one._study_id for one in self._storage.get_all_studies()}
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        """Let another process have the study."""
        self._journal.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def in_place(self) -> bool:
        """Tell whether the ledger is where it was opened, and not removed or replaced."""
        return self._journal.in_place()

    def has_results(self) -> bool:
        """Tell whether a confirmation is complete, so that somebody may have looked at the test split."""
        confirmed = (key for name, key in self._keys.items() if name.endswith("(confirm)"))
        trials = (trial for key in confirmed for trial in self._storage.get_all_trials(key, deepcopy=False))
        return any(trial.state is TrialState.COMPLETE for trial in trials)

    def study(self, arm: str, phase: Phase, replicate: Replicate = ONLY) -> optuna.Study:
        """Return the Optuna study of an arm and phase in a replicate, made if there is none."""
        self._key(arm, phase, replicate)
        # A study object remembers the trials it saw; a new one sees them all.
        return optuna.load_study(study_name=_name(arm, phase, replicate), storage=self._storage)

    def entries(self, arm: str, phase: Phase, replicate: Replicate = ONLY) -> list[TrialRecord]:
        """Return the trials of an arm and phase in a replicate, by number."""
        trials = self._storage.get_all_trials(self._key(arm, phase, replicate), deepcopy=False)
        with expecting(_WHAT, self._path, AGAIN):
            return [_entry(arm, phase, replicate, trial) for trial in trials]

    def _key(self, arm: str, phase: Phase, replicate: Replicate) -> int:
        name = _name(arm, phase, replicate)
        if name not in self._keys:
            self._keys[name] = self._storage.create_new_study([StudyDirection.MAXIMIZE], name)
        return self._keys[name]

    def add(
        self,
        arm: str,
        phase: Phase,
        replicate: Replicate = ONLY,
        *,
        identity: str,
        settings: Mapping[str, Any],
        values: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
    ) -> TrialRecord:
        """Write down a new trial, in state RUNNING, and return it.

        `values` are the settings that were proposed, `distributions` what they were drawn from.
        """
        trial = create_trial(
            state=TrialState.RUNNING,
            params=dict(values),
            distributions=dict(distributions),
            # As they will be read back: what is decided now must be what would be decided after a restart.
            user_attrs={"identity": identity, "settings": json.loads(json.dumps(dict(settings)))},
        )
        key = self._storage.create_new_trial(self._key(arm, phase, replicate), trial)
        return _entry(arm, phase, replicate, self._storage.get_trial(key))

    def report(
        self, entry: TrialRecord, report: ValidationReport, pruner: optuna.pruners.BasePruner | None
    ) -> TrialRecord:
        """Write down the objective so far, and whether `pruner` stops the trial, which is then PRUNED.

        An iteration reported before is not judged again: it was, before the kill that made the trial report it twice.
        """
        if report.iteration in entry.steps:
            return entry
        with self._journal.batch():
            self._storage.set_trial_intermediate_value(entry.key, report.iteration, report.objective)
            self._storage.set_trial_user_attr(entry.key, "seconds", report.seconds)
            study = self.study(entry.arm, entry.phase, entry.replicate)
            if pruner is not None and pruner.prune(study, self._storage.get_trial(entry.key)):
                self._storage.set_trial_state_values(entry.key, TrialState.PRUNED, [report.objective])
        return self._read(entry)

    def complete(self, entry: TrialRecord, report: ValidationReport, metrics: Mapping[str, float]) -> TrialRecord:
        """Write down that the trial ended well: its objective, `metrics`, and decode-time settings."""
        with self._journal.batch():
            self._storage.set_trial_intermediate_value(entry.key, report.iteration, report.objective)
            attributes = {"chosen": dict(report.chosen), "metrics": dict(metrics), "seconds": report.seconds}
            for key, value in attributes.items():
                self._storage.set_trial_user_attr(entry.key, key, value)
            self._storage.set_trial_state_values(entry.key, TrialState.COMPLETE, [report.objective])
        return self._read(entry)

    def fail(self, entry: TrialRecord, reason: str, *, final: bool) -> TrialRecord:
        """Write down a failure; a `final` one makes the trial FAIL, another leaves it to run again."""
        with self._journal.batch():
            failures = [*self._read(entry).failures, reason]
            self._storage.set_trial_user_attr(entry.key, "failures", failures)
            if final:
                self._storage.set_trial_state_values(entry.key, TrialState.FAIL)
        return self._read(entry)

    def _read(self, entry: TrialRecord) -> TrialRecord:
        return _entry(entry.arm, entry.phase, entry.replicate, self._storage.get_trial(entry.key))


def _name(arm: str, phase: Phase, replicate: Replicate) -> str:
    """Return the name of an Optuna study; no arm's name has brackets or blanks."""
    named = arm if replicate == ONLY else f"{arm} [{replicate.name}]"
    return named if phase == "search" else f"{named} ({phase})"


def _entry(arm: str, phase: Phase, replicate: Replicate, trial: FrozenTrial) -> TrialRecord:
    attributes = trial.user_attrs
    if not is_trial_identity(attributes["identity"]):  # it names a folder, which is written and removed
        raise ValueError(f"the identity of trial {trial.number} of {arm} is {attributes['identity']!r:.60}")
    return TrialRecord(
        key=trial._trial_id,
        arm=arm,
        replicate=replicate,
        phase=phase,
        number=trial.number,
        identity=attributes["identity"],
        values=trial.params,
        settings=mapping(attributes["settings"]),
        state=trial.state,
        value=float(trial.value) if trial.state is TrialState.COMPLETE else None,
        steps=trial.intermediate_values,
        failures=attributes.get("failures", ()),
        chosen=mapping(attributes.get("chosen", {})),
        metrics=mapping(attributes.get("metrics", {})),
        seconds=attributes.get("seconds", 0.0),
    )
