"""CMA-ES as a function of the trials it sees.

Optuna's own sampler keeps its optimiser pickled in the storage. A ledger is a file that people pass on, and nothing in
it may run code when it is read: here the optimiser is told every finished trial again for each proposal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from cmaes import CMA
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import intersection_search_space
from optuna.trial import FrozenTrial, TrialState

_NUMBERS = (FloatDistribution, IntDistribution)

# Of the unit cube: as wide as the chance that proposes the first trials, so that they count as a first generation.
_MEAN, _SIGMA = 0.5, 0.3


class CmaEsSampler(BaseSampler):  # type: ignore[misc]  # Optuna is not followed
    """Proposes the numbers that every finished trial has; all other parameters are drawn by chance.

    Finished trials, by number, are the generations; those that do not fill one wait for more. Every setting is scaled
    to [0, 1], ranges with `log` by their logarithm.
    """

    def __init__(self, *, seed: int, startup_trials: int) -> None:
        self._startup_trials = startup_trials
        self._random = np.random.RandomState(seed)
        self._independent = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the ranges of numbers that all finished trials were proposed from."""
        space = intersection_search_space(_finished(study))
        return {key: one for key, one in space.items() if isinstance(one, _NUMBERS) and not one.single()}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a value for each parameter of `search_space`; nothing while too few trials have finished."""
        trials = _finished(study)
        if not search_space or len(trials) < self._startup_trials:
            return {}
        # CMA-ES needs two dimensions at least; one that nothing depends on changes nothing.
        dimensions = max(2, len(search_space))
        optimizer = CMA(
            mean=np.full(dimensions, _MEAN),
            sigma=_SIGMA,
            bounds=np.tile([0.0, 1.0], (dimensions, 1)),
            seed=int(self._random.randint(2**31)),
        )
        size = optimizer.population_size
        for first in range(0, len(trials) - size + 1, size):
            optimizer.tell(
                [(_scaled(one, search_space, dimensions), -one.value) for one in trials[first : first + size]]
            )
        point = optimizer.ask()
        return {key: _unscaled(point[number], one) for number, (key, one) in enumerate(search_space.items())}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a value by chance."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    trials: list[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return trials


def _scaled(trial: FrozenTrial, space: Mapping[str, BaseDistribution], dimensions: int) -> np.ndarray:
    point = np.full(dimensions, _MEAN)
    for number, (key, distribution) in enumerate(space.items()):
        low, high = _limits(distribution)
        value = np.log(trial.params[key]) if distribution.log else trial.params[key]
        point[number] = (value - low) / (high - low)
    return point


def _unscaled(share: float, distribution: Any) -> int | float:
    low, high = _limits(distribution)
    value = low + float(share) * (high - low)
    value = float(np.exp(value)) if distribution.log else value
    step = distribution.step
    if step is not None:
        value = distribution.low + round((value - distribution.low) / step) * step
    value = min(max(value, distribution.low), distribution.high)
    return int(value) if isinstance(distribution, IntDistribution) else value


def _limits(distribution: Any) -> tuple[float, float]:
    """Return the ends of the scale: half a step beyond the limits, so that the outermost values are as likely as others."""
    half = (distribution.step or 0) / 2
    low, high = distribution.low - half, distribution.high + half
    return (float(np.log(low)), float(np.log(high))) if distribution.log else (low, high)
