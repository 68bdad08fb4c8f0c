"""What a person sees of a sweep: a live table on a terminal, a line an event elsewhere, and the outcome at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from types import TracebackType
from typing import Self

from optuna.trial import TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.screen import Screen
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.study_trials import PHASES
from crescendo.platform.terminal_text import literal
from crescendo.search_spaces.arms import Arm, arm_named, arms_of
from crescendo.trainables.evaluation.metric_keys import MEAN_AP, MetricKey
from crescendo.trainables.training.validation_report import ValidationReport

_REFRESH = 0.5


class Display:
    """Shows a `StudyRun` while it runs. A watcher of it; `tick` redraws when it is time."""

    def __init__(self, console: Console, log: Path | None = None) -> None:
        """Show nothing yet. `log` is a file to which every line is added, whatever becomes of the console."""
        self._screen = Screen(console, log)
        self._run: StudyRun | None = None
        self._began = self._drawn = time.monotonic()
        self._work_before = 0.0
        self._notes: set[str] = set()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def show(self, run: StudyRun) -> None:
        """Show `run` from now on."""
        self._run = run
        self._began, self._work_before = time.monotonic(), _work(run)
        states = [run.states(arm.name, phase) for arm in arms_of(run.study) for phase in PHASES]
        known, resumed = sum(one.total() for one in states), sum(one[TrialState.RUNNING] for one in states)
        if known:
            self._print(f"{run.study.name}: going on; {known - resumed} trials are over, {resumed} resume")

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

    def tick(self) -> None:
        """Draw again, if it is time to."""
        if self._live is None or self._run is None or time.monotonic() - self._drawn < _REFRESH:
            return
        self._drawn = time.monotonic()
        footer = literal(f"{_side_by_side(self._run)}{self._footer(self._run)}")
        with self._screen.given_up():
            self._live.update(Group(progress_table(self._run), footer), refresh=True)

    def started(self, entry: TrialRecord) -> None:
        """Say nothing: the end of a trial is news, its start is not."""

    def reported(self, entry: TrialRecord, report: ValidationReport) -> None:
        """Say, once a sweep, what there is to know of how trials train; the live table shows the rest."""
        for note in report.notes:
            if note not in self._notes:
                self._notes.add(note)
                self._print(f"{_title(entry)}: {note}")

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
            total = arm_named(run.study, entry.arm).trials if entry.phase == "search" else len(run.study.confirm.seeds)
            states = run.states(entry.arm, entry.phase)
            count = f"{states[TrialState.COMPLETE] + states[TrialState.PRUNED]}/{total}"
            if entry.state is TrialState.PRUNED:
                outcome = f"stopped early at iteration {max(entry.steps)}"
            else:
                metric, value = _outcome(run, entry)
                outcome = f"{metric} {value:.3f} ({_settings(entry)}), {entry.seconds:.1f} s"
            line = f"{entry.phase} {entry.arm} {count}: {outcome}; {self._footer(run)}"
            if self._live is None:
                self._print(line)
            else:
                self._screen.note(line)

    def _print(self, line: str, style: str | None = None) -> None:
        self._screen.show(line, style)

    def _footer(self, run: StudyRun) -> str:
        work, elapsed = _work(run), time.monotonic() - self._began
        rate = (work - self._work_before) / max(elapsed, 1e-9)
        left = f"{_duration((_total(run) - work) / rate)} left" if rate > 0 else "time left unknown"
        frames = sum(report.frames_per_second for report in run.last.values())
        return f"{frames:,.0f} frames/s, {left}" if frames else left


def progress_table(run: StudyRun) -> Table:
    """Return the state of every arm as a table."""
    table = Table(title=f"{run.study.name}: {_phase(run)}", title_justify="left")
    for name in ("arm", "search", "confirm", "running", "failed", f"best\n{run.study.objective.metric}", "setting"):
        table.add_column(name, justify="left" if name in ("arm", "setting") else "right", no_wrap=name == "arm")
    running = [entry.arm for entry in run.running.values()]
    for arm in arms_of(run.study):
        search, confirm = run.states(arm.name, "search"), run.states(arm.name, "confirm")
        best = run.best(arm.name)
        table.add_row(
            arm.name,
            f"{search[TrialState.COMPLETE] + search[TrialState.PRUNED]}/{arm.trials}",
            f"{len(run.confirmed(arm.name))}/{len(run.study.confirm.seeds)}",
            str(running.count(arm.name)),
            str(search[TrialState.FAIL] + confirm[TrialState.FAIL]),
            f"{best.value:.3f}" if best is not None and best.value is not None else "",
            literal(_settings(best) if best is not None else ""),
        )
    return table


def outcome(run: StudyRun) -> Iterator[Table | str]:
    """Yield what came out: each arm's confirmed test mAP as a table that fits 80 columns, then its best setting."""
    metric = run.study.objective.metric
    tested, mean = _tested(run), str(MEAN_AP.on("test"))
    yield f"{run.study.name}: mAP; of the test split, mean ± standard deviation over seeds"
    table = Table()
    table.add_column("arm", no_wrap=True)
    for name in ("validation", "test"):
        table.add_column(f"{name}\n{metric}", justify="right", no_wrap=True)
    table.add_column(f"test\n{MEAN_AP}", justify="right", no_wrap=True)
    table.add_column("seeds", justify="right")
    for arm in arms_of(run.study):
        best, confirmed = run.best(arm.name), run.confirmed(arm.name)
        table.add_row(
            arm.name,
            f"{best.value:.3f}" if best is not None and best.value is not None else "none",
            _spread(confirmed, tested),
            _spread(confirmed, mean),
            f"{len(confirmed)}/{len(run.study.confirm.seeds)}",
        )
    yield table
    for arm in arms_of(run.study):
        best = run.best(arm.name)
        yield f"{arm.name}: best {_settings(best) if best is not None else 'none, every trial failed or was stopped'}"


