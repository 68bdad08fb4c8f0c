"""How many seeds each arm of a study is to have: as many as planned, or, until it is decided, as many as the looks ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crescendo.reports.analysis.looks import Look
from crescendo.search_spaces.arms import arms_of, baseline_of
from crescendo.search_spaces.study import Study


def seeds_of_arms(study: Study, looks: Sequence[Look]) -> Mapping[str, int]:
    """Return arm -> how many seeds it is to have, after these looks.

    Arms that may still be decided get those of the next look, and so does the baseline, which they are compared with.
    """
    numbers, seeds = study.confirm.looks, dict.fromkeys((arm.name for arm in arms_of(study)), 0)
    undecided: Sequence[str] = list(seeds)
    for place, number in enumerate(numbers):
        if not undecided:
            break
        seeds |= dict.fromkeys((*undecided, baseline_of(study).name), number)
        if place == len(looks):
            break
        undecided = looks[place].undecided
    return seeds
