"""What a page says of a study that has not finished: how far it has come, when it is likely to end, what is undecided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from crescendo.reports.analysis.looks import Look
from crescendo.reports.analysis.progress import Count, Progress
from crescendo.reports.analysis.report_model import ReportModel, StudySummary
from crescendo.reports.planning.clock import hours_text
from crescendo.trainables.plurals import counted

_PHASES = {"search": "Search", "finalist": "Finalists", "confirm": "Confirm"}


@dataclass(frozen=True)
class Renewal:
    """That a page loads itself anew, so many whole `seconds` after it was loaded; `written` is when it was made."""

    seconds: int
    written: str


@dataclass(frozen=True)
class ProgressSection:
    """The progress of one study, in sentences and as trainings done: all together, and as a table.

    `columns` and `rows` are texts; of a study in folds or with repeats the rows of those follow the arms'.
    """

    state: str
    sentences: tuple[str, ...]
    done: int
    asked: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def progress_sections(model: ReportModel) -> list[ProgressSection]:
    """Return a section for each study of `model` that has not finished."""
    return [
        _section(study, study.progress, model.looks if len(model.studies) == 1 else ())
        for study in model.studies
        if study.progress is not None
    ]


def progress_line(progress: Progress) -> str:
    """Return how far a study has come: `31 of 88 trainings are done (35 %), 2 are under way; about 40 min left`."""
    left = "" if not progress.running else f"; {_left(progress)}"
    return f"{_done(progress.whole, running=progress.running)}{left}"


def moment(seconds: float) -> str:
    """Return a moment in seconds since 1970 as a person of this machine reads it: `2026-11-27 15:25 UTC`."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def _section(study: StudySummary, progress: Progress, looks: tuple[Look, ...]) -> ProgressSection:
    phases = tuple(next(iter(progress.arms.values()), {}))
    columns = ("", *(_PHASES[phase] for phase in phases), "Under way" if progress.running else "Begun", "Failed")
    rows = tuple(_row(name, counts) for name, counts in (*progress.arms.items(), *progress.replicates.items()))
    sentences = (_how_it_stands(progress), *_undecided(study, progress, looks))
    state = f"{study.name} is running" if progress.running else f"{study.name} is stopped"
    return ProgressSection(state, sentences, progress.whole.done, progress.whole.asked, columns, rows)


def _how_it_stands(progress: Progress) -> str:
    done = _done(progress.whole, running=progress.running)
    if progress.running:
        unsure = "" if progress.works else f" Its last sign of life: {_seen(progress)}."
        return f"{done[0].upper()}{done[1:]}; {_left(progress)}.{unsure}"
    why = f" ({progress.reason})" if progress.reason else ""
    return (
        f"No sweep works on it now, as far as this machine can see{why}; its last sign of life: {_seen(progress)}. {done}. "
        "The command that began it goes on with it."
    )


def _done(count: Count, *, running: bool) -> str:
    share = f" ({100 * count.done / count.asked:.0f} %)" if count.asked else ""
    under_way = f", {count.running} under way" if running and count.running else ""
    return f"{count.done} of {counted(count.asked, 'training')} done{share}{under_way}"


def _left(progress: Progress) -> str:
    if progress.expected_end is None or progress.seen is None:
        return "how long the rest takes is not known yet"
    hours = max(0.0, progress.expected_end - progress.seen) / 3600
    return f"about {hours_text(hours)} left, until {moment(progress.expected_end)}"


def _seen(progress: Progress) -> str:
    return "not known" if progress.seen is None else moment(progress.seen)


def _undecided(study: StudySummary, progress: Progress, looks: tuple[Look, ...]) -> Iterator[str]:
    for look in looks:
        outcomes = "; ".join(f"{arm} {outcome}" for arm, outcome in look.outcomes.items())
        yield f"Compared with {look.seeds} seeds, as planned: {outcomes}."
    following = next((seeds for seeds in study.looks if seeds > max((one.seeds for one in looks), default=0)), None)
    if len(study.looks) > 1 and following is not None:
        yield (
            f"Nothing else is decided: the arms that are undecided are compared next once they have {following} seeds in "
            "each fold and repeat."
        )
    elif len(study.looks) <= 1:
        yield (
            "Nothing is decided: the arms are compared for an answer once, when each has all its seeds. What stands below is "
            "what the study has come to so far, and may change."
        )


def _row(name: str, counts: Mapping[str, Count]) -> tuple[str, ...]:
    every = list(counts.values())
    return (
        name,
        *(f"{count.done}/{count.asked}" for count in every),
        str(sum(count.running for count in every)),
        str(sum(count.failed for count in every)),
    )
