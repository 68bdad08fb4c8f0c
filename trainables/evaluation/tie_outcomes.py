"""What the order of detections with equal scores can make of one knot of detections and ground truths.

A knot is a set of pairs that hang together by what they share, all of one recording, label and IoU threshold. Its pairs are
gone through as in `matching`. Where ties decide, in which of several orders detections of equal scores come, the order of
pairs falls into stretches that no order of ties leads out of; each is followed in every order that makes a difference.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

MOST_STATES = 2000
"""A knot that can be in more states than these, at any point of the order, is not followed to its end."""


class KnotPair(NamedTuple):
    """A detection and a ground truth; `forward`, `backward`: its place in the order, ties one way and the other way round."""

    detection: int
    truth: int
    forward: int
    backward: int


class Kind(NamedTuple):
    """What a detection counts as: its group of equal scores, and whether it is dropped unless it is a true positive."""

    group: int
    drops: bool


class Chain(NamedTuple):
    """True positives of a group of ties in their order: after each, so many others can come that are false because of it."""

    group: int
    released: tuple[int, ...]


class Outcome(NamedTuple):
    """True positives of each kind, in the order of `kinds`, and what must come after what (sorted)."""

    counts: tuple[int, ...]
    chains: tuple[Chain, ...]


@dataclass(frozen=True)
class TieOutcomes:
    """What the order of ties can lead to; `exact`: to each of `found`, and no detection is more bound than chains say."""

    found: frozenset[Outcome]
    exact: bool


class _TooMany(Exception):
    pass


class _State(NamedTuple):
    """Ground truths that are free, detections that are joined and met again, and what has come of the others."""

    free: frozenset[int]
    joined: frozenset[int]
    outcome: Outcome


def outcomes(pairs: Sequence[KnotPair], kinds: Mapping[int, Kind], listed: Sequence[Kind]) -> TieOutcomes | None:
    """Return what ties can make of the pairs of a knot; None if that is too much to follow.

    Parameters
    ----------
    kinds
        Detection -> its kind.
    listed
        All kinds, in the order of `Outcome.counts`.
    """
    parts = [part for block in _blocks(pairs) for part in _parts(block)]
    start = Outcome((0,) * len(listed), ())
    states = {_State(frozenset(pair.truth for pair in pairs), frozenset(), start)}
    exact = True
    column = {kind: number for number, kind in enumerate(listed)}
    last = {pair.detection: number for number, part in enumerate(parts) for pair in part}
    met: set[int] = set()
    for number, part in enumerate(parts):
        wanted = _wanted(part)
        if not _by_detection(part) or len({kinds[one].group for one in wanted}) > 1:
            return None
        later = {one for one in wanted if last[one] > number}
        # What is met again may be bound by several orders, which might contradict each other.
        exact = exact and (len(wanted) == 1 or not (later or met.intersection(wanted)))
        met.update(wanted)
        try:
            states = {
                _State(
                    ended.free,
                    frozenset(one for one in ended.joined if last[one] > number),
                    ended.outcome,
                )
                for state in states
                for ended in (
                    (_alone(state, *next(iter(wanted.items())), kinds, column),)
                    if len(wanted) == 1
                    else _ends(state, wanted, later, kinds, column)
                )
            }
        except _TooMany:
            return None
        if len(states) > MOST_STATES:
            return None
    return TieOutcomes(frozenset(state.outcome for state in states), exact)


def _blocks(pairs: Sequence[KnotPair]) -> Iterator[list[KnotPair]]:
    """Yield the stretches of the order that no order of ties leads out of."""
    ordered = sorted(pairs, key=lambda pair: pair.forward)
    rank = {pair.backward: number for number, pair in enumerate(sorted(pairs, key=lambda pair: pair.backward))}
    begin, furthest = 0, -1
    for number, pair in enumerate(ordered):
        furthest = max(furthest, rank[pair.backward])
        if furthest == number:
            yield ordered[begin : number + 1]
            begin = number + 1


def _parts(block: Sequence[KnotPair]) -> list[list[KnotPair]]:
    """Return the pairs of a block in parts that share neither a detection nor a ground truth: which part is first is all one."""
    parts: list[list[KnotPair]] = []
    for pair in block:
        touched = [
            part for part in parts if any(one.detection == pair.detection or one.truth == pair.truth for one in part)
        ]
        parts = [part for part in parts if part not in touched]
        parts.append([*(one for part in touched for one in part), pair])
    return [sorted(part, key=lambda pair: pair.forward) for part in parts]


def _by_detection(part: Sequence[KnotPair]) -> bool:
    """Tell whether the pairs of each detection follow one another, so that ties order whole detections."""
    changes = sum(one.detection != other.detection for one, other in pairwise(part))
    return changes + 1 == len({pair.detection for pair in part})


def _wanted(part: Sequence[KnotPair]) -> dict[int, tuple[int, ...]]:
    """Return detection -> the ground truths that it takes if they are free, the first one first."""
    wanted: dict[int, tuple[int, ...]] = {}
    for pair in part:
        wanted[pair.detection] = (*wanted.get(pair.detection, ()), pair.truth)
    return wanted


def _ends(
    state: _State,
    wanted: Mapping[int, tuple[int, ...]],
    later: set[int],
    kinds: Mapping[int, Kind],
    column: Mapping[Kind, int],
) -> Iterator[_State]:
    """Yield the states that follow `state` when the detections of a part have come, in any order.

    One that finds nothing free when it comes finds nothing later either, so only orders of those that do are followed. Of
    detections that want the same, are of one kind and are not met again, it does not matter which one comes.
    """
    alike: dict[Hashable, list[int]] = {}
    for detection, truths in wanted.items():
        if detection not in state.joined:
            key = (detection,) if detection in later else (truths, kinds[detection])
            alike.setdefault(key, []).append(detection)
    groups = list(alike.values())
    counted = [not kinds[group[0]].drops and group[0] not in later for group in groups]
    begin: tuple[frozenset[int], tuple[int, ...], tuple[int, ...]] = (state.free, (0,) * len(groups), ())
    pending, seen = [begin], {begin}
    while pending:
        free, taken, released = pending.pop()
        able = [number for number, group in enumerate(groups) if free.intersection(wanted[group[0]])]
        coming = [number for number in able if taken[number] < len(groups[number])]
        for number in coming:
            after = free - {next(one for one in wanted[groups[number][0]] if one in free)}
            used = (*taken[:number], taken[number] + 1, *taken[number + 1 :])
            spent = [one for one in able if counted[one] and not after.intersection(wanted[groups[one][0]])]
            more = sum(len(groups[one]) - used[one] for one in spent)
            following = after, used, (*released, more)
            if following not in seen:
                if len(seen) == MOST_STATES:
                    raise _TooMany
                seen.add(following)
                pending.append(following)
        if not coming:
            joined = [group[0] for group, count in zip(groups, taken, strict=True) for _ in range(count)]
            counts, chains = list(state.outcome.counts), state.outcome.chains
            for one in joined:
                counts[column[kinds[one]]] += 1
            if any(released):
                chains = tuple(sorted((*chains, Chain(kinds[joined[0]].group, released))))
            yield _State(free, state.joined.union(joined), Outcome(tuple(counts), chains))


def _alone(
    state: _State, detection: int, wanted: Sequence[int], kinds: Mapping[int, Kind], column: Mapping[Kind, int]
) -> _State:
    """Return the state after a detection that competes with no equal."""
    truth = next((one for one in wanted if one in state.free), None)
    if truth is None or detection in state.joined:
        return state
    counts = list(state.outcome.counts)
    counts[column[kinds[detection]]] += 1
    return _State(state.free - {truth}, state.joined | {detection}, Outcome(tuple(counts), state.outcome.chains))
