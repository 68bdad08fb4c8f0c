"""The plan of a study: what it costs and sees as it is written, and how its trainings would be spent better."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from crescendo.reports.analysis.enough import too_little
from crescendo.reports.formatting import untold_text
from crescendo.reports.planning.clock import clock
from crescendo.reports.planning.designs import (
    FEW_FOLDS,
    FOLDS,
    Design,
    Outlook,
    candidates,
    cheapest,
    keenest,
    layout_of,
    limit,
    outlook,
)
from crescendo.reports.planning.sources import Hours, Sources
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.cost import cost
from crescendo.search_spaces.schema.folds import FoldCount
from crescendo.search_spaces.study import Study

MOST = 2000
"""Trainings of an arm: nobody pays for more."""


@dataclass(frozen=True)
class Planned:
    """One design of the study: its trainings by kind, over all arms, how many hours they take, and what it would see.

    `hours` are of one training after another; None where nothing says how long one takes. `outlook` is None where it is not
    known how many groups of recordings are tested, or where no answer would come of it, for the reason `refused`.
    """

    design: Design
    trials: int
    finalists: int
    confirmations: int
    hours: float | None
    outlook: Outlook | None
    refused: str | None = None

    @property
    def trainings(self) -> int:
        """Trainings of all kinds."""
        return self.trials + self.finalists + self.confirmations


@dataclass(frozen=True)
class Plan:
    """What is known before a study runs; differences are in points.

    Attributes
    ----------
    study, compared
        Its name, and how many arms are compared with the baseline.
    sources, hours
        What was measured elsewhere, and what a training takes.
    written
        The study as it is written.
    detect, reaching
        The difference that is wanted, and the cheapest design that shows it; None: none does.
    half
        The design that sees most with half of the trainings of `written`; None where half are too few for an answer.
    untold
        Why designs that differ cannot be told apart: what groups vary was not measured by itself; None: it was. Then neither
        `reaching` nor `limit` is given.
    limit, groups, wanted
        What any number of trainings would show on the recordings there are, and how many groups those are; and about how many
        would be needed for `detect`, where that is less than `limit`.
    """

    study: str
    compared: int
    sources: Sources
    hours: Hours | None
    written: Planned
    detect: float
    reaching: Planned | None
    half: Planned | None
    limit: float | None
    groups: int | None
    wanted: int | None
    untold: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able object."""
        content = asdict(self)
        content["sources"] = self.sources.to_json()
        for name in ("written", "reaching", "half"):
            one: Planned | None = getattr(self, name)
            if one is not None:
                content[name]["trainings"] = one.trainings
        return content


def plan(study: Study, folds: int | None, sources: Sources, hours: Hours | None, detect: float) -> Plan:
    """Return the plan of `study`, which was read whole and has so many `folds` (None: no key `folds`)."""
    written, arms = design_of(study, folds), arms_of(study)
    compared = max(1, len(arms) - 1)
    searched = max(arm.trials for arm in arms) > 1
    divided = study.folds is None or isinstance(study.folds, FoldCount)
    every = list(candidates(sources, written, searched=searched, folds=FOLDS if divided else (), most=MOST))
    fewer = candidates(
        sources,
        written,
        searched=searched,
        folds=(*FEW_FOLDS, *FOLDS) if divided else (),
        most=written.trainings // 2,
    )

    def planned(design: Design | None) -> Planned | None:
        return None if design is None else _planned(study, design, sources, hours, compared)

    as_written = _planned(study, written, sources, hours, compared)
    bounds = [
        (seen, layout_of(sources, one))
        for one in _layouts(every)
        if (seen := limit(sources, one, compared)) is not None
    ]
    least, layout = min(bounds, key=lambda one: one[0], default=(None, None))
    groups = None if layout is None else round(sum(layout.groups))
    beyond = least is not None and groups is not None and least > detect
    untold = _untold(sources)
    if untold is not None:
        least, beyond = None, False
    return Plan(
        study=study.name,
        compared=compared,
        sources=sources,
        hours=hours,
        written=as_written,
        detect=detect,
        reaching=None if beyond or untold else planned(cheapest(sources, every, compared, detect)),
        half=planned(keenest(sources, fewer, compared)),
        limit=least,
        groups=groups,
        wanted=math.ceil(groups * (least / detect) ** 2) if beyond and groups and least else None,
        untold=untold,
    )


