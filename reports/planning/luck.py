"""The luck of a search, simulated: how good the setting is that the best of n noisy trials has, and how much that varies.

A trial's validation value is the quality of its setting and noise. The best value is chosen, or of the best few, trained again
with fresh seeds, that with the best mean (`search_spaces.finalists`). Qualities are drawn from what a study measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crescendo.reports.planning.sources import Settings

_SEARCHES = 20_000
_SEED = 2027


@dataclass(frozen=True)
class Luck:
    """What a search comes to, in points: over searches of the same arm, and over arms.

    Attributes
    ----------
    short
        How much worse than the best setting there is the chosen one is, on average.
    variance
        Of a difference between two arms, due to the luck of both searches: points squared.
    uneven
        Variance of a difference between two arms since their searches fall short by different amounts: no repetition of the
        study shows it, or takes it away.
    """

    short: float
    variance: float
    uneven: float


@lru_cache(maxsize=4096)
def luck(settings: Settings, trials: int, finalists: int = 1, finalist_seeds: int = 0) -> Luck:
    """Return what searches of so many trials come to; the start value of an arm is its first."""
    starts = settings.start or (None,)
    found = [_chosen(settings, start, trials, finalists, finalist_seeds) for start in starts]
    best = [max(settings.drawn[-1], settings.drawn[-1] if start is None else start) for start in starts]
    short = np.array([top - one.mean() for top, one in zip(best, found, strict=True)])
    uneven = 2 * float(short.var(ddof=1)) if len(short) > 1 else 0.0
    return Luck(float(short.mean()), 2 * float(np.mean([one.var() for one in found])), uneven)


def _chosen(settings: Settings, start: float | None, trials: int, finalists: int, seeds: int) -> np.ndarray:
    """Return the quality of the setting that each search chooses, (searches,)."""
    random = np.random.default_rng(_SEED)
    places = np.linspace(0, 1, len(settings.drawn))
    quality = np.interp(random.random((_SEARCHES, trials)), places, settings.drawn)
    if start is not None:
        quality[:, 0] = start
    values = quality + settings.noise * random.standard_normal(quality.shape)
    kept = min(finalists, trials)
    if kept > 1:
        best = np.argsort(-values, axis=1)[:, :kept]
        quality, values = (np.take_along_axis(one, best, axis=1) for one in (quality, values))
        again = quality + settings.noise / np.sqrt(seeds) * random.standard_normal(quality.shape)
        values = (values + seeds * again) / (1 + seeds)
    return np.asarray(np.take_along_axis(quality, values.argmax(axis=1)[:, None], axis=1)[:, 0])
