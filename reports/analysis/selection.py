"""How much luck a search leaves in what it chooses, by its trials and finalists.

A setting's true measure is normal over the settings that are tried; a trial measures it with noise. The best of n noisy values
is chosen: or, of so many finalists, each measured once more, the best mean. Both are relative to the spread of settings.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SIMULATED = 20_000


@lru_cache(maxsize=512)
def chosen(trials: int, finalists: int = 1, noise: float = 1.0, seed: int = 0) -> tuple[float, float]:
    """Return mean and standard deviation of the true measure of the setting that a search chooses.

    In standard deviations of the settings' true measures, about their mean. By simulation, the same for the same arguments.

    Parameters
    ----------
    trials, finalists
        Settings tried; and how many of the best are measured once more, 1 being none.
    noise
        Standard deviation of what one trial's measure differs from the true one.
    """
    random = np.random.default_rng([seed, trials])
    true = random.standard_normal((SIMULATED, trials))
    measured = true + noise * random.standard_normal(true.shape)
    row = np.arange(SIMULATED)[:, None]
    best = np.argsort(-measured, axis=1)[:, : min(finalists, trials)]
    if finalists == 1:
        picked = true[row, best][:, 0]
    else:
        again = measured[row, best] + true[row, best] + noise * random.standard_normal(best.shape)
        picked = true[row, best][row[:, 0], again.argmax(axis=1)]
    return float(picked.mean()), float(picked.std())
