"""Proposals: start values first, conditions kept, nothing tried twice, and the same again after a restart."""

from decimal import Decimal
from typing import get_args

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.platform.studies.proposals import propose, setting_key
from crescendo.platform.studies.settings import resolve_settings
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.schema.phases import Sampler

optuna.logging.set_verbosity(optuna.logging.WARNING)

HEAD = "name: p\ndataset: synthetic\n"
MIXED = (
    HEAD
    + """
search:
  trials: 30
  sampler: {sampler}
  startup_trials: 3
  space:
    variant: [none, score, margin]
    lambda_r: {{low: 0.1, high: 30, log: true, when: {{variant: [score, margin]}}}}
    bptt: {{low: 10, high: 50, step: 10}}
    dropout: [0.25, 0.5]
  start:
    - {{lambda_r: 6, variant: score}}
    - {{variant: none, lambda_r: 3, bptt: 20, dropout: 0.5}}
"""
)
TINY = (
    HEAD
    + "search: {{trials: 6, sampler: {sampler}, startup_trials: 1, space: {{dropout: [0.1, 0.2, 0.3], bptt: [10, 20]}}}}\n"
)


def arm_of(text: str, sampler: str):
    study = parse_study(text.format(sampler=sampler), "p.yaml", (), resolve_settings)
    return study.search, arms_of(study)[0]


def run(
    search, arm, trials: int, seed: int = 0, objective=lambda values: -values.get("dropout", 0), storage=None
) -> list[dict]:
    """Ask for so many proposals, telling a value for each to the study in `storage` before the next is asked for."""
    storage = storage or optuna.storages.InMemoryStorage()
    optuna.create_study(direction="maximize", study_name="s", storage=storage)
    values = []
    for number in range(trials):
        study = optuna.load_study(study_name="s", storage=storage)
        taken = {setting_key(one) for one in values}
        proposal = propose(study, arm, search, number=number, seed=seed + number, taken=taken)
        values.append(dict(proposal.values))
        value = objective(proposal.values)
        trial = optuna.trial.create_trial(params=values[-1], distributions=dict(proposal.distributions), value=value)
        study.add_trial(trial)
    return values


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "random"])
def test_start_values_come_first_and_conditions_hold(sampler):
    search, arm = arm_of(MIXED, sampler)
    values = run(search, arm, 6)
    assert values[0]["variant"] == "score"
    assert values[0]["lambda_r"] == 6
    assert values[1] == {"variant": "none", "bptt": 20, "dropout": 0.5}
    assert all(("lambda_r" in one) == (one["variant"] != "none") for one in values)
    assert all(0.1 <= one.get("lambda_r", 1) <= 30 and one["bptt"] in range(10, 51, 10) for one in values)


@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_a_space_that_can_be_listed_is_tried_whole_nothing_twice(sampler):
    search, arm = arm_of(TINY, sampler)
    values = run(search, arm, 6)
    assert len({setting_key(one) for one in values}) == 6
    everything = {setting_key(one) for one in values}
    study = optuna.create_study(direction="maximize")
    assert propose(study, arm, search, number=6, seed=0, taken=everything) is None


def test_grid_goes_in_the_order_of_the_file():
    search, arm = arm_of(TINY, "grid")
    assert run(search, arm, 3) == [
        {"dropout": 0.1, "bptt": 10},
        {"dropout": 0.1, "bptt": 20},
        {"dropout": 0.2, "bptt": 10},
    ]


PLANE = (
    HEAD
    + """
search:
  trials: 30
  sampler: {sampler}
  startup_trials: 6
  space:
    learning_rate: {{low: 1.0e-5, high: 1.0, log: true}}
    hidden_size: {{low: 1, high: 1001, step: 10}}
"""
)


def distance(values) -> float:
    """From the best setting, a learning rate of 0.01 and a hidden size of 301, in shares of the two ranges."""
    return float(np.hypot((np.log10(values["learning_rate"]) + 2) / 5, (values["hidden_size"] - 301) / 1000))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 40), sampler=st.sampled_from(["tpe", "cmaes", "random"]))
def test_asked_again_it_proposes_the_same(seed, sampler):
    search, arm = arm_of(MIXED, sampler)
    assert run(search, arm, 8, seed) == run(search, arm, 8, seed)


def test_asked_again_the_gaussian_process_proposes_the_same():
    search, arm = arm_of(PLANE, "gp")
    assert run(search, arm, 8) == run(search, arm, 8)


def test_tpe_learns_from_what_was_told():
    search, arm = arm_of(
        HEAD
        + "search: {{trials: 40, sampler: {sampler}, startup_trials: 5, space: {{dropout: {{low: 0.0, high: 0.9}}}}}}\n",
        "tpe",
    )
    late = [one["dropout"] for one in run(search, arm, 40)[20:]]
    assert sum(late) / len(late) < 0.25


