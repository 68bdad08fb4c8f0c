"""Finalists: the best settings of a search, trained again with fresh seeds before one of them is chosen.

The best of n noisy trials is partly the luckiest. Both phases see the validation split alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean


def finalists(objectives: Mapping[int, float], settings: Mapping[int, Hashable], count: int) -> tuple[int, ...]:
    """Return the numbers of the `count` trials with the highest objectives, best first, each of another setting.

    Of equal objectives the trial with the smaller number is better.

    Parameters
    ----------
    objectives, settings
        Trial -> its objective; trial -> what two trials of the same setting share.
    """
    best: dict[Hashable, int] = {}
    for number in sorted(objectives, key=lambda one: (-objectives[one], one)):
        best.setdefault(settings[number], number)
    return tuple(best.values())[:count]


def chosen(own: Mapping[int, float], again: Mapping[int, Sequence[float]], trainings: int) -> int | None:
    """Return the finalist with the highest mean over its own objective and those of its fresh trainings.

    Of equal ones the first. Those that lack some of the fresh `trainings` are passed over, unless all do: then the best by
    its own objective is taken. None without finalists.

    Parameters
    ----------
    own
        Finalist -> its objective in the search, best first.
    again
        Finalist -> the objectives of its fresh trainings that ended well.
    """
    whole = [number for number in own if len(again.get(number, ())) == trainings]
    return max(whole or list(own)[:1], key=lambda one: fmean([own[one], *again.get(one, ())]), default=None)
