"""What a study would have shown with more seeds, searches or recordings, given the variance that was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from scipy import stats

from crescendo.reports.analysis.statistics import LEVEL, POWER, detectable_difference, shown_with_power
from crescendo.reports.analysis.variance import Layout, Parts, Variance, put_together

MOST_SEEDS, MOST_REPEATS, MOST_TIMES = 100, 20, 10
"""Nobody trains or searches an arm more often, or records so many times as much."""
ANY_NUMBER = 10**9
"""Of seeds, or of repeats: as many as one likes."""


@dataclass(frozen=True)
class Components:
    """What one of each source contributes to the variance of a difference; divided by their number, they make it up.

    Attributes
    ----------
    group : one group of test recordings
    search : one search of both arms; 0 where a study has one, which shows nothing of others
    seed : one training of both
    together : one group with one training, or, if `by_search`, with one search
    fold : what one fold was trained on, beyond all that is seen within it
    by_search : whether searches were repeated, so that theirs is told apart from the folds'
    """

    group: float
    search: float
    seed: float
    together: float
    fold: float = 0.0
    by_search: bool = False


def components_of(parts: Parts, layout: Layout) -> Components:
    """Return what one of each source contributes, from the parts of a variance measured on `layout`.

    What folds vary beyond all that is seen within them is taken for the search, where each has one; otherwise for what they
    are trained on.
    """
    searches, groups, by_search = layout.folds * layout.repeats, sum(layout.groups), layout.repeats > 1
    shared = min(float(parts.together), float(parts.groups), float(parts.units))
    units = float(parts.units) - shared
    seeds = min(units, float(parts.seeds)) if by_search else units
    within = float(put_together(replace(parts, folds=0.0), layout)[0])
    beyond = max(0.0, float(parts.folds) - within) if layout.folds > 1 else 0.0
    return Components(
        group=(float(parts.groups) - shared) * groups,
        search=(units - seeds) * searches if by_search else beyond * searches,
        seed=seeds * searches * layout.seeds,
        together=shared * groups * layout.units,
        fold=beyond * layout.folds if by_search else 0.0,
        by_search=by_search,
    )


def parts_with(components: Components, layout: Layout) -> Parts:
    """Return the parts that the variance of a study of this layout would have."""
    searches, groups = layout.folds * layout.repeats, sum(layout.groups)
    together = components.together / groups / layout.repeats / (1 if components.by_search else layout.seeds)
    seeds, search = components.seed / searches / layout.seeds, components.search / searches
    several = layout.repeats > 1
    parts = Parts(
        groups=components.group / groups + together,
        units=seeds + together + (search if several else 0.0),
        together=together,
        seeds=seeds if several else 0.0,
        folds=0.0,
    )
    beyond = components.fold / layout.folds + (0.0 if several else search)
    if layout.folds == 1 or beyond == 0:
        return parts
    return replace(parts, folds=beyond + float(put_together(parts, layout)[0]))


def planned_detectable(components: Components, layout: Layout, arms: int, comparisons: int) -> float:
    """Return the smallest true difference that a study of this layout would show, with as many `arms` beside the baseline.

    So many `comparisons` are made at once. A study of one search does not see what another would have found, so that is not
    in it.
    """
    total, degrees = put_together(parts_with(components, layout), layout, arms)
    return detectable_difference(math.sqrt(float(total)), float(degrees), comparisons)


def detectable_with(variance: Variance, layout: Layout, wanted: Layout, comparisons: int = 1) -> float:
    """Return the detectable difference that a study of the layout `wanted` would have had in place of `layout`."""
    return planned_detectable(components_of(variance.parts, layout), wanted, variance.arms, comparisons)


def enough_seeds(variance: Variance, layout: Layout, comparisons: int, margin: float) -> int | None:
    """Return the fewest seeds, in each repeat, with which `margin` would be shown; None: more than anybody trains."""
    tried = ((number, replace(layout, seeds=number)) for number in range(int(layout.seeds), MOST_SEEDS + 1))
    return _first(tried, variance, layout, comparisons, margin)


def enough_repeats(variance: Variance, layout: Layout, comparisons: int, margin: float) -> int | None:
    """Return the fewest searches of an arm, in each fold, with which `margin` would be shown; None: more than anybody runs.

    None, too, where one split is searched once: nothing is known of what another search would find.
    """
    if layout.folds == 1 and layout.repeats == 1:
        return None
    tried = ((number, replace(layout, repeats=number)) for number in range(layout.repeats, MOST_REPEATS + 1))
    return _first(tried, variance, layout, comparisons, margin)


def enough_groups(variance: Variance, layout: Layout, comparisons: int, margin: float) -> int | None:
    """Return the fewest groups of recordings, over all folds, with which `margin` would be shown; None: ten times as many.

    They are spread over the folds as those are that there are.
    """
    now = math.ceil(sum(layout.groups))
    tried = ((number, _grown(layout, number / now)) for number in range(now, MOST_TIMES * now + 1))
    return _first(tried, variance, layout, comparisons, margin)


def _grown(layout: Layout, times: float) -> Layout:
    return replace(layout, groups=tuple(one * times for one in layout.groups))


def _first(
    tried: Iterable[tuple[int, Layout]], variance: Variance, layout: Layout, comparisons: int, margin: float
) -> int | None:
    # Not by halves: with more of them the variance falls, but so may its degrees of freedom. With any degrees of freedom
    # the detectable difference is larger than this many standard errors.
    components = components_of(variance.parts, layout)
    fewest = float(stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER))
    for number, wanted in tried:
        total, degrees = put_together(parts_with(components, wanted), wanted, variance.arms)
        error = math.sqrt(float(total))
        if fewest * error > margin:
            continue
        if error == 0 or shown_with_power(margin, error, float(degrees), comparisons) >= POWER:
            return number
    return None
