"""What becomes of what the trials of a study come to: all of a sweep but which begin next, and where they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from optuna.pruners import BasePruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from crescendo.platform.studies.budget import Purse
from crescendo.platform.studies.budgeted_run import BudgetedQueue
from crescendo.platform.studies.jobs import job_of
from crescendo.platform.studies.ledger import Ledger, TrialRecord
from crescendo.platform.studies.looks import seeds_of_arms
from crescendo.platform.studies.patience import Patience
from crescendo.platform.studies.watcher import Watcher
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tracking.run_metrics import result_numbers
from crescendo.reports.analysis.looks import Look
from crescendo.search_spaces.replicates import Replicate
from crescendo.search_spaces.study import Study
from crescendo.trainables.plurals import counted
from crescendo.trainables.training import checkpoint_folders
from crescendo.trainables.training.job import Job
from crescendo.trainables.training.validation_report import ValidationReport

Judge = Callable[["StudyRun"], Sequence[Look]]
"""Compares the arms of a study as its report does; returns every look that is due by what has run, from the first on."""
_MOVES = 10  # how often a trial may lose its machine without getting on


class StudyRun(BudgetedQueue):
    """A study on its way from its ledger to its confirmed arms.

    Attributes
    ----------
    last
        Identity -> the last report, in this process, of a trial that is not over.
    problem
        Why the study must stop, once it must.
    """

    def __init__(
        self,
        study: Study,
        ledger: Ledger,
        place: Workspace,
        watchers: Sequence[Watcher] = (),
        patience: Patience | None = None,
        judge: Judge | None = None,
        purse: Purse | None = None,
    ) -> None:
        """Take up the study where the ledger left it: trials that were running wait to go on.

        `judge` compares the arms of a study that runs until it is decided; `purse` counts the hours of one with a budget.
        """
        super().__init__(study, ledger, place, purse)
        self._watchers = watchers
        self._patience, self._held = patience or Patience(), Counter[str]()
        self._broken: Counter[tuple[str, Replicate]] = Counter()
        self._judge, self._looks = judge, list[Look]()
        self._begun = 0
        self.last: dict[str, ValidationReport] = {}
        self._pruner: BasePruner | None = None
        if study.early_stopping is not None:
            asha = study.early_stopping.asha
            self._pruner = SuccessiveHalvingPruner(min_resource=asha.grace, reduction_factor=asha.reduction)

    @property
    def over(self) -> bool:
        """Whether nothing is left to run, or the study must stop."""
        if self.running:
            return False
        return self.problem is not None or (self._all_finished and not self.look_due)

    @property
    def _all_finished(self) -> bool:
        return not self.running and not self._waiting and all(map(self.finished, self.replicates))

    @property
    def look_due(self) -> bool:
        """Whether it is time to compare the arms: those that are undecided have all seeds that they were given."""
        if self.study.confirm.until is None or self.problem is not None:
            return False
        if self._looks and not self._looks[-1].undecided:
            return False
        # Of a study that is taken up, some that a look asked for may have begun already.
        asked_for_later = [
            entry.phase == "confirm" and entry.number >= self.seeds[entry.arm]
            for entry in (*self._waiting, *self.running.values())
        ]
        return all(asked_for_later) and all(map(self.finished, self.replicates))

    def look(self) -> None:
        """Compare the arms; those that more seeds may decide get more.

        What was decided before is decided again, if the study is taken up.
        """
        assert self._judge is not None  # noqa: S101  # such a study has one
        try:
            looks = self._judge(self)
        except Exception as error:  # noqa: BLE001  # of somebody's own matching rule, or of outputs that were removed
            self.problem = f"the arms cannot be compared: {' '.join(str(error).split()) or type(error).__name__}"
            return
        if len(looks) <= len(self._looks):
            self.problem = "the arms cannot be compared: outputs of confirmed trials are not there; put them back"
            return
        for one in looks[len(self._looks) :]:
            for watcher in self._watchers:
                watcher.looked(one)
        self._looks = list(looks)
        self.seeds = seeds_of_arms(self.study, looks)

    def next_jobs(self) -> list[Job]:
        """Return the trials that are to run together next; none if none can start before another ends.

        Where trials train in cohorts, they are those that may share every batch; else there is one. Interrupted trials
        come first, then those of the first replicate that has any. In it the arms take turns in the search; what the search
        has nothing for trains finalists and confirms: without cohorts those of the arms whose own search is over, in
        cohorts, once every search is over, those of all arms seed by seed.
        """
        if self.problem is not None or self._patience.waiting:
            return []
        if not self._pays():
            return []
        entries = self._gather()
        while not entries and self.look_due:
            self.look()
            entries = self._gather()
        self._begun += 1
        if entries and self._purse is not None:
            self._purse.begin(entry.identity for entry in entries)
        for entry in entries:
            self.running[entry.identity] = entry
            self._cohorts[entry.identity] = self._begun
            for watcher in self._watchers:
                watcher.started(entry)
        return [job_of(self.study, entry, self.place) for entry in entries]

    def planned(self, text: str) -> None:
        """Tell what the budget pays for."""
        for watcher in self._watchers:
            watcher.planned(text)

    def cohort(self, identity: str) -> int | None:
        """Return the number of the cohort that a trial runs in now, None if it does not run."""
        return self._cohorts.get(identity)

    def report(self, identity: str, report: ValidationReport) -> bool:
        """Take in a report; return whether the trial is over: done, or stopped early."""
        entry = self.running[identity]
        if report.iteration not in entry.steps and self._held.pop(identity, 0):
            self._patience.reset()  # it got on; what it says again as it is taken up shows nothing
        self.last[identity] = report
        if self._purse is not None:
            self._purse.save(now=report.done)
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
        of = entry.arm, entry.replicate
        self._broken[of] += 1
        self._end(entry, None)
        if self._broken[of] >= limits.limit:
            where = f", {entry.replicate.name}" if entry.replicate.name else ""
            self.problem = (
                f"arm {entry.arm}{where}: {counted(self._broken[of], 'trial')} failed, each "
                f"{counted(limits.retries + 1, 'time')}; the last one: {reason}"
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

    def _end(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        self._leave(entry.identity)
        if self._purse is not None:
            self._purse.end()
        self.last.pop(entry.identity, None)
        if entry.phase != "confirm":
            checkpoint_folders.discard(self.place.trial(entry.identity))
        for watcher in self._watchers:
            watcher.ended(entry, report)

    def _leave(self, identity: str) -> None:
        del self.running[identity], self._cohorts[identity]
