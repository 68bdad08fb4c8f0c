"""`crescendo study plan`: what a study costs and sees, before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crescendo.platform.studies.settings import load_study
from crescendo.platform.terminal_text import say
from crescendo.search_spaces.study import Study
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.files import check_file
from crescendo.trainables.storage.json_files import write_json

if TYPE_CHECKING:
    from crescendo.platform.studies.timing import Timing
    from crescendo.trainables.data.dataset import Dataset


def plan(
    name: Annotated[str, typer.Argument(metavar="STUDY", help="A study's YAML file, or the name of a shipped one.")],
    detect: Annotated[
        float, typer.Option(metavar="POINTS", help="Difference that is to be shown, in points of the objective.")
    ] = 1.0,
    results: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RESULTS",
            help="Finished study to plan from: its folder or report.json; default: shipped figures.",
        ),
    ] = None,
    assignments: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="Change the study: search.trials=4. May be repeated."),
    ] = [],  # noqa: B006
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", metavar="DIR", help="Prepared data set to use instead, or its URI (s3://...)."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every number there, too.")
    ] = None,
) -> None:
    """Tell how many trainings and hours a study takes, what difference it would show, and what design shows POINTS."""
    # matplotlib, MLflow and Optuna take seconds, which --help does without.
    from crescendo.platform.studies.study_data import fold_names
    from crescendo.reports.planning.plan import changes
    from crescendo.reports.planning.plan import plan as planned
    from crescendo.reports.planning.reading import measured_sources, shipped_sources
    from crescendo.reports.planning.sentences import lines_of

    if not 0 < detect <= 100:
        raise InputError(f"--detect: must be more than 0 points and at most 100 but got {detect:g}")
    if json_file is not None:
        check_file(json_file)
    study = load_study(name, assignments, dataset)
    folds, data = fold_names(study), _data(study)
    named = None if data is not None else study.name
    sources = measured_sources(results) if results else shipped_sources(_called(study, data), named)
    if folds is None and (sources.folds == 1 or sources.study != study.name):
        raise InputError(f"{study.name}: folds: own, but its data set is not here; name it with --dataset")
    # Where the data set is not here, its folds are those that the same study had.
    count = sources.folds if folds is None else len(folds)
    _check_question(study, sources.measure, sources.primary, results)
    if study.folds is None and sources.folds > 1 and data is not None:
        sources = sources.on(_split(data, sum(sources.groups)))
    timing = None if sources.hours is not None else _timing(study)
    hours = sources.hours if timing is None else timing.hours
    found = planned(study, count or None, sources, hours, detect)
    for line in lines_of(
        found,
        changes(study, found.reaching) if found.reaching else (),
        changes(study, found.half) if found.half else (),
    ):
        say(line)
    if timing is not None:
        say(
            f"Hours are those of {counted(timing.steps, 'iteration')} of each arm, timed here: training and scoring.",
            err=True,
        )
    if json_file is not None:
        write_json(json_file, found.to_json())


def _data(study: Study) -> Dataset | None:
    """Return the study's data set, where it lies on this machine and is one for all folds."""
    # As above.
    from crescendo.trainables.data.dataset import Dataset

    return Dataset(study.dataset) if (Path(study.dataset) / "dataset.json").is_file() else None


def _called(study: Study, data: Dataset | None) -> str:
    return data.metadata.name if data is not None else study.dataset.rstrip("/").rpartition("/")[2]


def _split(data: Dataset, tested_in_folds: int) -> tuple[int, int] | None:
    """Return how many groups are tested, and validated on, on the data set's own split.

    None where its groups are others than those measured, of which all folds test so many: people, say, for recordings.
    """
    groups, subsets = data.annotations.groups(), ("training", "validation", "test")
    every = [name for subset in subsets for name in data.recordings(subset)]
    if groups.count(every) != tested_in_folds:
        return None
    return groups.count(data.recordings("test")), groups.count(data.recordings("validation"))


def _check_question(study: Study, measure: str, primary: str, results: str | None) -> None:
    asked = (study.objective.metric, study.primary)
    if asked != (measure, primary):
        raise InputError(
            f"{study.name}: asks about {asked[0]} in {asked[1]}, but {results or 'what ships'} measured {measure} in {primary}; "
            "name a study that asked the same with --from"
        )


def _timing(study: Study) -> Timing | None:
    # torch takes seconds, and a plan from a finished study has no need of it.
    from crescendo.platform.studies.timed_steps import timed
    from crescendo.platform.studies.timing import data_at_hand

    data = data_at_hand(study)
    return None if data is None else timed(study, data)
