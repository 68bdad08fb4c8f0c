"""The trials of a study, as its ledger has them: by replicate, arm and phase, who is best, who is confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from optuna.trial import TrialState

from crescendo.platform.studies.ledger import Ledger, Phase, TrialRecord
from crescendo.platform.studies.proposals import setting_key
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.replicates import ONLY, Replicate, replicates_of
from crescendo.search_spaces.study import Study

PHASES: tuple[Phase, ...] = ("search", "confirm")
_SPENT = (TrialState.COMPLETE, TrialState.PRUNED)


class StudyTrials:
    """Every trial of a study.

    What is asked of an arm is asked of it in one replicate; a study with neither folds nor repeats has `ONLY`.

    Attributes
    ----------
    replicates
        In the order of work.
    """

    def __init__(self, study: Study, ledger: Ledger, folds: Iterable[str] = ()) -> None:
        """Read them from the ledger. `folds` are the names of the study's folds, if it has any."""
        self.study = study
        self.replicates = replicates_of(study, tuple(folds))
        self._entries: dict[str, TrialRecord] = {}
        self._by_place: dict[tuple[Replicate, str, Phase], list[str]] = {}
        self._states: dict[tuple[Replicate, str, Phase], Counter[TrialState]] = {}
        for replicate in self.replicates:
            for arm in arms_of(study):
                for phase in PHASES:
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
        """Return the search trial of an arm with the highest objective (of equal ones the first), None if none ended."""
        complete = [entry for entry in self.entries(arm, "search", replicate) if entry.value is not None]
        return max(complete, key=lambda entry: (entry.value, -entry.number), default=None)

    def confirmed(self, arm: str, replicate: Replicate = ONLY) -> list[TrialRecord]:
        """Return the confirmations of an arm's best setting that are complete, by seed as the study lists them."""
        wanted = [setting_key(settings) for settings in self.confirmations(arm, replicate)]
        confirmations = self.entries(arm, "confirm", replicate)
        found = {setting_key(entry.settings): entry for entry in confirmations if entry.value is not None}
        return [found[key] for key in wanted if key in found]

    def shortfall(self) -> str | None:
        """Return what the study asked for and did not get, None if it got it all."""
        seeds = len(self.study.confirm.seeds)
        lacking = [
            f"arm {arm.name}{f', {replicate.name}' if replicate.name else ''}: {confirmed} of {seeds} seeds are confirmed"
            for replicate in self.replicates
            for arm in arms_of(self.study)
            if (confirmed := len(self.confirmed(arm.name, replicate))) < seeds
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
            for seed in replicate.confirm_seeds(self.study):
                yield {**best.settings, **best.chosen, "seed": seed}

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
