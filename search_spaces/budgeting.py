"""How a study is cut to what a budget pays for: one simple rule, the same for all arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.cost import finalist_trainings
from crescendo.search_spaces.study import Study

FEWEST_TRIALS, FEWEST_SEEDS = 3, 3
"""Of a replicate: before it has as many, repeats and finalists are given up."""


@dataclass(frozen=True)
class Extent:
    """How much of a study is done: trials an arm, whether finalists are trained, repeats, and seeds; the same for every arm."""

    trials: int
    finalists: bool
    repeats: int
    seeds: int

    def of(self, study: Study) -> Study:
        """Return `study` cut to this."""
        search = {"trials": self.trials} if self.finalists else {"trials": self.trials, "finalists": 1}
        return study.model_copy(
            update={
                "search": study.search.model_copy(update=search),
                "confirm": study.confirm.model_copy(update={"seeds": study.confirm.seeds[: self.seeds]}),
                "repeats": self.repeats,
            }
        )

    def rounds(self, study: Study, folds: int) -> int:
        """Return how many trainings an arm has at most, in all folds and repeats."""
        return folds * self.repeats * (self.trials + self._again(study) + self.seeds)

    def _again(self, study: Study) -> int:
        cut = self.of(study)
        return max(finalist_trainings(cut, arm) for arm in arms_of(cut))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON content."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Extent:
        """Return what `to_json` wrote."""
        return cls(int(content["trials"]), bool(content["finalists"]), int(content["repeats"]), int(content["seeds"]))


def asked(study: Study) -> Extent:
    """Return all that a study asks for; trials as many as the largest arm has."""
    most = max(arm.trials for arm in arms_of(study))
    return Extent(most, study.search.finalists > 1, study.repeats, len(study.confirm.seeds))


def affordable(study: Study, folds: int, rounds: float, begun: Extent | None = None) -> Extent | None:
    """Return the extent that so many trainings of every arm pay for; None if not even one trial and one seed are.

    What is asked for is given up in this order, as long as it is too much: repeats, while a replicate would have fewer than 3
    trials and 3 seeds; finalists; then trials and seeds, so that they keep the proportion in which they were asked for.

    Parameters
    ----------
    rounds
        Trainings of an arm, in all folds and repeats.
    begun
        What is there already, and is not given up.
    """
    extent, least = asked(study), begun or Extent(1, False, 1, 1)
    wish = extent
    while extent.rounds(study, folds) > rounds:
        smaller = _smaller(extent, wish, least)
        if smaller is None:
            return None
        extent = smaller
    return _grown(study, folds, rounds, extent, wish)


def _smaller(extent: Extent, wish: Extent, least: Extent) -> Extent | None:
    """Return the next smaller extent: by a trial or a seed while there are more than few of them; then by what costs more."""
    for fewest in ((FEWEST_TRIALS, FEWEST_SEEDS), (1, 1)):
        few = min(fewest[0], wish.trials), min(fewest[1], wish.seeds)
        trials, seeds = extent.trials > max(least.trials, few[0]), extent.seeds > max(least.seeds, few[1])
        if trials and (not seeds or extent.trials * wish.seeds >= extent.seeds * wish.trials):
            return replace(extent, trials=extent.trials - 1)
        if seeds:
            return replace(extent, seeds=extent.seeds - 1)
        if extent.repeats > least.repeats:
            return replace(extent, repeats=extent.repeats - 1)
        if extent.finalists and not least.finalists:
            return replace(extent, finalists=False)
    return None


def _grown(study: Study, folds: int, rounds: float, extent: Extent, wish: Extent) -> Extent:
    """Return `extent` with what is left over spent on trials and seeds, once repeats or finalists were given up."""
    while True:
        more = [
            Extent(extent.trials + 1, extent.finalists, extent.repeats, extent.seeds),
            Extent(extent.trials, extent.finalists, extent.repeats, extent.seeds + 1),
        ]
        more = [
            one
            for one in more
            if one.trials <= wish.trials and one.seeds <= wish.seeds and one.rounds(study, folds) <= rounds
        ]
        if not more:
            return extent
        extent = min(more, key=lambda one: abs(one.trials * wish.seeds - one.seeds * wish.trials))
