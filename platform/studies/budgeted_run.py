"""A study with a budget: it is planned once every arm has trained once, cut where trainings take longer than they did, and
raised again where they take less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from optuna.trial import TrialState

from crescendo.platform.studies.budget import Purse
from crescendo.platform.studies.ledger import Ledger, Phase, TrialRecord
from crescendo.platform.studies.record import read_extent, record_extent
from crescendo.platform.studies.study_queue import StudyQueue
from crescendo.platform.studies.workspace import Workspace
from crescendo.reports.extent import extent_text
from crescendo.reports.planning.clock import hours_text
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.budgeting import Extent, affordable, asked
from crescendo.search_spaces.replicates import Replicate, replicates_of
from crescendo.search_spaces.study import Study

_FIRST = 1
_LATE = 2
"""Trainings of an arm, of all that ended, by which it is told how long others take."""
_WORTH = 1.25
"""Times as much as is planned must be paid for, before a plan is raised: trainings do not take alike."""


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

    @property
    def paid_for(self) -> str | None:
        """What the budget pays for, and how much of it is spent; None without one, or before the study is planned."""
        if self._purse is None or self._extent is None:
            return None
        spent = hours_text(self._purse.spent / 3600)
        return f"the budget of {self._purse} pays for {extent_text(self.asked, self._extent)}; {spent} of the clock are spent"

    def planned(self, text: str) -> None:
        """Hear what was planned, cut or raised."""

    def _in_order(self) -> Sequence[Replicate]:
        """Return repeat after repeat, once it is planned with the folds side by side: alike where the hours end early."""
        if self._extent is None:
            return super()._in_order()
        begun = Counter(entry.replicate for entry in self.everything())
        return sorted(self.replicates, key=lambda one: (one.repeat, begun[one]))

    def _cut(self, extent: Extent) -> None:
        self.study = extent.of(self.asked)
        self.replicates = replicates_of(self.study, tuple(self.place.folds))
        self.seeds = dict.fromkeys((arm.name for arm in arms_of(self.study)), len(self.study.confirm.seeds))

    def _pays(self) -> bool:
        """Tell whether new trainings may begin; plan the study if it is time, and cut it if it must be."""
        if self._purse is None:
            return True
        self._purse.save()
        if self._waiting:
            return self._resumes()
        if self._extent is None:
            return self._pays_first()
        if self._unbegun() and self._affords() < 1 and self.running:
            return False
        self._keep(self._what_is_left())
        return self.problem is None

    def _pays_first(self) -> bool:
        """Tell whether trainings may begin of a study that is not planned: the first one of each arm, by which it is."""
        first = self.replicates[0]
        still_open = any(self.open_trials(arm, first) > 0 for arm in arms_of(self.study))
        if still_open and self._affords() >= 1:
            return True
        if self.running:
            return False
        self._keep(None if still_open else self._paid(self._affords()))
        return self.problem is None

    def _resumes(self) -> bool:
        """Tell whether trials that wait may go on; where one would not end in time, none does, and the study is cut.

        The ledger has them as before: with a larger budget they go on.
        """
        if all(self._affords(_rest_of(entry)) >= 1 for entry in self._waiting):
            return True
        if not self.running:
            self._waiting.clear()
            self._keep(self._confirmed_by_all() if self._extent is not None else None)
        return False

    def _paid(self, pays: float) -> Extent | None:
        """Return the extent of what has begun and so many more trainings, as long as any may be chosen."""
        begun = sum(sum(count) for arm in arms_of(self.asked) for count in self._counts(arm.name))
        return affordable(self.asked, self._folds, (begun + pays) / self._arms, self._begun_extent())

    def _what_is_left(self) -> Extent | None:
        """Return the extent that what is left pays for: the present one, unless a round of all arms is too much or to spare."""
        assert self._extent is not None  # noqa: S101  # it is planned
        still, pays = self._unbegun(), self._affords()
        if pays > still:
            return self._raised(still, pays)
        if still == 0 or (still - pays < self._arms and pays >= 1):
            return self._extent
        begun, whole = self._begun_extent(), self._extent
        if pays < 1:
            return self._confirmed_by_all()
        rounds = self._rounds(whole) - (still - pays) / self._arms
        return affordable(self.study, self._folds, rounds, begun) or begun

    def _raised(self, still: int, pays: float) -> Extent:
        """Return the extent with what else is paid for: of everything while all arms search, else of seeds."""
        assert self._extent is not None  # noqa: S101  # it is planned
        extent, most = self._extent, asked(self.asked)
        if all(entry.phase == "search" for entry in self.everything()):
            paid = self._paid(pays) or extent
            before, now = self._rounds(extent), self._rounds(paid)
            return paid if now > before and (paid == most or now >= _WORTH * before) else extent
        spare = (pays / _WORTH - still) / self._arms / len(self.replicates)
        return replace(extent, seeds=min(most.seeds, extent.seeds + max(0, int(spare))))

    def _confirmed_by_all(self) -> Extent | None:
        """Return the extent with the seeds that every arm is confirmed with; None where an arm has none."""
        assert self._extent is not None  # noqa: S101  # it is planned
        complete = min(self._complete(arm.name) for arm in arms_of(self.study))
        over = complete > 0 and all(self.decided(arm, one) for arm in arms_of(self.study) for one in self.replicates)
        return replace(self._extent, seeds=complete) if over else None

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
            raised = before is not None and self._rounds(extent) > self._rounds(before)
            what = "planned" if before is None else "raised to" if raised else "cut to"
            self.planned(f"budget of {self._purse}: {what} {extent_text(self.asked, extent)}")

    def _rounds(self, extent: Extent) -> int:
        return extent.rounds(self.asked, self._folds)

    @property
    def _arms(self) -> int:
        return len(arms_of(self.asked))

    @property
    def _folds(self) -> int:
        return len(self.place.folds) or 1

    def _affords(self, share: float = 1.0) -> float:
        """Return how many trainings, or such `share`s of one, can begin and end in time; as long as nothing is known, any."""
        assert self._purse is not None  # noqa: S101  # it has a budget
        every = list(self.everything())
        ended = [entry for entry in every if entry.state is TrialState.COMPLETE and entry.seconds > 0]
        warm = [entry for entry in ended if entry.identity not in self._purse.cold]
        # Of late: a machine that was busy for a while is not so for ever.
        late = sorted(warm or ended, key=lambda entry: entry.key)[-_LATE * self._arms :]
        took = [entry.seconds for entry in late]
        # What passes between trainings (processes begin, files are sent) is part of what one takes.
        slow = [fmean(took), fmean(sorted(took)[-self._arms :]), self._purse.each(self.at_once)] if took else [0.0]
        each = max(slow)
        trained = sum(max(entry.seconds, each) if entry.identity in self.running else entry.seconds for entry in every)
        return self._purse.trainings(share * each, trained, self.at_once, self.asked.resources.gpus or 1.0)

    def _unbegun(self) -> int:
        """Return how many trainings are still to begin, those included whose settings are not chosen yet."""
        return sum(
            self._rest(arm.name, arm.trials, count) for arm in arms_of(self.study) for count in self._counts(arm.name)
        )

    def _counts(self, arm: str) -> Sequence[tuple[int, int, int]]:
        return [
            (
                self._had_their_turn(arm, "search", one),
                self._had_their_turn(arm, "finalist", one) if self.study.search.finalists > 1 else 0,
                self._had_their_turn(arm, "confirm", one),
            )
            for one in self.replicates
        ]

    def _had_their_turn(self, arm: str, phase: Phase, replicate: Replicate) -> int:
        """Return how many trainings have begun and are not begun anew: another trial takes the place of one that failed."""
        return sum(
            entry.state is not TrialState.FAIL or (phase != "search" and entry.identity in self._failed)
            for entry in self.entries(arm, phase, replicate)
        )

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


def _rest_of(entry: TrialRecord) -> float:
    """Return the share of a training that is still to be trained, going by its last report."""
    return 1.0 - max(entry.steps, default=0) / int(entry.settings["iterations"])
