"""The trials of a study, as its ledger has them: by replicate, arm and phase, who is best, who is confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean

from optuna.trial import TrialState

from crescendo.platform.studies.ledger import Ledger, Phase, TrialRecord
from crescendo.platform.studies.proposals import setting_key
from crescendo.search_spaces.arms import Arm, arm_named, arms_of
from crescendo.search_spaces.finalists import chosen, finalists
from crescendo.search_spaces.replicates import ONLY, Replicate, replicates_of
from crescendo.search_spaces.study import Study
from crescendo.trainables.plurals import agreeing, counted

_SPENT = (TrialState.COMPLETE, TrialState.PRUNED)


def phases_of(study: Study) -> tuple[Phase, ...]:
    """Return the phases of a study: it has finalists only where it asks for more than one."""
    return ("search", "finalist", "confirm") if study.search.finalists > 1 else ("search", "confirm")


class StudyTrials:
    """Every trial of a study.

    What is asked of an arm is asked of it in one replicate; a study with neither folds nor repeats has `ONLY`.

    Attributes
    ----------
    replicates
        In the order of work.
    seeds
        Arm -> how many seeds it is confirmed with in each replicate; of a study that runs until it is decided, so far.
    """

    def __init__(self, study: Study, ledger: Ledger, folds: Iterable[str] = ()) -> None:
        """Read them from the ledger. `folds` are the names of the study's folds, if it has any."""
        self.study = study
        self.replicates = replicates_of(study, tuple(folds))
        self.seeds: Mapping[str, int] = dict.fromkeys((arm.name for arm in arms_of(study)), study.confirm.looks[0])
        self._failed: set[str] = set()
        self._entries: dict[str, TrialRecord] = {}
        self._by_place: dict[tuple[Replicate, str, Phase], list[str]] = {}
        self._states: dict[tuple[Replicate, str, Phase], Counter[TrialState]] = {}
        for replicate in self.replicates:
            for arm in arms_of(study):
                for phase in phases_of(study):
                    place = replicate, arm.name, phase
                    self._by_place[place], self._states[place] = [], Counter()
                    for entry in ledger.entries(arm.name, phase, replicate):
                        self.put(entry)

    def entries(self, arm: str, phase: Phase, replicate: Replicate = ONLY) -> list[TrialRecord]:
        """Return the trials of an arm and phase, by number."""
        return [self._entries[identity] for identity in self._by_place[replicate, arm, phase]]

    def states(self, arm: str, phase: Phase, replicate: Replicate = ONLY) -> Counter[TrialState]:
        """Return how many trials of an arm and phase are in each state; those that wait to go on are RUNNING."""
        return self._states[replicate, arm, phase]

    def everything(self) -> Iterator[TrialRecord]:
        """Yield every trial, by replicate, arm, phase and number."""
        for identities in self._by_place.values():
            yield from (self._entries[identity] for identity in identities)

    def unfinished(self) -> list[TrialRecord]:
        """Return the trials that are neither over nor new, in the order in which they began."""
        found = (entry for entry in self._entries.values() if entry.state is TrialState.RUNNING)
        return sorted(found, key=lambda entry: entry.key)

    def best(self, arm: str, replicate: Replicate = ONLY) -> TrialRecord | None:
        """Return the search trial of an arm whose setting is best so far, None if none ended.

        That is the one with the highest objective (of equal ones the first), and once its finalists are trained again the
        one that these speak for.
        """
        finalists = self.finalists(arm, replicate)
        if finalists:
            own = {entry.number: entry.value or 0.0 for entry in finalists}
            again = {entry.number: self._again(entry) for entry in finalists}
            number = chosen(own, again, self.study.search.finalist_seeds)
            return next(entry for entry in finalists if entry.number == number)
        complete = [entry for entry in self.entries(arm, "search", replicate) if entry.value is not None]
        return max(complete, key=lambda entry: (entry.value, -entry.number), default=None)

    def chosen_by(self, arm: str, replicate: Replicate = ONLY) -> float | None:
        """Return the objective by which `best` is that: its own, of a finalist the mean with those of its fresh trainings."""
        best = self.best(arm, replicate)
        if best is None or best.value is None:
            return None
        return fmean([best.value, *(self._again(best) if self.study.search.finalists > 1 else ())])

    def finalists(self, arm: str, replicate: Replicate = ONLY) -> list[TrialRecord]:
        """Return the search trials of an arm whose settings are trained again, best first; none until its search is over."""
        count = self.study.search.finalists
        if count == 1 or not self.searched(arm_named(self.study, arm), replicate):
            return []
        complete = {one.number: one for one in self.entries(arm, "search", replicate) if one.value is not None}
        objectives = {number: entry.value or 0.0 for number, entry in complete.items()}
        keys = {number: setting_key(entry.values) for number, entry in complete.items()}
        numbers = finalists(objectives, keys, count)
        return [complete[number] for number in numbers] if len(numbers) > 1 else []

    def retrainings(self, arm: str, replicate: Replicate = ONLY) -> Iterator[dict[str, object]]:
        """Yield the settings that an arm's finalists are trained again with, one for each finalist and seed."""
        for entry in self.finalists(arm, replicate):
            yield from _again_with(entry, replicate.finalist_seeds(self.study))

    def decided(self, arm: Arm, replicate: Replicate = ONLY) -> bool:
        """Tell whether an arm's setting is chosen: its search is over, and no training of its finalists is open."""
        open_ones = any(True for _ in self.unbegun(arm.name, "finalist", replicate))
        running = self.study.search.finalists > 1 and self.states(arm.name, "finalist", replicate)[TrialState.RUNNING]
        return self.searched(arm, replicate) and not open_ones and not running

    def unbegun(self, arm: str, phase: Phase, replicate: Replicate = ONLY) -> Iterator[dict[str, object]]:
        """Yield the settings of the finalists' trainings, or of the confirmations, that are still to begin."""
        wanted = self.confirmations(arm, replicate) if phase == "confirm" else self.retrainings(arm, replicate)
        if phase not in phases_of(self.study):
            return
        # One that failed has had its turn, until the study is started again.
        begun = {
            setting_key(entry.settings)
            for entry in self.entries(arm, phase, replicate)
            if entry.state is not TrialState.FAIL or entry.identity in self._failed
        }
        yield from (settings for settings in wanted if setting_key(settings) not in begun)

    def _again(self, finalist: TrialRecord) -> list[float]:
        """Return the objectives of the fresh trainings of a finalist that ended well."""
        replicate = finalist.replicate
        wanted = {setting_key(one) for one in _again_with(finalist, replicate.finalist_seeds(self.study))}
        entries = self.entries(finalist.arm, "finalist", replicate)
        return [one.value for one in entries if one.value is not None and setting_key(one.settings) in wanted]

    def confirmed(self, arm: str, replicate: Replicate = ONLY) -> list[TrialRecord]:
        """Return the confirmations of an arm's best setting that are complete, by seed as the study lists them."""
        wanted = [setting_key(settings) for settings in self.confirmations(arm, replicate)]
        confirmations = self.entries(arm, "confirm", replicate)
        found = {setting_key(entry.settings): entry for entry in confirmations if entry.value is not None}
        return [found[key] for key in wanted if key in found]

    def shortfall(self) -> str | None:
        """Return what the study asked for and did not get, None if it got it all."""
        lacking = [
            f"arm {arm.name}{f', {replicate.name}' if replicate.name else ''}: {confirmed} of "
            f"{counted(self.seeds[arm.name], 'seed')} {agreeing(confirmed, 'is', 'are')} confirmed"
            for replicate in self.replicates
            for arm in arms_of(self.study)
            if (confirmed := len(self.confirmed(arm.name, replicate))) < self.seeds[arm.name]
        ]
        return "; ".join(lacking) + "; start the study again to try once more" if lacking else None

    def searched(self, arm: Arm, replicate: Replicate = ONLY) -> bool:
        """Tell whether an arm's search is over."""
        states = self.states(arm.name, "search", replicate)
        return sum(states[state] for state in _SPENT) >= arm.trials

    def open_trials(self, arm: Arm, replicate: Replicate = ONLY) -> int:
        """Return how many search trials of an arm are still to begin."""
        states = self.states(arm.name, "search", replicate)
        return arm.trials - sum(states[state] for state in (*_SPENT, TrialState.RUNNING))

    def confirmations(self, arm: str, replicate: Replicate = ONLY) -> Iterator[dict[str, object]]:
        """Yield the settings that an arm is confirmed with, one for each seed; none before one of its trials ended."""
        best = self.best(arm, replicate)
        if best is not None:
            yield from _again_with(best, replicate.confirm_seeds(self.study)[: self.seeds[arm]])

    def put(self, entry: TrialRecord) -> None:
        """Take in a trial, new or changed."""
        place = entry.replicate, entry.arm, entry.phase
        known = self._entries.get(entry.identity)
        if known is None:
            self._by_place[place].append(entry.identity)
        else:
            self._states[place][known.state] -= 1
        self._entries[entry.identity] = entry
        self._states[place][entry.state] += 1


def _again_with(entry: TrialRecord, seeds: Iterable[int]) -> Iterator[dict[str, object]]:
    """Yield what a search trial was trained and decoded with, under other seeds."""
    for seed in seeds:
        yield {**entry.settings, **entry.chosen, "seed": seed}
