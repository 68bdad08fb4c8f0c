"""What a person sees of a sweep while it runs: a live table on a terminal, a line an event elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from optuna.trial import TrialState
from rich.console import Console, Group
from rich.live import Live

from crescendo.platform.studies.estimate import HoursEstimate
from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.pace import Pace
from crescendo.platform.studies.screen import Screen
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.study_tables import in_percent, progress_table, settings_text, tested_objective
from crescendo.platform.studies.timing import Timing
from crescendo.platform.terminal_text import literal
from crescendo.reports.analysis.looks import Look
from crescendo.search_spaces.arms import arm_named
from crescendo.search_spaces.cost import trainings
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.training.validation_report import ValidationReport

_REFRESH = 0.5


class Display:
    """Shows a `StudyRun` while it runs. A watcher of it; `tick` redraws when it is time."""

    def __init__(self, console: Console, log: Path | None = None) -> None:
        """Show nothing yet. `log` is a file to which every line is added, whatever becomes of the console."""
        self._screen = Screen(console, log)
        self._run: StudyRun | None = None
        self._drawn = time.monotonic()
        self._pace = Pace()
        self._notes: set[str] = set()
        self._estimate: HoursEstimate | None = None
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def show(self, run: StudyRun, remarks: Sequence[str] = ()) -> None:
        """Show `run` from now on; before anything else `remarks`, a line each."""
        self._run = run
        for remark in remarks:
            self.remark(remark)
        states = [entry.state for entry in run.everything()]
        self._estimate = HoursEstimate(run)
        known, resumed = len(states), states.count(TrialState.RUNNING)
        if known:
            over, again = counted(known - resumed, "trial is", "trials are"), counted(resumed, "resumes", "resume")
            left = f"; {self._estimate.left}" if self._estimate.known and not (run.over or run.look_due) else ""
            self._print(f"{run.study.name}: going on; {over} over, {again}{left}")
            if run.paid_for is not None:
                self._print(f"{run.study.name}: {run.paid_for}")
        elif not run.over:
            whole = counted(self._estimate.bill.trainings, "training")
            self._print(f"{run.study.name}: {whole}; hours follow once steps of the arms are timed")

    @property
    def worth_timing(self) -> bool:
        """Whether it is not known how long the study takes, and steps of its arms are to be timed before they train."""
        return self._estimate is not None and self._estimate.worth_timing

    def begin(self) -> None:
        """Say how long the study takes, if its trainings of an earlier start tell, now that it is known how many run at once."""
        if self._run is not None and self._estimate is not None:
            self._estimate.begin()
            if self._estimate.known:
                self._print(str(self._estimate))

    def timed(self, timing: Timing) -> None:
        """Say how long the study takes, by timed steps of its arms."""
        if self._estimate is not None:
            self._estimate.time(timing)
            self._print(str(self._estimate))

    def remark(self, line: str) -> None:
        """Show a line of its own."""
        self._print(line)

    def refused(self, error: InputError) -> None:
        """Keep in the log why the sweep ends; whoever called it says so."""
        self._screen.note(f"error: {error}")

    def __enter__(self) -> Self:
        if self._live is not None:
            with self._screen.given_up():
                self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            with self._screen.given_up():
                self._live.stop()

    @contextmanager
    def patience(self, what: str, seconds: float = 2.0) -> Iterator[None]:
        """Say `what` is being done if the block takes longer than `seconds`."""
        timer = threading.Timer(seconds, self._print, [what])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def tick(self) -> None:
        """Draw again, if it is time to."""
        if self._live is None or self._run is None or time.monotonic() - self._drawn < _REFRESH:
            return
        self._drawn = time.monotonic()
        footer = literal(f"{_side_by_side(self._run)}{self._footer(self._run)}")
        with self._screen.given_up():
            self._live.update(Group(progress_table(self._run, self._hours()), footer), refresh=True)

    def started(self, entry: TrialRecord) -> None:
        """Say nothing: the end of a trial is news, its start is not."""

    def reported(self, entry: TrialRecord, report: ValidationReport) -> None:
        """Say, once a sweep, what there is to know of how trials train; the live table shows the rest."""
        self._pace.begin(self._run)
        for note in report.notes:
            if note not in self._notes:
                self._notes.add(note)
                self._print(f"{_title(entry)}: {note}")
        if self._estimate is not None and self._estimate.hear(entry, report):
            self._print(str(self._estimate))

    def broke(self, entry: TrialRecord) -> None:
        """Say that a trial broke and will be tried again."""
        self._print(f"{_title(entry)}: broke, will be tried again: {entry.failures[-1]}")

    def held_up(self, entries: Sequence[TrialRecord], reason: str, seconds: float) -> None:
        """Say that trials wait for a disk, a data set or a machine."""
        who = _title(entries[0]) if len(entries) == 1 else f"{len(entries)} trials"
        when = f"in {seconds:.0f} s" if seconds else "elsewhere"
        self._print(f"{who}: held up, {when} again: {reason}")

    def ended(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        """Say how a trial ended; the live table shows it, too, unless it failed."""
        if entry.state is TrialState.FAIL:
            self._print(f"{_title(entry)}: failed: {entry.failures[-1]}", style="red")
        elif self._run is not None:
            run = self._run
            total = trainings(run.study, arm_named(run.study, entry.arm), run.seeds[entry.arm])[entry.phase]
            states = run.states(entry.arm, entry.phase, entry.replicate)
            count = f"{states[TrialState.COMPLETE] + states[TrialState.PRUNED]}/{total}"
            if entry.state is TrialState.PRUNED:
                outcome = f"stopped early at iteration {max(entry.steps)}"
            else:
                metric, value = _outcome(run, entry)
                outcome = f"{metric} {in_percent(value)} % ({settings_text(entry)}), {entry.seconds:.1f} s"
            line = f"{entry.phase} {_where(entry)} {count}: {outcome}; {self._footer(run)}"
            if self._live is None:
                self._print(line)
            else:
                self._screen.note(line)

    def planned(self, text: str) -> None:
        """Say what the budget pays for."""
        if self._run is not None:
            self._print(f"{self._run.study.name}: {text}")

    def looked(self, look: Look) -> None:
        """Say what was decided, a line an arm."""
        if self._run is None:
            return
        self._print(
            f"{self._run.study.name}: compared with {counted(look.seeds, 'seed')}, at {100 * look.level:.2g} % of error"
        )
        for arm, outcome in look.outcomes.items():
            self._print(f"  {arm}: {outcome}")

    def _hours(self) -> str:
        """Return how long the study takes, for the first line of the table; empty while that is not known."""
        return "" if self._estimate is None or not self._estimate.known else f"; {self._estimate.whole}"

    def _print(self, line: str, style: str | None = None) -> None:
        self._screen.show(line, style)

    def _footer(self, run: StudyRun) -> str:
        seconds = self._pace.seconds_left()
        left = "time left unknown" if seconds is None else f"{_duration(seconds)} left"
        frames = sum(report.frames_per_second for report in run.last.values())
        return f"{frames:,.0f} frames/s, {left}" if frames else left


def _side_by_side(run: StudyRun) -> str:
    """Say how many trials train in how many cohorts, where any train together."""
    trials, cohorts = len(run.running), run.cohorts
    return f"{counted(trials, 'trial')} in {counted(cohorts, 'cohort')}, " if trials > cohorts else ""


def _title(entry: TrialRecord) -> str:
    return f"{entry.phase} {_where(entry)} {entry.number} ({entry.identity})"


def _where(entry: TrialRecord) -> str:
    return f"{entry.arm}, {entry.replicate.name}," if entry.replicate.name else entry.arm


def _outcome(run: StudyRun, entry: TrialRecord) -> tuple[str, float]:
    name = tested_objective(run)
    if name in entry.metrics:
        return name, entry.metrics[name]
    return run.study.objective.metric, entry.value or 0.0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
