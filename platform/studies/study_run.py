"""What a study does next, and what becomes of what came back: all of a sweep but where the trials run.

Every decision is a function of the ledger, so a study that was killed decides as it would have.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence

from optuna.pruners import BasePruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from crescendo.platform.studies.cohorts import Batches, agree, batches_of, largest, together
from crescendo.platform.studies.identity import proposal_seed, trial_identity
from crescendo.platform.studies.jobs import job_of
from crescendo.platform.studies.ledger import Ledger, Phase, TrialRecord
from crescendo.platform.studies.patience import Patience
from crescendo.platform.studies.proposals import Proposal, propose, setting_key, taken_key
from crescendo.platform.studies.study_trials import StudyTrials
from crescendo.platform.studies.watcher import Watcher
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tracking.run_metrics import result_numbers
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.study import Study
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.trial import Job
from crescendo.trainables.training.validation_report import ValidationReport

_MOVES = 10  # how often a trial may lose its machine without getting on


class StudyRun(StudyTrials):
    """A study on its way from its ledger to its confirmed arms.

    Attributes
    ----------
    running
        The trials that run now, by identity.
    last
        Identity -> the last report, in this process, of a trial that is not over.
    problem
        Why the study must stop, once it must.
    spread
        Cohorts among which the trials that wait are spread, where the study leaves it open how large one is.
    """

    def __init__(
        self,
        study: Study,
        ledger: Ledger,
        place: Workspace,
        watchers: Sequence[Watcher] = (),
        patience: Patience | None = None,
    ) -> None:
        """Take up the study where the ledger left it: trials that were running wait to go on."""
        super().__init__(study, ledger)
        self.place, self._ledger, self._watchers = place, ledger, watchers
        self._patience, self._held = patience or Patience(), Counter[str]()
        self._waiting = deque(self.unfinished())
        self._broken: Counter[str] = Counter()
        self._failed: set[str] = set()
        self.running: dict[str, TrialRecord] = {}
        self._cohorts: dict[str, int] = {}
        self._begun = 0
        self.spread = 1
        self.last: dict[str, ValidationReport] = {}
        self.problem: str | None = None
        self._pruner: BasePruner | None = None
        if study.early_stopping is not None:
            asha = study.early_stopping.asha
            self._pruner = SuccessiveHalvingPruner(min_resource=asha.grace, reduction_factor=asha.reduction)

    @property
    def over(self) -> bool:
        """Whether nothing is left to run, or the study must stop."""
        if self.running:
            return False
        return self.problem is not None or not (self._waiting or any(self._wanted(arm) for arm in arms_of(self.study)))

    def next_jobs(self) -> list[Job]:
        """Return the trials that are to run together next; none if none can start before another ends.

        Where trials train in cohorts, they are those that may share every batch; else there is one. Interrupted trials
        come first. Then the arms take turns in the search; what the search has nothing for confirms: without cohorts the
        arms whose own search is over, in cohorts, once every search is over, all arms seed by seed.
        """
        if self.problem is not None or self._patience.waiting:
            return []
        entries = self._gather()
        self._begun += 1
        for entry in entries:
            self.running[entry.identity] = entry
            self._cohorts[entry.identity] = self._begun
            for watcher in self._watchers:
                watcher.started(entry)
        return [job_of(self.study, entry, self.place) for entry in entries]

    def cohort(self, identity: str) -> int | None:
        """Return the number of the cohort that a trial runs in now, None if it does not run."""
        return self._cohorts.get(identity)

    @property
    def cohorts(self) -> int:
        """How many cohorts run now."""
        return len(set(self._cohorts.values()))

    def report(self, identity: str, report: ValidationReport) -> bool:
        """Take in a report; return whether the trial is over: done, or stopped early."""
        entry = self.running[identity]
        if report.iteration not in entry.steps and self._held.pop(identity, 0):
            self._patience.reset()  # it got on; what it says again as it is taken up shows nothing
        self.last[identity] = report
        if report.done:
            entry = self._ledger.complete(entry, report, result_numbers(report))
        else:
            entry = self._ledger.report(entry, report, self._pruner if entry.phase == "search" else None)
        self.put(entry)
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
        self.put(entry)
        if not final:
            self._leave(identity)
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

    def held_up(self, identities: Sequence[str], reason: str, *, moved: bool = False) -> None:
        """Take in that trials broke through no fault of theirs: they wait to go on, and nothing is counted against them.

        The study pauses; if it paused a few times and none of them has got on since, it stops. `moved`: their machine is
        lost and they go on on another at once, though not for ever.
        """
        entries = [self.running[identity] for identity in identities]
        self._held.update(entry.identity for entry in entries)
        for entry in entries:
            self._leave(entry.identity)
            self._waiting.append(entry)
        often = max(self._held[entry.identity] for entry in entries)
        if not (often <= _MOVES if moved else self._patience.left or self._patience.waiting):
            self.problem = f"{reason}; nothing is lost: mend it, start the same study again, and it goes on"
            return
        seconds = 0.0 if moved else self._patience.wait()
        for watcher in self._watchers:
            watcher.held_up(entries, reason, seconds)

    def _wanted(self, arm: Arm) -> bool:
        if not self.searched(arm):
            return True
        return any(True for _ in self._unconfirmed(arm.name))

    def _gather(self) -> list[TrialRecord]:
        """Return the members of the next cohort: of the trials that wait, where any do, else new ones.

        New ones never join those that wait. So what is proposed does not depend on when a study was killed.
        """
        return self._resumed() if self._waiting else self._begin()

    def _resumed(self) -> list[TrialRecord]:
        most = self._most(len(self._waiting))
        first, *others = self._waiting
        members, self._waiting = [first], deque[TrialRecord]()
        for entry in others:
            alone = self._last_try(first) or self._last_try(entry)
            fits = not alone and len(members) < most and agree(batches_of(entry.settings), batches_of(first.settings))
            (members if fits else self._waiting).append(entry)
        return members

    def _begin(self) -> list[TrialRecord]:
        """Begin new trials; one that turns out not to share the batches of the others waits for the next cohort."""
        new = sum(max(0, self.open_trials(arm)) for arm in arms_of(self.study)) or len(list(self._confirmable()))
        most, members, passed = self._most(new), list[TrialRecord](), set[str]()
        while len(members) < most:
            batches = batches_of(members[0].settings) if members else None
            entry = self._new(batches, passed)
            if entry is None:
                break
            if batches is None or agree(batches_of(entry.settings), batches):
                members.append(entry)
            else:
                self._waiting.append(entry)
                passed.add(entry.arm)
        return members

    def _most(self, ready: int) -> int:
        """Return how many of the `ready` trials the next cohort may hold."""
        return largest(self.study.resources, ready, max(1, self.spread - self.cohorts))

    def _last_try(self, entry: TrialRecord) -> bool:
        """Tell whether a trial runs by itself: nobody is to fail for good because another breaks its process."""
        return 0 < self.study.failures.retries <= len(entry.failures)

    def _new(self, batches: Batches | None, passed: Collection[str]) -> TrialRecord | None:
        """Begin another trial: one that shares `batches`, as far as that is known, and not of the arms `passed`."""
        seed = self.study.search.seed
        hungry = [arm for arm in arms_of(self.study) if arm.name not in passed and self.open_trials(arm) > 0]
        if batches is not None:
            hungry = [arm for arm in hungry if agree(batches_of({**arm.settings, "seed": seed}), batches)]
        if hungry:
            return self._propose(min(hungry, key=lambda arm: len(self._by_arm[arm.name, "search"])))
        for arm, settings in self._confirmable():
            if batches is None or agree(batches_of(settings), batches):
                return self._add(arm, "confirm", settings, Proposal({}, {}))
        return None

    def _confirmable(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield arm and settings of every confirmation that can begin, in order."""
        arms, seeds = arms_of(self.study), self.study.confirm.seeds
        found = ((arm.name, one) for arm in arms if self.searched(arm) for one in self._unconfirmed(arm.name))
        if not together(self.study.resources):
            yield from found
        elif all(map(self.searched, arms)):
            yield from sorted(found, key=lambda pair: seeds.index(int(str(pair[1]["seed"]))))

    def _propose(self, arm: Arm) -> TrialRecord:
        tried = self.entries(arm.name, "search")
        number, seed = len(tried), self.study.search.seed
        taken = [taken_key(arm, entry.values) for entry in tried]
        alive = [taken_key(arm, entry.values) for entry in tried if entry.state is not TrialState.FAIL]
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
        self.put(entry)
        return entry

    def _unconfirmed(self, arm: str) -> Iterable[dict[str, object]]:
        # One that failed has had its turn, until the study is started again.
        begun = {
            setting_key(entry.settings)
            for entry in self.entries(arm, "confirm")
            if entry.state is not TrialState.FAIL or entry.identity in self._failed
        }
        return (settings for settings in self.confirmations(arm) if setting_key(settings) not in begun)

    def _end(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        self._leave(entry.identity)
        self.last.pop(entry.identity, None)
        if entry.phase == "search":
            checkpoints.discard(self.place.trial(entry.identity))
        for watcher in self._watchers:
            watcher.ended(entry, report)

    def _leave(self, identity: str) -> None:
        del self.running[identity], self._cohorts[identity]
