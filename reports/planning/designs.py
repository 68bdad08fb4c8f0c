"""Designs of a study: how its trainings are split into folds, repeats, trials, finalists and seeds, and what each would see."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from crescendo.reports.analysis.enough import too_little
from crescendo.reports.analysis.planning import ANY_NUMBER, Components, parts_with
from crescendo.reports.analysis.statistics import LEVEL, POWER, detectable_difference
from crescendo.reports.analysis.variance import Layout, put_together
from crescendo.reports.planning.luck import Luck, luck
from crescendo.reports.planning.sources import Sources

FEWEST_TRIALS = 3
"""A search of fewer settings hardly deserves the name: arms would be compared where they start."""
FEW_FOLDS = (3, 4)
"""Folds that train on half of the recordings or fewer: another question, which is asked only where trainings are few."""
FOLDS = (5, 6, 8, 10)
_REPEATS = (1, 2, 3, 4, 5, 7, 10, 15, 20)
_TRIALS = (3, 4, 5, 6, 8, 10, 12, 16, 20, 30)
_FINALISTS = ((1, 0), (2, 1), (2, 2), (3, 1), (3, 2))
_SEEDS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20)
_FEWEST_ERRORS = float(stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER))
"""A difference that is shown with a probability of `POWER` is at least as many standard errors."""


@dataclass(frozen=True)
class Design:
    """How one arm's trainings are split; `folds` is None for the one split that the data set has."""

    folds: int | None
    repeats: int
    trials: int
    finalists: int
    finalist_seeds: int
    seeds: int

    @property
    def searches(self) -> int:
        """Searches of an arm."""
        return (self.folds or 1) * self.repeats

    @property
    def each(self) -> int:
        """Trainings of one search and its confirmation, of an arm whose space holds enough settings."""
        again = min(self.finalists, self.trials) * self.finalist_seeds if min(self.finalists, self.trials) > 1 else 0
        return self.trials + again + self.seeds

    @property
    def trainings(self) -> int:
        """Trainings of an arm."""
        return self.searches * self.each


@dataclass(frozen=True)
class Outlook:
    """What a design would see: in points.

    Attributes
    ----------
    detectable
        The smallest true difference that it shows with a probability of 80 %, groups, searches and seeds counted.
    reported
        The same as the report of such a study would say: where an arm is searched once, its luck is not in it.
    luck
        Of its searches; None where nothing is known of how settings spread.
    """

    detectable: float
    reported: float
    luck: Luck | None


def outlook(sources: Sources, design: Design, compared: int) -> Outlook | None:
    """Return what `design` would see with as many arms `compared`; None where it is not known how many groups it tests on."""
    layout = layout_of(sources, design)
    if layout is None:
        return None
    parts = with_search(sources, design)
    found = parts_with(parts, layout)
    total, degrees = put_together(found, layout, compared)
    seen, freedom = float(np.asarray(total)), float(np.asarray(degrees))
    reported = detectable_difference(math.sqrt(seen), freedom, compared)
    of_search = (
        luck(sources.settings, design.trials, design.finalists, design.finalist_seeds) if sources.settings else None
    )
    if design.searches > 1:
        return Outlook(reported, reported, of_search)
    # Searched once, its luck is there all the same. It counts as known, which flatters such a design: there is nothing in it
    # that it could be estimated from.
    whole = seen + parts.search
    honest = detectable_difference(math.sqrt(whole), freedom * (whole / seen) ** 2, compared)
    return Outlook(honest, reported, of_search)


def layout_of(sources: Sources, design: Design) -> Layout | None:
    """Return the layout of a design, its groups those of the study that was measured; None where they are not known."""
    if design.folds is None:
        tested = sources.split[0] if sources.split else sources.groups[0] if sources.folds == 1 else None
        return None if tested is None else Layout((float(tested),), design.repeats, design.seeds)
    if sources.folds == 1:
        return None
    return Layout((sum(sources.groups) / design.folds,) * design.folds, design.repeats, design.seeds)


