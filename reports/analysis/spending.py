"""How a study that is looked at several times divides its 5 % of error among the looks.

The more information a look has of all that the last one will have, the more of the error may have been spent by then (Lan and
DeMets, "Discrete sequential boundaries for clinical trials", 1983; the information is that of the variances that were measured:
Mehta and Tsiatis, "Flexible sample size considerations using information-based interim monitoring", 2001). An estimate that
adds independent seeds moves as a Brownian motion does over the information, so how probably any of several looks calls equal
arms different follows from their levels and their information (Armitage, McPherson and Rowe, 1969).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

POWER_OF_INFORMATION = 1.5
"""By a share t of the information, t to this power of the error may be spent (Kim and DeMets, 1987)."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)
_LEAST = 0.01
"""Looks that are closer in information are told apart by as much: the integral has no finer grid."""
_FARTHEST, _HALVINGS = 9.0, 50


def level_of_look(information: Sequence[np.ndarray | float], levels: Sequence[np.ndarray | float],
                  comparisons: int, level: float) -> np.ndarray:
    """Return the level of a look, over as many `comparisons`; all may be arrays, of many studies.

    Parameters
    ----------
    information
        That of every look up to this one, as a share of what the last one planned will have.
    levels
        Those of the looks before this one.
    level
        Of the whole study.
    """
    shares = _apart(information)
    whole = -np.expm1(np.log1p(-level) / comparisons)
    bounds = [_bound(-np.expm1(np.log1p(-np.asarray(one, dtype=float)) / comparisons)) for one in levels]
    now = np.asarray(information[-1], dtype=float)
    spent = whole * np.where(now >= 1 - _LEAST, 1.0, now) ** POWER_OF_INFORMATION
    bound = _next_bound(shares, bounds, spent)
    own = 2 * special.ndtr(-bound)
    return np.where(bound >= _FARTHEST * 0.999, 0.0, -np.expm1(comparisons * np.log1p(-own)))


def _apart(information: Sequence[np.ndarray | float]) -> list[np.ndarray]:
    shares = [np.asarray(one, dtype=float) for one in information]
    shares[-1] = np.maximum(shares[-1], _LEAST * len(shares))
    for place in range(len(shares) - 2, -1, -1):
        shares[place] = np.clip(shares[place], _LEAST * (place + 1), shares[place + 1] - _LEAST)
    return shares


def _bound(level: np.ndarray) -> np.ndarray:
    """Return the normal value that is passed, two-sided, with this probability."""
    with np.errstate(divide="ignore"):
        return np.minimum(-special.ndtri(level / 2), _FARTHEST)


def _next_bound(shares: Sequence[np.ndarray], bounds: Sequence[np.ndarray], spent: np.ndarray) -> np.ndarray:
    """Return the bound of the last look with which any look passes its own with probability `spent`."""
    ahead = np.sqrt(shares[-1])
    if not bounds:
        return _bound(spent)
    places, mass = _within(shares[0], bounds[0])
    for number in range(1, len(bounds)):
        there = np.sqrt(shares[number])[..., None] * bounds[number][..., None] * _NODES
        step = np.sqrt(shares[number] - shares[number - 1])[..., None, None]
        reached = np.exp(-(((there[..., :, None] - places[..., None, :]) / step) ** 2) / 2) / step / np.sqrt(2 * np.pi)
        width = (np.sqrt(shares[number]) * bounds[number])[..., None] * _WEIGHTS
        places, mass = there, width * (reached @ mass[..., None])[..., 0]
    step = np.sqrt(shares[-1] - shares[-2])[..., None]
    low, high = np.zeros(np.shape(spent)), np.full(np.shape(spent), _FARTHEST)
    for _ in range(_HALVINGS):
        tried = (low + high) / 2
        edge = (ahead * tried)[..., None]
        inside = (mass * (special.ndtr((edge - places) / step) - special.ndtr((-edge - places) / step))).sum(axis=-1)
        too_much = 1 - inside > spent
        low, high = np.where(too_much, tried, low), np.where(too_much, high, tried)
    return high


def _within(share: np.ndarray, bound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places within the bound of the first look, and how probable each is."""
    places = np.sqrt(share)[..., None] * bound[..., None] * _NODES
    root = np.sqrt(share)[..., None]
    return places, bound[..., None] * root * _WEIGHTS * np.exp(-((places / root) ** 2) / 2) / root / np.sqrt(2 * np.pi)
