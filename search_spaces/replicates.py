"""Replicates: a study whose recordings are divided into folds, or that is repeated, searches and confirms each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crescendo.search_spaces.study import Study

FOLD_TAG = "crescendo.fold"
"""MLflow tag of a trial's run: the name of its fold, where there are folds."""
REPEAT_TAG = "crescendo.repeat"
"""MLflow tag of a trial's run: the number of its repeat, where the study asks for more than one; without it: 1."""
SEED_STEP = 10_000
"""What every seed of a study grows by from one repeat to the next."""


@dataclass(frozen=True, order=True)
class Replicate:
    """One search of every arm and its confirmation: `fold` is the name of its fold, `repeat` counts from 1.

    A study with neither folds nor repeats has one, `ONLY`.
    """

    fold: str | None = None
    repeat: int = 1

    @property
    def name(self) -> str:
        """`fold 2, repeat 3`; the first repeat goes without saying, so that of `ONLY` is empty."""
        parts = [f"fold {self.fold}"] if self.fold is not None else []
        return ", ".join([*parts, f"repeat {self.repeat}"] if self.repeat > 1 else parts)

    def search_seed(self, study: Study) -> int:
        """Return the seed of the proposals and of every training of the search phase."""
        return study.search.seed + self._seeds_later

    def finalist_seeds(self, study: Study) -> tuple[int, ...]:
        """Return the seeds that finalists are trained again with, which follow on that of the search."""
        first = self.search_seed(study) + 1
        return tuple(range(first, first + study.search.finalist_seeds)) if study.search.finalists > 1 else ()

    def confirm_seeds(self, study: Study) -> tuple[int, ...]:
        """Return the seeds of the confirm phase, which all arms and all folds share: all that it may come to have, in order."""
        return tuple(seed + self._seeds_later for seed in study.confirm.every_seed)

    @property
    def _seeds_later(self) -> int:
        return SEED_STEP * (self.repeat - 1)


ONLY = Replicate()
"""The replicate of a study with neither folds nor repeats."""


def replicates_of(study: Study, folds: Sequence[str] = ()) -> tuple[Replicate, ...]:
    """Return the replicates of `study` in the order of work: of the first repeat every fold, and so on.

    `folds` are the names of its folds, in order; none where it has no `folds`.
    """
    return tuple(Replicate(fold, repeat) for repeat in range(1, study.repeats + 1) for fold in folds or (None,))