def with_search(sources: Sources, design: Design) -> Components:
    """Return the variances of `sources` with the luck of searches as `design` has them.

    The simulation says how much of what was measured is the luck of choosing among so many trials, and what that becomes. What
    was measured beyond it (what folds were trained on, say) stays; if less was measured, the simulation's is scaled down to
    it. Where nothing was measured, it is the simulation's own.
    """
    measured = sources.components
    if sources.settings is None:
        return measured
    simulated = luck(sources.settings, design.trials, design.finalists, design.finalist_seeds).variance
    if sources.spread.search is None:
        return replace(measured, search=simulated)
    then = luck(sources.settings, sources.trials, sources.finalists, sources.finalist_seeds).variance
    if measured.search >= then:
        return replace(measured, search=measured.search - then + simulated)
    return replace(measured, search=measured.search * simulated / then)


def candidates(
    sources: Sources, written: Design, *, searched: bool, folds: Iterable[int] = FOLDS, most: int
) -> Iterator[Design]:
    """Yield designs of at most so many trainings an arm that could be taken in place of `written`, cheapest first.

    Parameters
    ----------
    searched
        Whether arms search settings: each then has at least `FEWEST_TRIALS` trials, or as many as `written` if that is fewer.
    folds
        Into how many the recordings may be divided, beside those of `written`, if the study that was measured had some.
    """
    trials: list[int] = [written.trials]
    if searched and sources.settings is not None:
        trials = sorted({*trials, *(one for one in _TRIALS if one >= FEWEST_TRIALS)})
    again = ((written.finalists, written.finalist_seeds),) if len(trials) == 1 else _FINALISTS
    divided = {written.folds, *(folds if sources.folds > 1 else ())}
    seeds, repeats = {written.seeds, *_SEEDS}, {written.repeats, *_REPEATS}
    every = (
        Design(number, times, tried, *finalists, each)
        for number, times, tried, finalists, each in itertools.product(divided, repeats, trials, again, seeds)
        if (number or 0) <= sum(sources.groups) and (finalists[0] == 1 or finalists[0] < tried)
    )
    affordable = (one for one in every if one.trainings <= most and _tells(sources, one))
    yield from sorted(affordable, key=lambda one: (one.trainings, one.folds or 0, dataclasses.astuple(one)[1:]))


def _tells(sources: Sources, design: Design) -> bool:
    layout = layout_of(sources, design)
    return layout is not None and too_little(layout) is None


def cheapest(sources: Sources, designs: Iterable[Design], compared: int, detect: float) -> Design | None:
    """Return the first of `designs` that shows a difference of `detect` points; None: none does."""
    for design in designs:
        if _at_least(sources, design) <= detect:
            found = outlook(sources, design, compared)
            if found is not None and found.detectable <= detect:
                return design
    return None


def keenest(sources: Sources, designs: Iterable[Design], compared: int) -> Design | None:
    """Return the design that shows the smallest difference; of equal ones the first; None of none."""
    best: tuple[float, Design] | None = None
    for least, _, design in sorted((_at_least(sources, one), number, one) for number, one in enumerate(designs)):
        if best is not None and least >= best[0]:
            break
        found = outlook(sources, design, compared)
        if found is not None and (best is None or found.detectable < best[0]):
            best = found.detectable, design
    return None if best is None else best[1]


def _at_least(sources: Sources, design: Design) -> float:
    """Return what the detectable difference of a design is larger than: with any number of degrees of freedom, of one arm."""
    layout, parts = layout_of(sources, design), with_search(sources, design)
    if layout is None:
        return math.inf
    total = float(np.asarray(put_together(parts_with(parts, layout), layout)[0]))
    return _FEWEST_ERRORS * math.sqrt(total + (parts.search if design.searches == 1 else 0.0))


def limit(sources: Sources, design: Design, compared: int) -> float | None:
    """Return what would be seen with any number of trainings in the folds of `design`: recordings alone vary then.

    What folds are trained on is there with any number of trainings, too. None where it is not known how many groups are tested.
    """
    layout = layout_of(sources, replace(design, repeats=ANY_NUMBER, seeds=ANY_NUMBER))
    if layout is None:
        return None
    total, degrees = put_together(parts_with(replace(sources.components, by_search=True), layout), layout, compared)
    return detectable_difference(math.sqrt(float(np.asarray(total))), float(np.asarray(degrees)), compared)
