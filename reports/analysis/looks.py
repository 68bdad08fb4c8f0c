"""A study that runs until it is decided: its arms compared at each of the numbers of seeds that were planned.

What is decided at a look is a function of what had run by then, so the report finds again what the study found, and a study that
was killed goes on as it would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from crescendo.reports.analysis.differences import NOT_COMPARED, Comparison, Levels, Question
from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.analysis.member import ReportedArm, Training
from crescendo.reports.analysis.spending import information, level_of_look, more_seeds_may_decide
from crescendo.reports.analysis.statistics import LEVEL, PairedDifference
from crescendo.reports.analysis.verdicts import NOTHING_VARIED
from crescendo.reports.source.artifacts import RunArtifacts
from crescendo.trainables.plurals import counted

GOES_ON = "undecided, more seeds follow"
GIVEN_UP = "undecided, more seeds would hardly decide it"
AT_MOST = "undecided with all seeds that were planned"
_NOT_COMPARED = "not compared"

Artifacts = Mapping[str, Mapping[Training, RunArtifacts]]
Compare = Callable[[Artifacts, Question, Levels | None], Comparison]


@dataclass(frozen=True)
class Look:
    """What came out when every arm that was still open had so many `seeds` in each fold and repeat.

    `level` is what it had of the 5 % of error; `outcomes`: arm -> its answer, or why it was undecided; those of `undecided` get
    more seeds.
    """

    seeds: int
    level: float
    outcomes: Mapping[str, str]
    undecided: tuple[str, ...]


@dataclass(frozen=True)
class LookPlan:
    """At how many seeds a study is looked at, and which trainings those are.

    Attributes
    ----------
    numbers
        Of seeds, rising.
    places
        Arm -> replicate and seed -> the place of that seed among all of the replicate.
    open
        Arm -> the trainings that have neither come to an end nor failed.
    """

    numbers: tuple[int, ...]
    places: Mapping[str, Mapping[Training, int]]
    open: Mapping[str, frozenset[Training]]

    def reached(self, arms: Sequence[str], seeds: int) -> bool:
        """Tell whether every training of these arms with the first `seeds` has had its turn."""
        return not any(self.places[arm][one] < seeds for arm in arms for one in self.open[arm])

    def first(self, arm: str, runs: Mapping[Training, RunArtifacts], seeds: int) -> dict[Training, RunArtifacts]:
        """Return those of an arm's runs that have one of the first `seeds`."""
        return {key: one for key, one in runs.items() if self.places[arm][key] < seeds}


def plan_of(members: Sequence[ReportedArm]) -> LookPlan:
    """Return the plan of the study whose arms these are."""
    places, still_open = {}, {}
    for member in members:
        place, left = dict[Training, int](), set[Training]()
        for runs in member.replicates:
            seeds = runs.replicate.confirm_seeds(member.study.study)
            place |= {(runs.replicate, seed): number for number, seed in enumerate(seeds)}
            over = {run.seed for run in runs.confirmed} | {run.seed for run in runs.confirm if run.state == "failed"}
            left |= {(runs.replicate, seed) for seed in seeds if seed not in over} if runs.best is not None else set()
        places[member.name], still_open[member.name] = place, frozenset(left)
    return LookPlan(members[0].study.study.confirm.looks, places, still_open)


def compared_at_looks(
    arms: Artifacts, baseline: str, plan: LookPlan, question: Question, compare: Compare
) -> tuple[Comparison, tuple[Look, ...]]:
    """Return the arms compared, each at the look at which it was decided or got its last seeds, and all looks so far."""
    at, undecided = dict.fromkeys(arms, 0), [name for name in arms if name != baseline]
    looks, kept, spent = list[Look](), dict[str, Mapping[str, Difference]](), 0.0
    comparison, left_out = NOT_COMPARED, dict[str, None]()
    for left, seeds in zip(reversed(range(len(plan.numbers))), plan.numbers, strict=True):
        if not undecided or not plan.reached([*undecided, baseline], seeds):
            break
        at |= dict.fromkeys((*undecided, baseline), seeds)
        known = {name: plan.first(name, runs, at[name]) for name, runs in arms.items()}
        comparison = compare(known, question, _levels(plan, undecided, spent, left))
        spent += comparison.level
        left_out |= dict.fromkeys(comparison.left_out)
        kept |= {name: comparison.differences[name] for name in undecided if name in comparison.differences}
        outcomes = {name: _outcome(name, comparison, question, plan, spent, left) for name in undecided}
        undecided = [name for name, outcome in outcomes.items() if outcome == GOES_ON]
        looks.append(Look(seeds, comparison.level, outcomes, tuple(undecided)))
    if not looks:
        early = f"the arms are compared first once all have {counted(plan.numbers[0], 'seed')}, which is not yet so"
        return compare(arms, replace(question, unfit=early), None), ()
    ordered = {name: kept[name] for name in arms if name in kept}
    return replace(comparison, differences=ordered, left_out=tuple(left_out)), tuple(looks)


def _levels(plan: LookPlan, undecided: Sequence[str], spent: float, left: int) -> Levels:
    def level(asked: Mapping[str, PairedDifference]) -> float:
        compared = [asked[name] for name in undecided if name in asked]
        share = information(compared, plan.numbers[-1]) if compared else 1.0
        return level_of_look(share, spent, len(plan.numbers), left)

    return level


def _outcome(name: str, comparison: Comparison, question: Question, plan: LookPlan, spent: float, left: int) -> str:
    difference = comparison.differences.get(name, {}).get(question.measure)
    if difference is None or difference.verdict is None:
        return _NOT_COMPARED
    verdict = difference.verdict
    if verdict.unfit == NOTHING_VARIED and left > 0:
        return GOES_ON  # more seeds may vary
    if verdict.unfit is not None:
        return f"{verdict.answer}: {verdict.unfit}"
    if verdict.answer != "undecided":
        return verdict.answer
    if left == 0:
        return AT_MOST
    may = more_seeds_may_decide(
        comparison.asked[name],
        plan.numbers[-1],
        LEVEL - spent,
        comparisons=len(comparison.asked),
        margin=question.margin,
    )
    return GOES_ON if may else GIVEN_UP
