"""`crescendo study`: list, show, validate and plan studies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.syntax import Syntax

from crescendo.platform.commands.options import CheckedCommand
from crescendo.platform.commands.study_plan import plan
from crescendo.platform.studies.cohorts import FILLS_A_GPU, SHARE_A_GPU, take_turns, together
from crescendo.platform.studies.settings import (
    SYNTHETIC,
    auto_reasons,
    check_dataset,
    load_study,
    study_schema,
    study_source,
)
from crescendo.platform.terminal_text import json_text, say, terminal_console
from crescendo.search_spaces.arms import arms_of, baseline_of
from crescendo.search_spaces.cost import cost
from crescendo.search_spaces.loading import shipped_studies
from crescendo.search_spaces.record import STUDY_FILE
from crescendo.search_spaces.schema.confirm import Confirm
from crescendo.search_spaces.schema.phases import Resources
from crescendo.search_spaces.study import Study
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.addresses import shown_dataset
from crescendo.trainables.text import visible

study = typer.Typer(no_args_is_help=True, add_completion=False, help="Look at studies, and check them before they run.")

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="A study's YAML file, or the name of a shipped one.")]
Assignments = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change the study: search.trials=4. May be repeated.")
]
DatasetFolder = Annotated[
    str | None,
    typer.Option("--dataset", metavar="DIR", help="Prepared data set to use instead, or its URI (s3://...)."),
]


@study.command("validate", cls=CheckedCommand)
def validate(name: StudyName, assignments: Assignments = [], dataset: DatasetFolder = None) -> None:  # noqa: B006
    """Show every error of a study at once, or what the study will cost."""
    checked = load_study(name, assignments, dataset)
    try:
        check_dataset(checked)
        remarks, fault = _remarks(checked), None
    except InputError as error:
        remarks, fault = (), error
    is_so = "valid" if fault is None else "the study is in order, its data are not"
    for line in (f"{checked.name}: {is_so}", *_summary(checked)):
        say(line)
    if fault is None:
        say(f"  hours      {_hours(checked)}")
    for line in remarks:
        say(line)
    if fault is not None:
        raise fault


@study.command("list", cls=CheckedCommand)
def list_studies() -> None:
    """List the studies that ship with Crescendo."""
    names = shipped_studies()
    for name in names:
        say(f"{name:<{max(map(len, names))}}  {load_study(name).description}")


@study.command("show", cls=CheckedCommand)
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="STUDY", help="A study's YAML file, a shipped one's name, or a sweep's output folder."),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Trials of an output folder as JSON.")] = False,
) -> None:
    """Print a study's YAML, a start for one of your own; of a sweep's output folder, list its trials."""
    # A folder that only bears the name of a shipped study hides it nowhere else.
    if Path(name).is_dir() and ((Path(name) / STUDY_FILE).is_file() or name not in shipped_studies()):
        _show_trials(Path(name), json_output)
        return
    if json_output:
        raise InputError(f"--json: lists the trials of a sweep's output folder, but {name} is none")
    if name not in shipped_studies() and not Path(name).exists():
        shipped = ", ".join(shipped_studies())
        raise InputError(f"{name}: neither a file nor a shipped study ({shipped}), nor the output folder of a sweep")
    text = study_source(name)
    console = terminal_console()
    if console.is_terminal:
        shown = visible("\n".join(text.splitlines()))
        console.print(Syntax(shown, "yaml", background_color="default"))
    else:
        typer.echo(text, nl=False)


def _show_trials(output: Path, json_output: bool) -> None:
    # Optuna takes its time, and `study list` has no need of it.
    from crescendo.platform.studies.recorded_trials import read_trials
    from crescendo.platform.studies.trial_table import trial_tables, trials_json

    trials = read_trials(output)
    if json_output:
        say(json_text(trials_json(trials, output), indent=2))
        return
    console = terminal_console()
    for part in trial_tables(trials, output):
        console.print(part, soft_wrap=isinstance(part, str))


study.command("plan", cls=CheckedCommand)(plan)


@study.command("schema", cls=CheckedCommand)
def schema() -> None:
    """Print the JSON schema of a study, for an editor that completes and checks YAML."""
    typer.echo(json.dumps(study_schema(), indent=2))


def _summary(checked: Study) -> Iterator[str]:
    """Yield what the study will do, a line at a time."""
    # pyarrow takes its time, and `study list` has no need of it.
    from crescendo.platform.studies.study_data import fold_names

    folds = fold_names(checked) if checked.folds is not None else ()
    bill = cost(checked, len(folds or ()) or 1)
    if checked.description:
        yield f"  {checked.description}"
    yield f"  data set   {shown_dataset(checked.dataset)}"
    if checked.folds is not None:
        found = (
            f"{len(folds)} ({', '.join(folds)})" if folds else "those of the data set; what follows is of one of them"
        )
        yield f"  folds      {found}; every arm is searched and confirmed in each"
    if checked.repeats > 1:
        yield f"  repeats    {checked.repeats}: every arm is searched and confirmed anew in each"
    for reason in auto_reasons(checked):
        yield f"  {reason}"
    yield f"  objective  {checked.objective.split}/{checked.objective.metric}, {checked.objective.direction}"
    for arm in arms_of(checked):
        mark = " (baseline)" if arm == baseline_of(checked) else ""
        trials = counted(arm.trials, "trial")
        space = "; ".join(f"{key} {one}{_when(one.when)}" for key, one in arm.space.items()) or "nothing searched"
        yield f"  arm        {arm.name}{mark}: {trials}, {space}"
    first = arms_of(checked)[0].decode
    yield f"  decode     merge_gap {first.merge_gap}; reset {', '.join(first.reset)}"
    times, at_most = _times(checked, len(folds or ())), "at most " if checked.confirm.until else ""
    yield f"  search     {counted(bill.arms, 'arm')}{times}: {counted(bill.trials, 'trial')}"
    if bill.finalists:
        kept = min(checked.search.finalists, max(arm.trials for arm in arms_of(checked)))
        each = checked.search.finalist_seeds
        yield (
            f"  finalists  {counted(bill.arms, 'arm')} x up to {counted(kept, 'setting')} x {counted(each, 'seed')}{times}: "
            f"{counted(bill.finalists, 'training')}"
        )
    yield (
        f"  confirm    {counted(bill.arms, 'arm')} x {_seeds(checked.confirm)}{times}: "
        f"{at_most}{counted(bill.confirmations, 'training')}"
    )
    yield (
        f"  cost       {at_most}{counted(bill.trainings, 'training')}, {counted(bill.iterations, 'iteration')} on "
        f"{counted(bill.frames, 'frame')}; {counted(bill.passes, 'forward pass')} over the validation recordings for "
        f"{counted(bill.gaps, 'decoding')}"
    )
    yield f"  resources  {_resources(checked.resources)}"


def _seeds(confirm: Confirm) -> str:
    first, *more = confirm.looks
    if not more:
        return counted(first, "seed")
    return f"{first} to {counted(confirm.most, 'seed')} (compared with {', '.join(map(str, confirm.looks))})"


def _hours(checked: Study) -> str:
    """Return how long the study takes, by a few timed steps of every arm where its data are at hand."""
    if checked.dataset == SYNTHETIC:
        return "not estimated: the data set is made as the sweep begins, which then tells"
    # As above; and torch takes seconds.
    from crescendo.platform.studies.study_data import fold_names
    from crescendo.platform.studies.timed_steps import timed
    from crescendo.platform.studies.timing import at_once, data_at_hand
    from crescendo.reports.planning.clock import clock, hours_text

    data = data_at_hand(checked)
    if data is None:
        return "not estimated: the data set is not on this machine"
    found = timed(checked, data)
    if found is None:
        return "not estimated: the study asks for a GPU, and this machine has none; a sweep tells once its arms train"
    whole = clock(cost(checked, len(fold_names(checked) or ()) or 1), found.hours)
    side_by_side = 1 if checked.resources.gpus else at_once(checked.resources)
    beside = f", {hours_text(whole / side_by_side)} if {side_by_side} run at once" if side_by_side > 1 else ""
    less = "; less in cohorts" if together(checked.resources) else ""
    budget = "" if checked.budget is None else f"; as it is written, with a budget of {checked.budget}"
    at_most = " at most" if checked.confirm.until else ""
    return (
        f"about {hours_text(whole)} of training{at_most}, one after the other{beside}{less}, on this machine, "
        f"by {found}{budget}"
    )


def _remarks(checked: Study) -> tuple[str, ...]:
    """Open the data sets of this machine as a sweep does, and return what its user should know of them, in lines."""
    # As above.
    from crescendo.platform.studies.study_data import open_data
    from crescendo.trainables.data.remote import is_remote

    sets = checked.folds if isinstance(checked.folds, tuple) else (checked.dataset,)
    if any(map(is_remote, sets)):
        return (
            "the data set is at a URI and was not looked at, which would copy all of it to this machine: a sweep does, and "
            "checks it before it starts",
        )
    if checked.dataset == SYNTHETIC:
        return ()
    return open_data(checked, Path(), checked.dataset)[1]


def _times(checked: Study, folds: int) -> str:
    """Return by what else than arms and seeds the trainings of a study are multiplied."""
    parts = ((folds, "folds"), (checked.repeats, "repeats"))
    return "".join(f" x {count} {what}" for count, what in parts if count > 1)


def _resources(resources: Resources) -> str:
    share = f", {resources.gpus:g} GPU" if resources.gpus else ""
    at_once = f"{resources.concurrent} at once" if resources.concurrent else "as many at once as fit"
    if not together(resources):
        return f"{resources.cpus} CPU{share} a trial, {at_once}"
    size = FILLS_A_GPU if resources.cohort == "auto" else resources.cohort
    turns = f"; {SHARE_A_GPU} take turns at a GPU" if take_turns(resources) else ""
    return f"{resources.cpus} CPU{share} a cohort of up to {counted(size, 'trial')}, {at_once}{turns}"


def _when(conditions: dict[str, tuple[bool | int | float | str, ...]]) -> str:
    if not conditions:
        return ""
    return " when " + " and ".join(f"{key} is {' or '.join(map(str, values))}" for key, values in conditions.items())
