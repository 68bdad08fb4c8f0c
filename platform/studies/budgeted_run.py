"""A study with a budget: it is planned once every arm has trained once, and cut where trainings take longer than they did."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from optuna.trial import TrialState

from crescendo.platform.studies.budget import Purse
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.record import read_extent, record_extent
from crescendo.platform.studies.study_queue import StudyQueue
from crescendo.platform.studies.workspace import Workspace
from crescendo.reports.extent import extent_text
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.budgeting import Extent, affordable, asked
from crescendo.search_spaces.replicates import replicates_of
from crescendo.search_spaces.study import Study

_FIRST = 1


class BudgetedQueue(StudyQueue):
    """The trials of a study, as far as its budget goes; of a study without one, all.

    Attributes
    ----------
    at_once
        Trainings, or cohorts, side by side.
    problem
        Why the study must stop, once it must.
    """

    def __init__(self, study: Study, ledger: Ledger, place: Workspace, purse: Purse | None = None) -> None:
        """Take up the study where the ledger left it; `purse` counts the hours of one with a budget."""
        self.asked, self._purse, self.at_once = study, purse, 1
        self.problem: str | None = None
        self._extent: Extent | None = None if purse is None else read_extent(place.output)
        super().__init__(study, ledger, place)
        if purse is not None:
            self._cut(self._extent or Extent(_FIRST, asked(study).finalists, study.repeats, len(study.confirm.seeds)))

    def planned(self, text: str) -> None:
        """Hear what was planned, or cut."""

    def _cut(self, extent: Extent) -> None:
        self.study = extent.of(self.asked)
        self.replicates = replicates_of(self.study, tuple(self.place.folds))
        self.seeds = dict.fromkeys((arm.name for arm in arms_of(self.study)), len(self.study.confirm.seeds))

    def _pays(self) -> bool:
        """Tell whether new trainings may begin; plan the study if it is time, and cut it if it must be."""
        if self._purse is None or self._waiting:
            return True
        self._purse.save()
        if self._extent is None:
            first = self.replicates[0]
            if any(self.open_trials(arm, first) > 0 for arm in arms_of(self.study)):
                return True
            if self.running:
                return False
            self._keep(self._first_extent())
            return self.problem is None
        if self._unbegun() and self._affords() < 1 and self.running:
            return False
        self._keep(self._what_is_left())
        return self.problem is None

    def _first_extent(self) -> Extent | None:
        begun = sum(sum(count) for arm in arms_of(self.asked) for count in self._counts(arm.name))
        return affordable(self.asked, self._folds, (begun + self._affords()) / self._arms, self._begun_extent())

    def _what_is_left(self) -> Extent | None:
        """Return the extent that what is left pays for: the present one, unless a round of all arms is too much."""
        assert self._extent is not None  # noqa: S101  # it is planned
        still, pays = self._unbegun(), self._affords()
        if still == 0 or (still - pays < self._arms and pays >= 1):
            return self._extent
        begun, whole = self._begun_extent(), self._extent
        if pays < 1:
            complete = min(self._complete(arm.name) for arm in arms_of(self.study))
            over = complete > 0 and all(
                self.decided(arm, one) for arm in arms_of(self.study) for one in self.replicates
            )
            return Extent(whole.trials, whole.finalists, whole.repeats, complete) if over else None
        rounds = whole.rounds(self.asked, self._folds) - (still - pays) / self._arms
        return affordable(self.study, self._folds, rounds, begun) or begun

    def _keep(self, extent: Extent | None) -> None:
        if extent is None:
            self.problem = (
                f"the budget of {self._purse} ends before every arm has one trial and one confirmed seed in each fold; "
                "give it more hours, fewer arms or shorter trainings, and start the study again with --extend"
            )
        elif extent != self._extent:
            before, self._extent = self._extent, extent
            record_extent(self.place.output, extent)
            self._cut(extent)
            self.planned(
                f"budget of {self._purse}: {'planned' if before is None else 'cut to'} {extent_text(self.asked, extent)}"
            )

    @property
    def _arms(self) -> int:
        return len(arms_of(self.asked))

    @property
    def _folds(self) -> int:
        return len(self.place.folds) or 1

    def _affords(self) -> float:
        assert self._purse is not None  # noqa: S101  # it has a budget
        took = [
            entry.seconds for entry in self.everything() if entry.state is TrialState.COMPLETE and entry.seconds > 0
        ]
        if not took:
            return float("inf")
        # What passes between trainings (processes begin, files are sent) is part of what one takes.
        slow = [fmean(took), fmean(sorted(took)[-self._arms :]), self._purse.each(self.at_once)]
        return self._purse.trainings(max(slow), sum(took), self.at_once, self.asked.resources.gpus or 1.0)

    def _unbegun(self) -> int:
        """Return how many trainings are still to begin, those included whose settings are not chosen yet."""
        return sum(
            self._rest(arm.name, arm.trials, count) for arm in arms_of(self.study) for count in self._counts(arm.name)
        )

    def _counts(self, arm: str) -> Sequence[tuple[int, int, int]]:
        return [
            (
                len(self.entries(arm, "search", one)),
                len(self.entries(arm, "finalist", one)) if self.study.search.finalists > 1 else 0,
                len(self.entries(arm, "confirm", one)),
            )
            for one in self.replicates
        ]

    def _rest(self, arm: str, trials: int, begun: tuple[int, int, int]) -> int:
        search, finalists, confirm = begun
        again = min(self.study.search.finalists, trials)
        wanted = again * self.study.search.finalist_seeds if again > 1 else 0
        return max(0, trials - search) + max(0, wanted - finalists) + max(0, self.seeds[arm] - confirm)

    def _begun_extent(self) -> Extent:
        every = [count for arm in arms_of(self.study) for count in self._counts(arm.name)]
        repeats = [entry.replicate.repeat for entry in self.everything()]
        return Extent(
            max(1, *(search for search, _, _ in every)) if every else 1,
            any(finalists for _, finalists, _ in every),
            max(repeats, default=1),
            max(1, *(confirm for _, _, confirm in every)) if every else 1,
        )

    def _complete(self, arm: str) -> int:
        return min(len(self.confirmed(arm, one)) for one in self.replicates)
