"""The luck of a search, held to a search played out trial by trial."""

import numpy as np
import pytest

from crescendo.reports.planning.luck import luck
from crescendo.reports.planning.sources import Settings
from crescendo.search_spaces.finalists import chosen, finalists

SETTINGS = Settings(drawn=(-6.0, -3.0, -1.5, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0), start=(0.5, 1.0), noise=1.2)


def played(start: float, trials: int, kept: int, seeds: int, random: np.random.Generator) -> float:
    """Return the quality of the setting that one search chooses, by the functions that a study uses."""
    quality = [float(np.interp(random.random(), np.linspace(0, 1, 11), SETTINGS.drawn)) for _ in range(trials)]
    quality[0] = start
    tried = {number: one + SETTINGS.noise * random.standard_normal() for number, one in enumerate(quality)}
    best = finalists(tried, {number: number for number in tried}, kept)
    again = {one: [quality[one] + SETTINGS.noise * random.standard_normal() for _ in range(seeds)] for one in best}
    return quality[chosen({one: tried[one] for one in best}, again, seeds) or 0]


@pytest.mark.parametrize(("trials", "kept", "seeds"), [(1, 1, 0), (3, 1, 0), (8, 1, 0), (8, 3, 2)])
def test_it_is_that_of_searches_played_out(trials, kept, seeds):
    random = np.random.default_rng(0)
    each = [np.array([played(start, trials, kept, seeds, random) for _ in range(2000)]) for start in SETTINGS.start]
    found = luck(SETTINGS, trials, kept, seeds)
    assert found.short == pytest.approx(3 - np.mean(each), abs=0.1)
    assert found.variance == pytest.approx(2 * np.mean([one.var() for one in each]), rel=0.12, abs=1e-9)


def test_more_trials_find_better_settings_and_depend_less_on_the_start():
    found = [luck(SETTINGS, trials) for trials in (1, 3, 10, 30)]
    assert [one.short for one in found] == sorted((one.short for one in found), reverse=True)
    assert found[0].uneven > found[1].uneven > 10 * found[2].uneven
    assert found[0].uneven == pytest.approx(2 * np.var(SETTINGS.start, ddof=1))


def test_without_noise_the_best_is_chosen():
    exact = Settings(SETTINGS.drawn, (3.0, 3.0), 0.0)
    assert luck(exact, 5).short == pytest.approx(0)
    assert luck(exact, 5).variance == pytest.approx(0)
