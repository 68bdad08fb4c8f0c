"""Make the figures that `crescendo study plan` ships with from a finished study; no number is typed by hand.

    .venv/bin/python benchmarks/planning_figures.py RESULTS DATASET

RESULTS is the study's output folder or its report.json, DATASET the prepared data set that it ran on, or the folder of several
that are its folds. What is written, to reports/planning/figures/NAME.json, is what the study's report says under `sources`, and
how many groups of recordings the data set's own split tests and validates on; several have none. Hours are left out: they are
those of a machine, not of a data set.

Where the detections of a study in folds are gone, its recordings cannot be resampled. The parts then follow from the values that
every confirmed training has on two sets of people, those tested and those validated on (`by_values`).
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from crescendo.reports.analysis.member import Member, members_of
from crescendo.reports.analysis.planning import Components
from crescendo.reports.analysis.variance import Layout
from crescendo.reports.planning.luck import luck
from crescendo.reports.planning.measuring import settings_of
from crescendo.reports.planning.reading import measured_sources
from crescendo.reports.planning.sources import Sources, Spread
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.search_spaces.schema.folds import Parts
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.fold_sets import fold_sets
from crescendo.trainables.data.folds import made_folds
from crescendo.trainables.data.metadata import hash_of
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import write_json

FIGURES = Path(__file__).parents[1] / "reports" / "planning" / "figures"


def by_values(results: str, dataset: Dataset) -> Sources:
    """Return what a study in folds measured, one search of each arm in each, from the values of its confirmed trainings.

    In points squared, means over arms, of differences to the baseline: what the seeds of a fold vary, on the people tested, is
    due to the seed and to seed and people together; what they vary in common on the people validated on, to the seed alone.
    What folds vary, on the people tested, is due to people, seeds and search; what they vary in common on both, to search and
    seeds. That last is small against its error, so the search counts with at least what its simulation has.
    """
    runs = read_study_runs(results)
    study, members = runs.study, members_of([runs])
    if not isinstance(study.folds, Parts) or study.repeats > 1 or study.primary != "detection":
        raise InputError(
            f"{results}: must be in parts made of the recordings, one search in each, asking about detection"
        )
    folds = made_folds(study.folds.count, study.folds.by)
    groups = dataset.annotations.groups()
    counts = tuple(groups.count(fold.of(dataset).recordings("test")) for fold in folds)
    tested, validated = (_values(members, f"{subset}/{study.objective.metric}") for subset in ("test", "validation"))
    baseline = [member.name for member in members].index(runs.baseline)
    test, other = (np.delete(one, baseline, axis=0) - one[baseline] for one in (tested, validated))
    seeds, people = test.shape[2], float(np.mean(counts))
    of_seeds = float(test.var(axis=2, ddof=1).mean())
    seed = min(of_seeds, max(0.0, _together(test, other)))
    of_folds = float(test.mean(axis=2).var(axis=1, ddof=1).mean())
    rest = max(0.0, of_folds - of_seeds / seeds)
    found = Components(group=rest * people, search=0.0, seed=seed, together=(of_seeds - seed) * people)
    layout = Layout(counts, 1, seeds)
    settings = settings_of(members, _fractions(found), layout)
    common = _together(test.mean(axis=2)[:, None, :], other.mean(axis=2)[:, None, :]) - seed / seeds
    trials = max(member.arm.trials for member in members)
    simulated = luck(settings, trials).variance if settings else 0.0
    search = min(rest, max(common, simulated))
    spread = Spread(
        group=math.sqrt((rest - search) * people),
        seed=math.sqrt(seed),
        together=math.sqrt(found.together),
        search=math.sqrt(search),
    )
    return Sources(
        study=runs.name, dataset=runs.dataset, dataset_hash=runs.dataset_hash, measure=study.objective.metric,
        primary=study.primary, groups=counts, groups_are=groups.are if groups.of else "recordings",
        repeats=1, seeds=seeds, compared=len(members) - 1,
        trials=trials, finalists=1, finalist_seeds=0, spread=spread, settings=settings, hours=None,
    )  # fmt: skip


def _values(members: list[Member], key: str) -> np.ndarray:
    """Return a metric of every confirmed training, in points, (arms, folds, seeds)."""
    return 100 * np.array(
        [[[run.metrics[key] for run in one.confirm] for one in member.replicates] for member in members]
    )


def _together(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the mean covariance along the last axis."""
    centred = (one - one.mean(axis=-1, keepdims=True) for one in (ours, theirs))
    return float((next(centred) * next(centred)).sum(axis=-1).mean() / (ours.shape[-1] - 1))


def _fractions(points: Components) -> Components:
    return replace(points, **{key: getattr(points, key) / 1e4 for key in ("group", "search", "seed", "together")})


def _data_of(folder: Path) -> tuple[str, str, tuple[int, int] | None]:
    """Return name and content hash of a study's data, and the groups that its own split, if any, tests and validates on."""
    if sets := fold_sets(folder):
        return folder.resolve().name, hash_of([Dataset(one).content_hash for one in sets.values()]), None
    dataset = Dataset(folder)
    groups = dataset.annotations.groups()
    tested, validated = (groups.count(dataset.recordings(subset)) for subset in ("test", "validation"))
    return dataset.metadata.name, dataset.content_hash, (tested, validated)


def main() -> None:
    """Write the figures of one study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS")
    parser.add_argument("dataset", metavar="DATASET", type=Path)
    parser.add_argument("--values", action="store_true", help="from the values of trainings: the detections are gone")
    options = parser.parse_args()
    try:
        name, content_hash, split = _data_of(options.dataset)
        sources = (
            by_values(options.results, Dataset(options.dataset))
            if options.values
            else measured_sources(options.results)
        )
        if sources.dataset_hash and sources.dataset_hash != content_hash:
            raise InputError(f"{options.results}: ran on another data set than {options.dataset}")
        file = FIGURES / f"{name}.json"
        FIGURES.mkdir(exist_ok=True)
        write_json(file, replace(sources, dataset=name, split=split, hours=None).to_json())
    except InputError as error:
        sys.exit(f"error: {error}")
    print(file)


if __name__ == "__main__":
    main()