def _phase(run: StudyRun) -> str:
    searched = all(run.searched(arm) for arm in arms_of(run.study))
    return "confirming" if searched else "searching"


def _side_by_side(run: StudyRun) -> str:
    """Say how many trials train in how many cohorts, where any train together."""
    trials, cohorts = len(run.running), run.cohorts
    return f"{trials} trials in {cohorts} cohort{'s' if cohorts > 1 else ''}, " if trials > cohorts else ""


def _title(entry: TrialRecord) -> str:
    return f"{entry.phase} {entry.arm} {entry.number} ({entry.identity})"


def _tested(run: StudyRun) -> str:
    """Return the name that the study's objective has on the test split."""
    return str(MetricKey.read(run.study.objective.metric).on("test"))


def _outcome(run: StudyRun, entry: TrialRecord) -> tuple[str, float]:
    name = _tested(run)
    if name in entry.metrics:
        return name, entry.metrics[name]
    return run.study.objective.metric, entry.value or 0.0


def _settings(entry: TrialRecord) -> str:
    shown: Mapping[str, object] = {**entry.values, **entry.chosen}
    if entry.phase == "confirm":
        shown = {"seed": entry.settings["seed"]}
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in shown.items()
    )


def _spread(entries: Sequence[TrialRecord], name: str) -> str:
    values = [entry.metrics[name] for entry in entries if name in entry.metrics]
    if not values:
        return ""
    return f"{fmean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


def _work(run: StudyRun) -> float:
    """Return the iterations done, of those the study asks for; a trial stopped early has saved the rest."""
    work = 0.0
    for arm in arms_of(run.study):
        search = run.states(arm.name, "search")
        ended = search[TrialState.COMPLETE] + search[TrialState.PRUNED] + len(run.confirmed(arm.name))
        work += ended * _iterations(arm)
    return work + sum(report.iteration for report in run.last.values())


def _total(run: StudyRun) -> float:
    seeds = len(run.study.confirm.seeds)
    return float(sum((arm.trials + seeds) * _iterations(arm) for arm in arms_of(run.study)))


def _iterations(arm: Arm) -> int:
    return int(arm.settings.get("iterations", 1))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
