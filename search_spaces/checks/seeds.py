"""Seeds of a study: those of the confirm phase are fresh, in every repeat."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from crescendo.search_spaces.problems import Problem
from crescendo.search_spaces.replicates import ONLY, SEED_STEP
from crescendo.search_spaces.study import Study


def seed_problems(study: Study) -> Iterator[Problem]:
    """Find seeds of the confirm phase that are not fresh, or that two repeats share, and seeds beyond all."""
    if study.search.seed in study.confirm.every_seed:
        rule = f"must be fresh but {study.search.seed} is the search phase's (search.seed), on which the settings were chosen"
        yield Problem(("confirm", "seeds"), rule, (("search", "seed"),))
    for seed, other, of in itertools.islice(_clashing(study), 1):
        if seed == study.search.seed:
            continue
        rule = (
            f"must be fresh but {seed} is {of}, on which the settings were chosen"
            if seed == other
            else f"must not meet another repeat's, whose seeds are larger by {SEED_STEP:,} each time, but {seed} and {other} "
            f"({of}) do in one of {study.repeats} repeats"
        )
        yield Problem(("confirm", "seeds"), rule, (("search", "seed"), ("search", "finalists"), ("repeats",)))
    largest = max(study.search.seed, *ONLY.finalist_seeds(study), *study.confirm.every_seed) + SEED_STEP * (
        study.repeats - 1
    )
    if largest >= 2**32:
        rule = f"the last of {study.repeats} repeats would have the seed {largest}, and seeds are below {2**32}"
        yield Problem(("repeats",), rule, (("search", "seed"), ("confirm", "seeds")))


def _clashing(study: Study) -> Iterator[tuple[int, int, str]]:
    """Yield two seeds of the confirm phase, or of it and what is trained before, that meet in one repeat or in two.

    Those of the first repeat are given, and what the second is of.
    """
    before = [(study.search.seed, "search.seed"), *((seed, "a finalist's") for seed in ONLY.finalist_seeds(study))]
    others = [*before, *((seed, "confirm.seeds") for seed in study.confirm.every_seed)]
    for seed in study.confirm.every_seed:
        for other, of in others:
            apart = abs(seed - other)
            if apart % SEED_STEP == 0 and apart // SEED_STEP < study.repeats and (apart or of != "confirm.seeds"):
                yield seed, other, of
