"""Which trials of a study begin next, alone or as a cohort.

Every decision is a function of the ledger, so a study that was killed decides as it would have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence

from optuna.trial import TrialState

from crescendo.platform.studies.cohorts import Batches, agree, batches_of, largest, together
from crescendo.platform.studies.identity import proposal_seed, trial_identity
from crescendo.platform.studies.ledger import Ledger, Phase, TrialRecord
from crescendo.platform.studies.proposals import Proposal, propose, taken_key
from crescendo.platform.studies.study_trials import StudyTrials
from crescendo.platform.studies.workspace import Workspace
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.replicates import Replicate
from crescendo.search_spaces.study import Study


class StudyQueue(StudyTrials):
    """The trials of a study, those that run, those that wait to go on, and those that are still to begin.

    Attributes
    ----------
    place
        Where the study works.
    running
        The trials that run now, by identity.
    spread
        Cohorts among which the trials that wait are spread, where the study leaves it open how large one is.
    """

    def __init__(self, study: Study, ledger: Ledger, place: Workspace) -> None:
        """Take up the study where the ledger left it: trials that were running wait to go on."""
        super().__init__(study, ledger, place.folds)
        self.place, self._ledger = place, ledger
        self._waiting = deque(self.unfinished())
        self.running: dict[str, TrialRecord] = {}
        self._cohorts: dict[str, int] = {}
        self.spread = 1

    @property
    def cohorts(self) -> int:
        """How many cohorts run now."""
        return len(set(self._cohorts.values()))

    def finished(self, replicate: Replicate) -> bool:
        """Tell whether every arm of `replicate` has its setting and every confirmation had its turn."""
        return not any(
            not self.decided(arm, replicate) or any(True for _ in self.unbegun(arm.name, "confirm", replicate))
            for arm in arms_of(self.study)
        )

    def _gather(self) -> list[TrialRecord]:
        """Return the members of the next cohort: of the trials that wait, where any do, else new ones.

        New ones never join those that wait. So what is proposed does not depend on when a study was killed.
        """
        return self._resumed() if self._waiting else self._begin()

    def _resumed(self) -> list[TrialRecord]:
        most = self._most(len(self._waiting))
        first, *others = self._waiting
        members, self._waiting = [first], deque[TrialRecord]()
        for entry in others:
            alone = self._last_try(first) or self._last_try(entry)
            fits = not alone and len(members) < most and self._share_batches(entry, first)
            (members if fits else self._waiting).append(entry)
        return members

    def _begin(self) -> list[TrialRecord]:
        """Begin new trials; one that turns out not to share the batches of the others waits for the next cohort."""
        most, members, passed = self._most(sum(map(self._ready, self.replicates))), list[TrialRecord](), set[str]()
        while len(members) < most:
            entry = self._new(members[0] if members else None, passed)
            if entry is None:
                break
            if not members or self._share_batches(entry, members[0]):
                members.append(entry)
            else:
                self._waiting.append(entry)
                passed.add(entry.arm)
        return members

    def _share_batches(self, first: TrialRecord, second: TrialRecord) -> bool:
        same_data = first.replicate.fold == second.replicate.fold
        return same_data and agree(batches_of(first.settings), batches_of(second.settings))

    def _ready(self, replicate: Replicate) -> int:
        """Return how many new trials of a replicate can begin now."""
        searches = sum(max(0, self.open_trials(arm, replicate)) for arm in arms_of(self.study))
        return searches or len(list(self._following(replicate)))

    def _most(self, ready: int) -> int:
        """Return how many of the `ready` trials the next cohort may hold."""
        return largest(self.study.resources, ready, max(1, self.spread - self.cohorts))

    def _last_try(self, entry: TrialRecord) -> bool:
        """Tell whether a trial runs by itself: nobody is to fail for good because another breaks its process."""
        return 0 < self.study.failures.retries <= len(entry.failures)

    def _new(self, first: TrialRecord | None, passed: Collection[str]) -> TrialRecord | None:
        """Begin another trial: one that may share the batches of `first` and is not of the arms `passed`.

        Without a `first` it is of the first replicate, in order, that has one.
        """
        replicates = self._in_order() if first is None else (first.replicate,)
        batches = None if first is None else batches_of(first.settings)
        begun = (self._new_of(replicate, batches, passed) for replicate in replicates)
        return next((entry for entry in begun if entry is not None), None)

    def _in_order(self) -> Sequence[Replicate]:
        """Return the replicates in the order in which new trials begin: one after the other."""
        return self.replicates

    def _new_of(self, replicate: Replicate, batches: Batches | None, passed: Collection[str]) -> TrialRecord | None:
        seed = replicate.search_seed(self.study)
        hungry = [arm for arm in arms_of(self.study) if arm.name not in passed and self.open_trials(arm, replicate) > 0]
        if batches is not None:
            hungry = [arm for arm in hungry if agree(batches_of({**arm.settings, "seed": seed}), batches)]
        if hungry:
            return self._propose(min(hungry, key=lambda arm: self._begun_of(arm, replicate)), replicate)
        for arm, phase, settings in self._following(replicate):
            if batches is None or agree(batches_of(settings), batches):
                return self._add(arm, phase, replicate, settings, Proposal({}, {}))
        return None

    def _begun_of(self, arm: Arm, replicate: Replicate) -> int:
        return len(self.entries(arm.name, "search", replicate))

    def _following(self, replicate: Replicate) -> Iterator[tuple[str, Phase, dict[str, object]]]:
        """Yield arm, phase and settings of every training that can begin once the search has none, in order."""
        arms = arms_of(self.study)
        searched = [arm for arm in arms if self.searched(arm, replicate)]
        decided = [arm for arm in searched if self.decided(arm, replicate)]
        if not together(self.study.resources) and self.study.budget is None:
            for arm in searched:
                yield from self._open(arm, "confirm" if arm in decided else "finalist", replicate)
        elif len(decided) == len(arms):
            yield from self._by_seed("confirm", replicate, replicate.confirm_seeds(self.study))
        elif len(searched) == len(arms):
            yield from self._by_seed("finalist", replicate, replicate.finalist_seeds(self.study))

    def _open(self, arm: Arm, phase: Phase, replicate: Replicate) -> Iterator[tuple[str, Phase, dict[str, object]]]:
        return ((arm.name, phase, settings) for settings in self.unbegun(arm.name, phase, replicate))

    def _by_seed(
        self, phase: Phase, replicate: Replicate, seeds: Sequence[int]
    ) -> list[tuple[str, Phase, dict[str, object]]]:
        """Return the open trainings of all arms, seed by seed: those of a seed may share every batch."""
        found = (one for arm in arms_of(self.study) for one in self._open(arm, phase, replicate))
        return sorted(found, key=lambda one: seeds.index(int(str(one[2]["seed"]))))

    def _propose(self, arm: Arm, replicate: Replicate) -> TrialRecord:
        tried = self.entries(arm.name, "search", replicate)
        number, seed = len(tried), replicate.search_seed(self.study)
        taken = [taken_key(arm, entry.values) for entry in tried]
        alive = [taken_key(arm, entry.values) for entry in tried if entry.state is not TrialState.FAIL]
        for keys in (taken, alive, ()):
            proposal = propose(
                self._ledger.study(arm.name, "search", replicate),
                arm,
                self.study.search,
                number=number,
                seed=proposal_seed(self.study.name, arm.name, number, seed, replicate.fold),
                taken=set(keys),
            )
            if proposal is not None:
                break
        assert proposal is not None  # noqa: S101  # the empty list of taken settings excludes nothing
        settings = {**arm.settings, **proposal.values, "seed": seed}
        return self._add(arm.name, "search", replicate, settings, proposal)

    def _add(
        self, arm: str, phase: Phase, replicate: Replicate, settings: dict[str, object], proposal: Proposal
    ) -> TrialRecord:
        identity = trial_identity(
            study=self.study.name,
            dataset_hash=self.place.recordings(replicate).content_hash,
            arm=arm,
            phase=phase,
            number=len(self.entries(arm, phase, replicate)),
            settings=settings,
        )
        entry = self._ledger.add(
            arm,
            phase,
            replicate,
            identity=identity,
            settings=settings,
            values=proposal.values,
            distributions=proposal.distributions,
        )
        self.put(entry)
        return entry
