"""What a study does next, and what becomes of what came back: all of a sweep but where the trials run.

Every decision is a function of the ledger, so a study that was killed decides as it would have.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from optuna.pruners import BasePruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from crescendo.platform.studies.decode_search import DecodeSearch
from crescendo.platform.studies.identity import proposal_seed, trial_identity
from crescendo.platform.studies.ledger import Ledger, Phase, TrialRecord
from crescendo.platform.studies.proposals import Proposal, propose, setting_key
from crescendo.platform.tracking.run_metrics import result_numbers
from crescendo.search_spaces.arms import Arm, arm_named, arms_of
from crescendo.search_spaces.study import Study
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.trial import Job
from crescendo.trainables.training.validation_report import ValidationReport

TRIALS = "trials"
PHASES: tuple[Phase, ...] = ("search", "confirm")
_SPENT = (TrialState.COMPLETE, TrialState.PRUNED)


class Watcher(Protocol):
    """Hears of every event, after the ledger has it."""

    def started(self, entry: TrialRecord) -> None:
        """Note that a trial begins, or begins again."""

    def reported(self, entry: TrialRecord, report: ValidationReport) -> None:
        """Note a report."""

    def broke(self, entry: TrialRecord) -> None:
        """Note that a trial broke and waits to be tried again."""

    def ended(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        """Note that a trial is over: COMPLETE, PRUNED or FAIL; `report` is its last, where there is one."""


@dataclass(frozen=True)
class Workspace:
    """Where a study works: its output folder and its data set (a folder or a URI), known by its content hash."""

    output: Path
    dataset: str
    dataset_hash: str

    def trial(self, identity: str) -> Path:
        """Return a trial's folder."""
        return self.output / TRIALS / identity


