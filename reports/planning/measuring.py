"""From a finished study: what its differences varied with, how its settings spread, what its trainings took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from crescendo.reports.analysis.arm_summary import ArmCost
from crescendo.reports.analysis.member import ReportedArm
from crescendo.reports.analysis.planning import Components, components_of
from crescendo.reports.analysis.statistics import PairedDifference
from crescendo.reports.analysis.variance import Layout, Parts
from crescendo.reports.planning.sources import FINEST, Hours, Settings, Sources, Spread
from crescendo.reports.source.runs import StudyRuns

_POINTS = 100.0


def sources_of(
    runs: StudyRuns,
    members: Sequence[ReportedArm],
    asked: Mapping[str, PairedDifference],
    costs: Sequence[ArmCost],
    groups_are: str,
) -> Sources | None:
    """Return what a study measured of the differences it asks about (`asked`: arm -> difference); None without any.

    Of arms with fewer folds, repeats or seeds than others only those with the most are taken. Where nothing varied, nothing was
    measured.
    """
    layouts = [(one.layout.folds, one.layout.repeats, one.layout.seeds) for one in asked.values()]
    like = [one for one in asked.values() if (one.layout.folds, one.layout.repeats, one.layout.seeds) == max(layouts)]
    if not like or not any(one.standard_error for one in like):
        return None
    layout = like[0].layout
    parts = Parts(*(float(np.mean([getattr(one.variance.parts, part.name) for one in like])) for part in fields(Parts)))
    found = components_of(parts, layout)
    search = runs.study.search
    return Sources(
        study=runs.name,
        dataset=runs.dataset,
        dataset_hash=runs.dataset_hash,
        measure=runs.study.objective.metric,
        primary=runs.study.primary,
        groups=tuple(map(int, layout.groups)),
        groups_are=groups_are,
        repeats=layout.repeats,
        seeds=layout.seeds,
        compared=len(asked),
        trials=max(member.arm.trials for member in members),
        finalists=search.finalists,
        finalist_seeds=search.finalist_seeds if search.finalists > 1 else 0,
        spread=_spread(found, seen=layout.folds > 1 or layout.repeats > 1),
        settings=settings_of(members, found, layout),
        hours=_hours(runs, members, costs),
    )


def _spread(found: Components, *, seen: bool) -> Spread:
    group, search, seed, together, fold = (
        _POINTS * math.sqrt(one) for one in (found.group, found.search, found.seed, found.together, found.fold)
    )
    return Spread(group, seed, together, search if seen else None, fold)


def settings_of(members: Sequence[ReportedArm], found: Components, layout: Layout) -> Settings | None:
    """Return how good the settings were that were tried; None where too few were drawn to tell.

    A trial's value is its arm's mean, its replicate's mean and its setting's quality, by least squares; of how far they spread
    the noise of a trial is taken away: half of what one seed, and one group of the recordings validated on, add to a difference.
    Those are taken for as many as are tested on.
    """
    rows = [
        (number, (run.replicate.fold, run.replicate.repeat), trial.number < len(member.arm.start), trial.objective)
        for number, member in enumerate(members)
        for run in member.replicates
        for trial in run.search
        if trial.state == "finished" and trial.objective is not None and math.isfinite(trial.objective)
    ]
    drawn = [row for row in rows if not row[2] and members[row[0]].arm.space]
    arms, places = ({row[one]: 0 for row in drawn} for one in (0, 1))
    columns = [*arms, *list(places)[1:]]
    free = len(drawn) - len(columns)
    if free < FINEST - 1:
        return None

    def design(chosen: Sequence[tuple[int, object, bool, float]]) -> np.ndarray:
        return np.array([[float(one in (row[0], row[1])) for one in columns] for row in chosen])

    values = _POINTS * np.array([row[3] for row in drawn])
    means = np.linalg.lstsq(design(drawn), values, rcond=None)[0]
    rest = (values - design(drawn) @ means) * math.sqrt(len(drawn) / free)
    validated = float(np.mean(layout.groups))
    noise = _POINTS**2 * (found.seed + (found.group + found.together) / validated) / 2
    kept = math.sqrt(max(0.0, 1 - noise / float(rest.var()))) if rest.any() else 0.0
    first = [row for row in rows if row[2] and row[0] in arms and row[1] in places]
    over = _POINTS * np.array([row[3] for row in first]) - (design(first) @ means if first else 0.0)
    return Settings(
        drawn=tuple(map(float, kept * np.quantile(rest, np.linspace(0, 1, FINEST)))),
        start=_starts([row[0] for row in first], over, noise),
        noise=math.sqrt(noise),
    )


def _starts(arms: Sequence[int], values: np.ndarray, noise: float) -> tuple[float, ...]:
    """Return the quality of each arm's start value, drawn towards their mean by what noise alone would have them differ."""
    of_arm = {arm: values[[one == arm for one in arms]] for arm in dict.fromkeys(arms)}
    means = np.array([one.mean() for one in of_arm.values()])
    if len(means) < 2:
        return tuple(map(float, means))
    by_noise = noise / float(np.mean([len(one) for one in of_arm.values()]))
    varied = float(means.var(ddof=1))
    kept = math.sqrt(max(0.0, 1 - by_noise / varied)) if varied else 0.0
    return tuple(map(float, means.mean() + kept * (means - means.mean())))


def _hours(runs: StudyRuns, members: Sequence[ReportedArm], costs: Sequence[ArmCost]) -> Hours | None:
    """Return what a training took; None where MLflow was not told, or nothing of a phase ran."""
    searched = sum(len(one.search) + len(one.finalists) for member in members for one in member.replicates)
    confirmed = sum(len(one.confirm) for member in members for one in member.replicates)
    trial, confirmation = (sum(getattr(one, f"{phase}_hours") for one in costs) for phase in ("search", "confirm"))
    if not searched or not confirmed or not trial or not confirmation:
        return None
    iterations = max(int(member.arm.settings.get("iterations", 0)) for member in members)
    return Hours(trial / searched, confirmation / confirmed, costs[0].cpus, costs[0].gpus, iterations)