def _untold(sources: Sources) -> str | None:
    """Return why it is not known by itself what groups vary, which no number of seeds and searches takes away; None: it is."""
    groups = sum(sources.groups)
    if groups <= sources.folds and sources.folds > 1:
        return untold_text(groups, sources.groups_are)
    if sources.spread.group > 0:
        return None
    return (
        f"what the {groups} {sources.groups_are} vary by themselves was estimated as 0, which may be luck: it may take more "
        f"{sources.groups_are}, whatever the seeds and searches"
    )


def _layouts(designs: list[Design]) -> list[Design]:
    """Return a design for every number of folds."""
    return list({one.folds: one for one in designs}.values())


def design_of(study: Study, folds: int | None) -> Design:
    """Return the design of a study, of the arm that has most trials; `until: decided` counts with all the seeds it may take."""
    finalists = study.search.finalists
    return Design(
        folds=folds,
        repeats=study.repeats,
        trials=max(arm.trials for arm in arms_of(study)),
        finalists=finalists,
        finalist_seeds=study.search.finalist_seeds if finalists > 1 else 0,
        seeds=study.confirm.most,
    )


def _planned(study: Study, design: Design, sources: Sources, hours: Hours | None, compared: int) -> Planned:
    search = {"trials": design.trials, "finalists": design.finalists}
    if design.finalists > 1:
        search["finalist_seeds"] = design.finalist_seeds
    confirm = {"seeds": tuple(range(design.seeds)), "until": None, "at_most": None}
    changed = study.model_copy(
        update={
            "repeats": design.repeats,
            "search": study.search.model_copy(update=search),
            "confirm": study.confirm.model_copy(update=confirm),
        }
    )
    bill = cost(changed, design.folds or 1)
    layout = layout_of(sources, design)
    refused = None if layout is None else too_little(layout)
    return Planned(
        design=design,
        trials=bill.trials,
        finalists=bill.finalists,
        confirmations=bill.confirmations,
        hours=None if hours is None else clock(bill, hours),
        outlook=None if refused else outlook(sources, design, compared),
        refused=refused,
    )


def changes(study: Study, planned: Planned) -> tuple[str, ...]:
    """Return the `--set` values that turn `study` into what is planned."""
    design, search = planned.design, study.search
    written = design_of(
        study, study.folds.count if isinstance(study.folds, FoldCount) else design.folds if study.folds else None
    )
    found = []
    if design.folds != written.folds:
        found.append("folds=null" if design.folds is None else f"folds={{count: {design.folds}, by: group}}")
    if design.repeats != study.repeats:
        found.append(f"repeats={design.repeats}")
    if design.trials != written.trials:
        found.append(f"search.trials={design.trials}")
    if design.finalists != search.finalists:
        found.append(f"search.finalists={design.finalists}")
    if design.finalists > 1 and design.finalist_seeds != search.finalist_seeds:
        found.append(f"search.finalist_seeds={design.finalist_seeds}")
    if design.seeds == study.confirm.most:
        return tuple(found)
    if study.confirm.until is None:
        return (*found, f"confirm.seeds={_seeds(study, design.seeds)}")
    if design.seeds > len(study.confirm.seeds):
        return (*found, f"confirm.at_most={design.seeds}")
    return (*found, "confirm.until=null", "confirm.at_most=null", f"confirm.seeds={_seeds(study, design.seeds)}")


def _seeds(study: Study, count: int) -> list[int]:
    """Return so many seeds: the study's, and those after them."""
    seeds = list(study.confirm.seeds[:count])
    return [*seeds, *range(max(seeds) + 1, max(seeds) + 1 + count - len(seeds))]
