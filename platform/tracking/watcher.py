"""A study's events, told to MLflow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import cast

from optuna.trial import TrialState

from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.pace import Pace
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.verdict import StudyVerdict, study_verdict
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tracking.mlflow_store import BUDGET, LOOK, STUDY, VERDICT
from crescendo.platform.tracking.provenance import provenance
from crescendo.platform.tracking.run_metrics import curves, progress_numbers, result_numbers
from crescendo.platform.tracking.tracker import Tracker
from crescendo.reports.analysis.looks import Look
from crescendo.reports.source.records import EXPECTED_END
from crescendo.search_spaces.arms import arm_named, arms_of, baseline_of
from crescendo.search_spaces.record import STUDY_FILE
from crescendo.search_spaces.replicates import FOLD_TAG, REPEAT_TAG
from crescendo.search_spaces.study import Study
from crescendo.trainables.data.remote import open_dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.metric_keys import OBJECTIVE
from crescendo.trainables.training.job import outputs
from crescendo.trainables.training.validation_report import Decoding, ValidationReport, last_report

_TELL_EVERY = 5.0  # seconds


class StudyWatcher:
    """Hears a `StudyRun` and keeps the study's runs in MLflow as the ledger has its trials."""

    def __init__(self, study: Study, place: Workspace, tracker: Tracker) -> None:
        """Say nothing yet."""
        self._study, self._place, self._tracker = study, place, tracker
        self._tags = {"crescendo.dataset_hash": place.dataset_hash, **provenance()}
        self._verdict: StudyVerdict | None = None
        self._run: StudyRun | None = None
        self._pace = Pace()
        self._told = float("-inf")

    def begin(self, run: StudyRun) -> None:
        """Open the parent run, or open it again."""
        self._start_study()
        self.catch_up(run)
        self._run = run

    def catch_up(self, run: StudyRun) -> None:
        """Tell what the ledger knows and MLflow may not: what ended just before a kill, and what the journal lost."""
        tracker = self._tracker
        if not tracker.begun(STUDY):
            self._start_study()
        left_open, damaged = tracker.open_trials(), tracker.damaged
        for entry in run.everything():
            if entry.state is TrialState.RUNNING:
                continue
            lost = not tracker.begun(entry.identity)
            if lost:
                self.started(entry)
            if lost or entry.identity in left_open:
                self.ended(entry, self._last(entry))
            elif damaged and entry.state is TrialState.COMPLETE:
                self._results(entry, self._last(entry))
        if not tracker.tagged(STUDY, VERDICT):
            self.verdict(run)
        if run.over and tracker.open_study():
            self._leave(run)
        if damaged:
            tracker.caught_up()

    def verdict(self, run: StudyRun) -> StudyVerdict:
        """Return what the study answers, and tell it; computed once, when it is whole. Before it is: nothing."""
        if self._verdict is None and run.over and run.problem is None and run.shortfall() is None:
            self._verdict = study_verdict(run)
            answers = {f"{VERDICT}.{arm}": answer for arm, answer in self._verdict.answers.items()}
            self._tracker.tag(STUDY, {VERDICT: self._verdict.text, **answers})
        return self._verdict or StudyVerdict()

    @contextmanager
    def left(self, run: StudyRun) -> Iterator[None]:
        """After the block, however it ends, close the runs that are still open, and the parent's."""
        try:
            yield
        except BaseException as error:
            self._leave(run, f"{type(error).__name__}: {error}")
            raise
        self._leave(run)

    def started(self, entry: TrialRecord) -> None:
        """Open the trial's run, or open it again. A trial begins in a process of its own: there is time now to send."""
        self._tracker.send()
        replicate = entry.replicate
        tags = {
            **self._tags,
            "crescendo.dataset_hash": self._place.recordings(replicate).content_hash,
            "crescendo.arm": entry.arm,
            "crescendo.phase": entry.phase,
            "crescendo.seed": entry.settings.get("seed"),
            **({} if replicate.fold is None else {FOLD_TAG: replicate.fold}),
            **({REPEAT_TAG: replicate.repeat} if self._study.repeats > 1 else {}),
        }
        where = f", {replicate.name}," if replicate.name else ""
        name = f"{entry.arm}{where} {entry.phase} {entry.number}"
        self._tracker.start_trial(
            entry.identity, name, tags, {**arm_named(self._study, entry.arm).ablated, **entry.settings}
        )

    def reported(self, entry: TrialRecord, report: ValidationReport) -> None:
        """Send a report's numbers."""
        self._pace.begin(self._run)
        numbers = result_numbers(report) | progress_numbers(report)
        self._tracker.report(entry.identity, numbers, report.iteration)

    def broke(self, entry: TrialRecord) -> None:
        """Say nothing: the run goes on when the trial does."""

    def held_up(self, entries: Sequence[TrialRecord], reason: str, seconds: float) -> None:
        """Say nothing: as above."""

    def planned(self, text: str) -> None:
        """Tell what the budget pays for: a tag of the parent run, and the study as it is now."""
        self._tracker.tag(STUDY, {BUDGET: text})
        self._tracker.artifact(STUDY, self._place.output / STUDY_FILE)

    def looked(self, look: Look) -> None:
        """Tell what was decided, as a tag of the parent run."""
        outcomes = (f"{arm}: {outcome}" for arm, outcome in look.outcomes.items())
        self._tracker.tag(
            STUDY, {f"{LOOK}.{look.seeds}": f"at {100 * look.level:.2g} % of error: {'; '.join(outcomes)}"}
        )

    def ended(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        """Send the last results, curves and files, and close the run; and when the study is likely to end."""
        tracker, identity = self._tracker, entry.identity
        self._tell_end()
        if entry.state is TrialState.FAIL:
            tracker.finish(identity, "FAILED", entry.failures[-1])
            return
        if entry.state is TrialState.PRUNED:
            tracker.finish(identity, "KILLED", f"pruned at iteration {max(entry.steps)}")
            return
        self._results(entry, report)
        tracker.finish(identity, reset=entry.chosen.get("reset"))

    def _tell_end(self) -> None:
        left = None if time.monotonic() - self._told < _TELL_EVERY else self._pace.seconds_left()
        if left is not None:
            self._told = time.monotonic()
            end = datetime.fromtimestamp(time.time() + left, UTC)
            self._tracker.tag(STUDY, {EXPECTED_END: end.isoformat(timespec="seconds")})

    def _start_study(self) -> None:
        tags = {
            **self._tags,
            "mlflow.note.content": self._study.description,
            "crescendo.arms": [arm.name for arm in arms_of(self._study)],
            "crescendo.baseline": baseline_of(self._study).name,
            **({} if self._place.untested is None else {"crescendo.untested": self._place.untested}),
        }
        with suppress(InputError):  # it may be away when only the records are sent
            tags["crescendo.dataset"] = open_dataset(self._place.dataset).metadata.name
        self._tracker.start_study(self._study.name, tags, self._study.to_json())
        self._tracker.artifact(STUDY, self._place.output / STUDY_FILE)

    def _results(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        """Send what a trial that ended well came to; what was heard before is not sent again."""
        tracker, identity = self._tracker, entry.identity
        *before, last = sorted(entry.steps)
        for iteration in before:
            tracker.report(identity, {str(OBJECTIVE): entry.steps[iteration]}, iteration)
        if report is not None:
            self.reported(entry, report)
            tracker.rows(identity, curves(report))
        else:
            chosen = cast(Decoding, entry.chosen)
            known = ValidationReport(last, entry.steps[last], done=True, chosen=chosen, seconds=entry.seconds)
            tracker.report(identity, {**entry.metrics, **progress_numbers(known)}, last)
        if entry.phase == "confirm" and (folder := outputs(self._place.trial(identity))).is_dir():
            tracker.artifacts(identity, folder)

    def _leave(self, run: StudyRun, broken: str | None = None) -> None:
        interrupted = None if run.over else broken or "interrupted"
        for identity in run.running:
            self._tracker.finish(identity, "KILLED", f"{interrupted}; resumable")
        if run.problem is not None:
            self._tracker.finish(STUDY, "FAILED", run.problem)
        elif interrupted is not None:
            self._tracker.finish(STUDY, "KILLED", f"{interrupted}; resumable")
        else:
            self._tracker.finish(STUDY)

    def _last(self, entry: TrialRecord) -> ValidationReport | None:
        try:
            return last_report(self._place.trial(entry.identity))
        except InputError:
            return None
