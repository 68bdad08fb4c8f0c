"""Optuna's samplers as a study uses them: freshly seeded for each proposal, and with no memory but the trials they see."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from crescendo.platform.studies.cmaes_sampler import CmaEsSampler
from crescendo.search_spaces.schema.phases import Sampler


def tpe(seed: int, startup_trials: int, *, multivariate: bool = False) -> TPESampler:
    """Return the tree-structured Parzen estimator; each parameter by itself, or all together (`multivariate`)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # Trials that run side by side would be proposed alike if TPE did not hear of each other.
        return TPESampler(n_startup_trials=startup_trials, seed=seed, multivariate=multivariate, constant_liar=True)


def gp(seed: int, startup_trials: int) -> GPSampler:
    """Return the Gaussian process: parameters without conditions together, those with conditions by chance."""
    return GPSampler(seed=seed, n_startup_trials=startup_trials, warn_independent_sampling=False)


def cmaes(seed: int, startup_trials: int) -> CmaEsSampler:
    """Return CMA-ES: numbers without conditions together, all else by chance."""
    return CmaEsSampler(seed=seed, startup_trials=startup_trials)


def chance(seed: int, startup_trials: int = 0) -> RandomSampler:
    """Return random search, which learns nothing."""
    del startup_trials
    return RandomSampler(seed=seed)


class Proposer(NamedTuple):
    """What makes a sampler, from a seed and the number of trials before it learns, and how often it is asked.

    A sampler may insist on a setting that was tried. After `draws` of them chance is asked in its place; samplers that
    propose all parameters together take seconds to say the same again.
    """

    make: Callable[[int, int], BaseSampler]
    draws: int


SAMPLERS: Mapping[Sampler, Proposer] = {
    "tpe": Proposer(tpe, 20),
    "gp": Proposer(gp, 1),
    "cmaes": Proposer(cmaes, 5),
    "random": Proposer(chance, 20),
    "grid": Proposer(chance, 0),
}
