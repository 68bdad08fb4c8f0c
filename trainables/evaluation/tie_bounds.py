"""The highest and the lowest AP of a label, given what the order of ties can make of its knots (`tie_outcomes`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod

import numpy as np

from crescendo.trainables.evaluation.tie_outcomes import Chain, Kind, KnotPair, outcomes

_MOST_COMBINATIONS = 64


@dataclass(frozen=True)
class Choice:
    """What a knot may come to: (2, groups) true positives and counted false ones, and what must come after what."""

    counts: np.ndarray
    chains: tuple[Chain, ...] = ()


@dataclass(frozen=True)
class Knot:
    """Detections that compete for ground truths, so that the order of ties decides which are true positives.

    `detections` are places in the order of counting; `groups` the groups of equal scores that they belong to, rising: the
    columns of the choices. `exact`: an order leads to each of `choices`.
    """

    detections: tuple[int, ...]
    groups: np.ndarray
    choices: tuple[Choice, ...]
    exact: bool

    @classmethod
    def of(cls, pairs: Sequence[KnotPair], group: np.ndarray, dropped: np.ndarray) -> Knot:
        """Return the knot that `pairs` are; of each place in the order of counting `group`, and `dropped` (see `Matches`)."""
        detections = tuple(sorted({pair.detection for pair in pairs}))
        kind = {one: Kind(int(group[one]), bool(dropped[one])) for one in detections}
        kinds = tuple(dict.fromkeys(kind.values()))
        groups, of = np.unique([one.group for one in kinds], return_inverse=True)
        number = Counter(kind.values())
        there = np.array([number[one] for one in kinds])
        counted = np.array([not one.drops for one in kinds])

        def counts(true: np.ndarray) -> np.ndarray:
            columns = (true, np.where(counted, there - true, 0))
            return np.stack([np.bincount(of, weights=one, minlength=len(groups)).astype(np.int64) for one in columns])

        found = outcomes(pairs, kind, kinds)
        if found is None:
            return cls(detections, groups, _bounds(counts(there)[0], counts(0 * there)[1], pairs), exact=False)
        choices = tuple(Choice(counts(np.array(one.counts)), one.chains) for one in found.found)
        return cls(detections, groups, choices, found.exact)


def _bounds(all_true: np.ndarray, all_false: np.ndarray, pairs: Sequence[KnotPair]) -> tuple[Choice, Choice]:
    """Return a choice that is at least as good as any outcome, and one that is at least as bad.

    No pair can be added to those joined, in any order: at least half as many are joined as can be.
    """
    detections, truths = set[int](), set[int]()
    for pair in pairs:
        if pair.detection not in detections and pair.truth not in truths:
            detections.add(pair.detection)
            truths.add(pair.truth)
    least = -(-len(truths) // 2)
    most = min(int(all_true.sum()), len({pair.truth for pair in pairs}))
    upper = np.minimum(np.cumsum(all_true), most)
    lower = np.maximum(least - (all_true.sum() - np.cumsum(all_true)), 0)
    # At least so many false ones by each score, as far as later ones allow it.
    fewest = np.minimum.accumulate(np.maximum(np.cumsum(all_false) - upper, 0)[::-1])[::-1]
    best = np.stack([np.diff(upper, prepend=0), np.diff(fewest, prepend=0)])
    return Choice(best), Choice(np.stack([np.diff(lower, prepend=0), all_false]))


@dataclass(frozen=True)
class LabelTies:
    """(2, groups) true positives and counted false ones of a label that are sure, its knots, its first group's number."""

    sure: np.ndarray
    first: int
    knots: tuple[Knot, ...]

    @classmethod
    def of(
        cls, rows: slice, group: np.ndarray, hit: np.ndarray, dropped: np.ndarray, knots: Sequence[Knot]
    ) -> LabelTies:
        """Return the ties of the label at `rows` of the order of counting; `hit` says which are true positives."""
        own = group[rows]
        first = int(own[0]) if len(own) else 0
        sure = np.ones(len(own), dtype=bool)
        for knot in knots:
            sure[np.array(knot.detections) - rows.start] = False
        size = int(own[-1]) - first + 1 if len(own) else 0
        true = np.bincount(own[sure & hit[rows]] - first, minlength=size)
        false = np.bincount(own[sure & ~hit[rows] & ~dropped[rows]] - first, minlength=size)
        return cls(np.stack([true, false]), first, tuple(knots))

    def extreme(self, positives: int, *, enveloped: bool, highest: bool) -> tuple[float, bool]:
        """Return the highest or the lowest AP, and whether an order of ties leads to it; otherwise it is a bound."""
        reduced = [_worth_trying(knot.choices, highest=highest) for knot in self.knots]
        exact = all(knot.exact for knot in self.knots)
        if prod(map(len, reduced)) > _MOST_COMBINATIONS:
            reduced = [one if len(one) == 1 else [_envelope(one, highest=highest)] for one in reduced]
            exact = False
        found = []
        for combination in product(*reduced):
            counts = self.sure.copy()
            for knot, choice in zip(self.knots, combination, strict=True):
                counts[:, knot.groups - self.first] += choice.counts
            chains = [] if highest else [chain for choice in combination for chain in choice.chains]
            # Chains whose links release more later than earlier are laid down as if they might be broken up.
            exact = exact and all(one >= other for chain in chains for one, other in pairwise(chain.released))
            before = _false_before(counts, [Chain(one.group - self.first, one.released) for one in chains], highest)
            found.append(_ap(before, positives, enveloped=enveloped))
        return (max(found) if highest else min(found)), exact