@pytest.mark.parametrize(("sampler", "share"), [("tpe", 0.7), ("gp", 0.4), ("cmaes", 0.8)])
def test_a_quadratic_in_two_dimensions_is_solved_better_than_by_chance(sampler, share):
    def late(name: str, seed: int) -> float:
        search, arm = arm_of(PLANE, name)
        proposed = run(search, arm, trials, seed, lambda values: -(distance(values) ** 2))
        return float(np.mean([distance(one) for one in proposed[-6:]]))

    # A proposal of the Gaussian process takes a second.
    trials, seeds = (14, (0,)) if sampler == "gp" else (30, (0, 1000, 2000, 3000, 4000))
    assert np.mean([late(sampler, seed) for seed in seeds]) < share * np.mean([late("random", seed) for seed in seeds])


@pytest.mark.parametrize("sampler", ["gp", "cmaes"])
def test_joint_samplers_write_nothing_into_the_study_they_learn_from(sampler):
    search, arm = arm_of(PLANE, sampler)
    storage = optuna.storages.InMemoryStorage()
    run(search, arm, 12, objective=lambda values: -distance(values), storage=storage)
    study = optuna.load_study(study_name="s", storage=storage)
    assert len(study.trials) == 12
    assert all(not trial.system_attrs for trial in study.trials)


def test_cmaes_learns_of_a_single_number():
    search, arm = arm_of(
        HEAD
        + "search: {{trials: 30, sampler: {sampler}, startup_trials: 6, space: {{dropout: {{low: 0.0, high: 0.9}}}}}}\n",
        "cmaes",
    )
    late = [one["dropout"] for one in run(search, arm, 30)[20:]]
    assert sum(late) / len(late) < 0.25


def stepped(low: Decimal, step: Decimal, last: int, start: int, wanted: int) -> tuple[str, list[float]]:
    """A study of a stepped range with a start value and a condition, and the values of the range."""
    values = [low + number * step for number in range(last + 1)]
    space = f"{{{{low: {values[0]}, high: {values[-1]}, step: {step}}}}}"
    text = f"""
search:
  trials: {2 * len(values)}
  sampler: {{sampler}}
  startup_trials: 2
  space:
    dropout: {space}
    bptt: {{{{choices: [10, 20], when: {{{{dropout: [{values[wanted]}]}}}}}}}}
  start: [{{{{dropout: {values[start]}}}}}]
"""
    return HEAD + text, [float(one) for one in values]


@st.composite
def stepped_studies(draw) -> tuple[str, list[float], int, int]:
    places = draw(st.integers(1, 4))
    last = draw(st.integers(1, 6))
    low, step = (Decimal(draw(st.integers(1, 10**places // 8))).scaleb(-places) for _ in range(2))
    start, wanted = draw(st.integers(0, last)), draw(st.integers(0, last))
    return *stepped(low, step, last, start, wanted), start, wanted


@settings(max_examples=30, deadline=None)
@given(stepped_studies(), st.sampled_from(["tpe", "cmaes", "random", "grid"]), st.integers(0, 2**32 - 40))
def test_a_stepped_range_is_tried_once_each_as_the_decimals_it_was_written_in(drawn, sampler, seed):
    text, values, start, wanted = drawn
    search, arm = arm_of(text, sampler)
    assert arm.trials == len(values) + 1
    found = run(search, arm, arm.trials, seed)
    assert found[0]["dropout"] == values[start]
    settings_there_are = [(one, 0) for one in values if one != values[wanted]] + [
        (values[wanted], bptt) for bptt in (10, 20)
    ]
    assert sorted((one["dropout"], one.get("bptt", 0)) for one in found) == sorted(settings_there_are)


def test_the_gaussian_process_tries_a_stepped_range_as_it_was_written():
    text, values = stepped(Decimal("0.1"), Decimal("0.1"), 3, 2, 2)
    search, arm = arm_of(text, "gp")
    assert {one["dropout"] for one in run(search, arm, arm.trials)} == set(values) == {0.1, 0.2, 0.3, 0.4}


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "grid"])
def test_a_high_that_is_only_nearly_on_the_grid_is_tried(sampler):
    space = "{{dropout: {{low: 0, high: 0.9, step: 0.2999999999999}}}}"
    text = f"search: {{{{trials: 9, sampler: {{sampler}}, startup_trials: 2, space: {space}}}}}\n"
    search, arm = arm_of(HEAD + text, sampler)
    found = sorted(one["dropout"] for one in run(search, arm, arm.trials))
    assert found == [0.0, 0.2999999999999, 0.5999999999998, 0.9]


def test_start_values_are_written_as_their_space_has_them():
    search, arm = arm_of(
        HEAD
        + "search: {{trials: 4, sampler: {sampler}, space: {{bptt: {{low: 10, high: 13}}}}, start: [{{bptt: 12.0}}]}}\n",
        "grid",
    )
    found = [one["bptt"] for one in run(search, arm, 4)]
    assert found == [12, 10, 11, 13]
    assert all(type(one) is int for one in found)
