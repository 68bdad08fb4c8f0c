"""How a study stands, and what came of it, as tables that fit 80 columns and as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from optuna.trial import TrialState
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.study_trials import phases_of
from crescendo.platform.terminal_text import literal
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.cost import finalist_trainings
from crescendo.search_spaces.replicates import Replicate
from crescendo.trainables.evaluation.metric_keys import MEAN_AP, MetricKey

_FIRST_REPEAT = "repeat 1"
_OPTIMISTIC = "optimistic"
# Columns that a setting takes at least, to be read in few lines; more than any terminal has.
_SETTING, _WIDE = 24, 10_000
"""What a validation value is by which its setting was chosen."""


@dataclass(frozen=True)
class ProgressTable:
    """The state of every arm, and the setting that is best so far where the terminal is wide enough for both."""

    whole: Table
    without_setting: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table that fits."""
        needed = console.measure(self.whole, options=options.update_width(_WIDE)).minimum
        yield self.whole if needed <= options.max_width else self.without_setting


def progress_table(run: StudyRun, more: str = "") -> ProgressTable:
    """Return the state of every arm: of a study with several replicates in the first that is not over.

    `more` ends its first line.
    """
    return ProgressTable(_progress(run, more, setting=True), _progress(run, more, setting=False))


def _progress(run: StudyRun, more: str, *, setting: bool) -> Table:
    replicate = next((one for one in run.replicates if not run.finished(one)), run.replicates[-1])
    table = Table(title=f"{run.study.name}: {_phase(run, replicate)}{more}", title_justify="left")
    finalists = ("finalist",) if run.study.search.finalists > 1 else ()
    columns = ("arm", "search", *finalists, "confirm", "running", "failed")
    for name in (*columns, f"best (%),\n{_OPTIMISTIC}\n{run.study.objective.metric}"):
        table.add_column(name, justify="left" if name == "arm" else "right", no_wrap=True)
    if setting:
        table.add_column("setting", min_width=_SETTING)
    running = [entry.arm for entry in run.running.values() if entry.replicate == replicate]
    for arm in arms_of(run.study):
        search, *others = (run.states(arm.name, phase, replicate) for phase in phases_of(run.study))
        best, value = run.best(arm.name, replicate), run.chosen_by(arm.name, replicate)
        table.add_row(
            arm.name,
            f"{search[TrialState.COMPLETE] + search[TrialState.PRUNED]}/{arm.trials}",
            *(f"{others[0][TrialState.COMPLETE]}/{finalist_trainings(run.study, arm)}" for _ in finalists),
            f"{len(run.confirmed(arm.name, replicate))}/{run.seeds[arm.name]}",
            str(running.count(arm.name)),
            str(sum(states[TrialState.FAIL] for states in (search, *others))),
            "" if value is None else in_percent(value),
            *([literal(settings_text(best) if best is not None else "")] if setting else []),
        )
    return table


def outcome(run: StudyRun) -> Iterator[Table | str]:
    """Yield what came out: each arm's confirmed test mAP as a table, then its best setting.

    Of a study with several replicates: means over them, and what they are means of.
    """
    study, over = run.study, "seeds" if len(run.replicates) == 1 else f"the means of {_replicates(run)}"
    scored, tested = scored_split(run), tested_objective(run)
    mean = str(MEAN_AP.on(scored))
    if run.place.untested is not None:
        yield f"{study.name}: nothing was tested: {run.place.untested}; confirmed arms are scored on the validation split"
    whose = "the test split" if scored == "test" else "confirmed runs"
    yield f"{study.name}: mAP in percent; of {whose}, mean ± standard deviation over {over}"
    table = Table()
    table.add_column("arm", no_wrap=True)
    for name in (f"validation,\n{_OPTIMISTIC}", "test" if scored == "test" else "confirmed"):
        table.add_column(f"{name}\n{study.objective.metric}", justify="right", no_wrap=True)
    table.add_column(f"{'test' if scored == 'test' else 'confirmed'}\n{MEAN_AP}", justify="right", no_wrap=True)
    table.add_column("seeds", justify="right")
    for arm in arms_of(study):
        found = [value for one in run.replicates if (value := run.chosen_by(arm.name, one)) is not None]
        confirmed = [run.confirmed(arm.name, one) for one in run.replicates]
        table.add_row(
            arm.name,
            in_percent(fmean(found)) if found else "none",
            _spread(confirmed, tested),
            _spread(confirmed, mean),
            f"{sum(map(len, confirmed))}/{run.seeds[arm.name] * len(run.replicates)}",
        )
    yield table
    for arm in arms_of(study):
        yield _best(run, arm) if len(run.replicates) == 1 else _by_replicate(run, arm, tested)


def settings_text(entry: TrialRecord) -> str:
    """Return what was proposed for a trial and chosen after it; of a confirmation its seed."""
    shown: Mapping[str, object] = {**entry.values, **entry.chosen}
    if entry.phase != "search":
        shown = {"seed": entry.settings["seed"]}
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in shown.items()
    )


def scored_split(run: StudyRun) -> str:
    """Return the split that confirmed runs are scored on: `test`, or `validation` where nothing can be tested."""
    return "test" if run.place.untested is None else "validation"


def in_percent(value: float) -> str:
    """Return a fraction of 1 as a person reads it: 0.526 -> `52.6`."""
    return f"{100 * value:.1f}"


def tested_objective(run: StudyRun) -> str:
    """Return the name that the study's objective has on the split that confirmed runs are scored on."""
    return str(MetricKey.read(run.study.objective.metric).on(scored_split(run)))


def _phase(run: StudyRun, replicate: Replicate) -> str:
    arms = arms_of(run.study)
    searched = all(run.searched(arm, replicate) for arm in arms)
    decided = all(run.decided(arm, replicate) for arm in arms)
    phase = "confirming" if decided else "training finalists again" if searched else "searching"
    if len(run.replicates) == 1:
        return phase
    number = run.replicates.index(replicate) + 1
    return f"{replicate.name or _FIRST_REPEAT} ({number} of {len(run.replicates)}): {phase}"


def _replicates(run: StudyRun) -> str:
    folds, repeats = len({one.fold for one in run.replicates}), run.study.repeats
    parts = [f"{folds} folds"] if folds > 1 else []
    return " x ".join([*parts, f"{repeats} repeats"] if repeats > 1 else parts)


def _best(run: StudyRun, arm: Arm) -> str:
    best = run.best(arm.name, run.replicates[0])
    return f"{arm.name}: best {settings_text(best) if best is not None else 'none, every trial failed or was stopped'}"


def _by_replicate(run: StudyRun, arm: Arm, tested: str) -> str:
    means = (f"{_mean(run.confirmed(arm.name, one), tested)} ({one.name or _FIRST_REPEAT})" for one in run.replicates)
    return f"{arm.name}: {tested} {', '.join(means)}"


def _mean(entries: Sequence[TrialRecord], name: str) -> str:
    values = _values(entries, name)
    return in_percent(fmean(values)) if values else "none"


def _spread(confirmed: Sequence[Sequence[TrialRecord]], name: str) -> str:
    """Return the mean and standard deviation of a metric: over the seeds of one replicate, else over the replicates."""
    each = [_values(entries, name) for entries in confirmed]
    values = each[0] if len(each) == 1 else [fmean(one) for one in each if one]
    if not values:
        return ""
    return " ± ".join(map(in_percent, (fmean(values), stdev(values)) if len(values) > 1 else values))


def _values(entries: Sequence[TrialRecord], name: str) -> list[float]:
    return [entry.metrics[name] for entry in entries if name in entry.metrics]