def _worth_trying(choices: Sequence[Choice], *, highest: bool) -> list[Choice]:
    """Return the choices that may be the highest, or the lowest: no other is at least as high, or as low, beside anything."""
    sign = 1 if highest else -1
    curves = [sign * np.cumsum(choice.counts, axis=1) * np.array([[1], [-1]]) for choice in choices]
    kept: list[Choice] = []
    for number, (choice, curve) in enumerate(zip(choices, curves, strict=True)):
        beaten = any(
            (other >= curve).all()
            and (highest or choices[place].chains == choice.chains)
            and ((other > curve).any() or place < number)
            for place, other in enumerate(curves)
            if place != number
        )
        if not beaten:
            kept.append(choice)
    return kept


def _envelope(choices: Sequence[Choice], *, highest: bool) -> Choice:
    """Return a choice at least as high, or as low, as all: at each score the most true, the fewest false ones, or contrary."""
    true, false = np.cumsum(np.stack([choice.counts for choice in choices]), axis=2).transpose(1, 0, 2)
    curves = (true.max(axis=0), false.min(axis=0)) if highest else (true.min(axis=0), false.max(axis=0))
    return Choice(np.diff(np.stack(curves), axis=1, prepend=0))


def _false_before(counts: np.ndarray, chains: Sequence[Chain], highest: bool) -> np.ndarray:
    """Return how many false positives come before each true one, as few as can be (`highest`) or as many.

    In a group of ties, true positives come first or last; but a false positive that is one because of a true positive of its
    group comes after it. As many as can be come before each if those that most follow are first.
    """
    true, false = counts
    earlier = np.cumsum(false) - false
    if highest:
        return np.repeat(earlier, true)
    before = np.repeat(earlier + false, true)
    begins = np.cumsum(true) - true
    for group in {chain.group for chain in chains}:
        released = sorted((one for chain in chains if chain.group == group for one in chain.released), reverse=True)
        released += [0] * (int(true[group]) - len(released))
        still = np.sum(released) - (np.cumsum(released) - released)
        before[begins[group] : begins[group] + true[group]] -= still
    return before


def _ap(before: np.ndarray, positives: int, *, enveloped: bool) -> float:
    """Return AP where so many false positives come before each true one, in their order."""
    rank = np.arange(1, len(before) + 1)
    precision = rank / (rank + before)
    if enveloped:
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(precision.sum() / positives)