class StudyRun:
    """A study on its way from its ledger to its confirmed arms.

    `problem` says why the study must stop, once it must.
    """

    def __init__(self, study: Study, ledger: Ledger, place: Workspace, watchers: Sequence[Watcher] = ()) -> None:
        """Take up the study where the ledger left it: trials that were running wait to go on."""
        self.study, self.place = study, place
        self._ledger, self._watchers = ledger, watchers
        self._entries: dict[str, TrialRecord] = {}
        self._by_arm: dict[tuple[str, Phase], list[str]] = {}
        self._states: dict[tuple[str, Phase], Counter[TrialState]] = {}
        for arm in arms_of(study):
            for phase in PHASES:
                self._by_arm[arm.name, phase], self._states[arm.name, phase] = [], Counter()
                for entry in ledger.entries(arm.name, phase):
                    self._put(entry)
        unfinished = [entry for entry in self._entries.values() if entry.state is TrialState.RUNNING]
        self._waiting = deque(sorted(unfinished, key=lambda entry: entry.key))
        self._broken: Counter[str] = Counter()
        self._failed: set[str] = set()
        self.running: dict[str, TrialRecord] = {}
        self.last: dict[str, ValidationReport] = {}
        self.problem: str | None = None
        self._pruner: BasePruner | None = None
        if study.early_stopping is not None:
            asha = study.early_stopping.asha
            self._pruner = SuccessiveHalvingPruner(min_resource=asha.grace, reduction_factor=asha.reduction)

    def entries(self, arm: str, phase: Phase) -> list[TrialRecord]:
        """Return the trials of an arm and phase, by number."""
        return [self._entries[identity] for identity in self._by_arm[arm, phase]]

    def states(self, arm: str, phase: Phase) -> Counter[TrialState]:
        """Return how many trials of an arm and phase are in each state; those that wait to go on are RUNNING."""
        return self._states[arm, phase]

    @property
    def over(self) -> bool:
        """Whether nothing is left to run, or the study must stop."""
        if self.running:
            return False
        return self.problem is not None or not (self._waiting or any(self._wanted(arm) for arm in arms_of(self.study)))

    def next_job(self) -> Job | None:
        """Return the next trial to run, or None if there is none before another ends.

        Interrupted trials come first. Then the arms take turns in the search; a worker that the search has nothing for
        confirms an arm whose own search is over.
        """
        if self.problem is not None:
            return None
        entry = self._waiting.popleft() if self._waiting else self._new()
        if entry is None:
            return None
        self.running[entry.identity] = entry
        for watcher in self._watchers:
            watcher.started(entry)
        return self._job(entry)

    def report(self, identity: str, report: ValidationReport) -> bool:
        """Take in a report; return whether the trial is over: done, or stopped early."""
        entry = self.running[identity]
        self.last[identity] = report
        if report.done:
            entry = self._ledger.complete(entry, report, result_numbers(report))
        else:
            entry = self._ledger.report(entry, report, self._pruner if entry.phase == "search" else None)
        self._put(entry)
        for watcher in self._watchers:
            watcher.reported(entry, report)
        if entry.state is TrialState.RUNNING:
            self.running[identity] = entry
            return False
        self._end(entry, report)
        return True

    def failed(self, identity: str, reason: str) -> None:
        """Take in that a trial broke: it waits to run again from its last checkpoint, or has failed for good.

        What breaks after the trial's last report breaks nothing.
        """
        if identity not in self.running:
            return
        entry = self.running[identity]
        limits = self.study.failures
        final = len(entry.failures) >= limits.retries
        entry = self._ledger.fail(entry, reason, final=final)
        self._put(entry)
        if not final:
            del self.running[identity]
            self._waiting.append(entry)
            for watcher in self._watchers:
                watcher.broke(entry)
            return
        self._failed.add(identity)
        self._broken[entry.arm] += 1
        self._end(entry, None)
        if self._broken[entry.arm] >= limits.limit:
            self.problem = (
                f"arm {entry.arm}: {self._broken[entry.arm]} trials failed, each {limits.retries + 1} times; "
                f"the last one: {reason}"
            )

    def best(self, arm: str) -> TrialRecord | None:
        """Return the search trial of an arm with the highest objective (of equal ones the first), None if none ended."""
        complete = [entry for entry in self.entries(arm, "search") if entry.value is not None]
        return max(complete, key=lambda entry: (entry.value, -entry.number), default=None)

    def confirmed(self, arm: str) -> list[TrialRecord]:
        """Return the confirmations of an arm's best setting that are complete, by seed as the study lists them."""
        wanted = [setting_key(settings) for settings in self._confirmations(arm)]
        found = {
            setting_key(entry.settings): entry for entry in self.entries(arm, "confirm") if entry.value is not None
        }
        return [found[key] for key in wanted if key in found]

    def shortfall(self) -> str | None:
        """Return what the study asked for and did not get, None if it got it all."""
        lacking = [
            f"arm {arm.name}: {len(self.confirmed(arm.name))} of {len(self.study.confirm.seeds)} seeds are confirmed"
            for arm in arms_of(self.study)
            if len(self.confirmed(arm.name)) < len(self.study.confirm.seeds)
        ]
        return "; ".join(lacking) + "; start the study again to try once more" if lacking else None

    def searched(self, arm: Arm) -> bool:
        """Tell whether an arm's search is over."""
        states = self.states(arm.name, "search")
        return sum(states[state] for state in _SPENT) >= arm.trials

    def _wanted(self, arm: Arm) -> bool:
        if not self.searched(arm):
            return True
        return any(True for _ in self._unconfirmed(arm.name))

    def _new(self) -> TrialRecord | None:
        hungry = [arm for arm in arms_of(self.study) if self._open_trials(arm) > 0]
        if hungry:
            return self._propose(min(hungry, key=lambda arm: len(self._by_arm[arm.name, "search"])))
        for arm in arms_of(self.study):
            if self.searched(arm):
                for settings in self._unconfirmed(arm.name):
                    return self._add(arm.name, "confirm", settings, Proposal({}, {}))
        return None

    def _open_trials(self, arm: Arm) -> int:
        states = self.states(arm.name, "search")
        return arm.trials - sum(states[state] for state in (*_SPENT, TrialState.RUNNING))

    def _propose(self, arm: Arm) -> TrialRecord:
        tried = self.entries(arm.name, "search")
        number, seed = len(tried), self.study.search.seed
        taken = [setting_key(entry.values) for entry in tried]
        alive = [setting_key(entry.values) for entry in tried if entry.state is not TrialState.FAIL]
        for keys in (taken, alive, ()):
            proposal = propose(
                self._ledger.study(arm.name, "search"),
                arm,
                self.study.search,
                number=number,
                seed=proposal_seed(self.study.name, arm.name, number, seed),
                taken=set(keys),
            )
            if proposal is not None:
                break
        assert proposal is not None  # noqa: S101  # the empty list of taken settings excludes nothing
        return self._add(arm.name, "search", {**arm.settings, **proposal.values, "seed": seed}, proposal)

    def _add(self, arm: str, phase: Phase, settings: dict[str, object], proposal: Proposal) -> TrialRecord:
        identity = trial_identity(
            study=self.study.name,
            dataset_hash=self.place.dataset_hash,
            arm=arm,
            phase=phase,
            number=len(self._by_arm[arm, phase]),
            settings=settings,
        )
        entry = self._ledger.add(
            arm,
            phase,
            identity=identity,
            settings=settings,
            values=proposal.values,
            distributions=proposal.distributions,
        )
        self._put(entry)
        return entry

    def _put(self, entry: TrialRecord) -> None:
        place = entry.arm, entry.phase
        known = self._entries.get(entry.identity)
        if known is None:
            self._by_arm[place].append(entry.identity)
        else:
            self._states[place][known.state] -= 1
        self._entries[entry.identity] = entry
        self._states[place][entry.state] += 1

    def _confirmations(self, arm: str) -> Iterable[dict[str, object]]:
        best = self.best(arm)
        if best is not None:
            for seed in self.study.confirm.seeds:
                yield {**best.settings, **best.chosen, "seed": seed}

    def _unconfirmed(self, arm: str) -> Iterable[dict[str, object]]:
        # One that failed has had its turn, until the study is started again.
        begun = {
            setting_key(entry.settings)
            for entry in self.entries(arm, "confirm")
            if entry.state is not TrialState.FAIL or entry.identity in self._failed
        }
        return (settings for settings in self._confirmations(arm) if setting_key(settings) not in begun)

    def _job(self, entry: TrialRecord) -> Job:
        resources = self.study.resources
        settings = {**entry.settings, "threads": resources.cpus}
        if not resources.gpus and settings.get("device", "auto") == "auto":
            settings["device"] = "cpu"
        decode = DecodeSearch(arm_named(self.study, entry.arm).decode, self.study.search.seed)
        return Job(
            identity=entry.identity,
            phase=entry.phase,
            dataset=self.place.dataset,
            settings=settings,
            folder=str(self.place.trial(entry.identity)),
            metric=self.study.objective.metric,
            decode=decode if entry.phase == "search" else None,
            plugin_folder=str(Path.cwd()),
        )

    def _end(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        del self.running[entry.identity]
        self.last.pop(entry.identity, None)
        if entry.phase == "search":
            checkpoints.discard(self.place.trial(entry.identity))
        for watcher in self._watchers:
            watcher.ended(entry, report)
