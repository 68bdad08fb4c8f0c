"""What to try next: a setting for a trial of an arm, proposed by Optuna from what the arm's ledger holds."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from crescendo.platform.studies.samplers import SAMPLERS
from crescendo.search_spaces.arms import Arm
from crescendo.search_spaces.schema.phases import Search
from crescendo.search_spaces.schema.spaces import Choices, Range

# Draws of chance before a setting that was tried may be proposed again.
_CHANCES = 200
# Settings that are listed to find one that was not tried.
_LISTED = 10_000


@dataclass(frozen=True)
class Proposal:
    """Values of an arm's parameters, and the distributions they came from."""

    values: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]

    @property
    def key(self) -> str:
        """What two proposals of the same setting share."""
        return setting_key(self.values)


def setting_key(values: Mapping[str, Any]) -> str:
    """Return what two equal settings share."""
    return json.dumps(dict(values), sort_keys=True)


def taken_key(arm: Arm, values: Mapping[str, Any]) -> str:
    """Return the key of what a trial of `arm` tried; an older ledger may have 0.30000000000000004 for 0.3."""
    return setting_key({key: _written(arm.space[key], one) if key in arm.space else one for key, one in values.items()})


def _written(space: Range | Choices, value: Any) -> Any:
    return space.nearest(value) if isinstance(space, Range) else value


def propose(
    study: optuna.Study, arm: Arm, search: Search, *, number: int, seed: int, taken: Collection[str]
) -> Proposal | None:
    """Return a proposal for trial `number` of `arm`, or None if every setting of its space is `taken`.

    A function of its arguments and of the trials in `study` (a study object that saw none of them change: Optuna's
    samplers remember what they saw): asked again, it proposes the same. Start values come first;
    then the study's sampler, freshly seeded; where it insists on what was tried, chance.
    """
    make, draws = SAMPLERS[search.sampler]
    if number < len(arm.start):
        first = _draw(study, arm, number, make(seed, search.startup_trials), arm.start[number])
        if first.key not in taken:
            return first
    if search.sampler == "grid":
        return next((one for one in _listed(arm) if one.key not in taken), None)
    samplers = itertools.chain(
        itertools.repeat(make(seed, search.startup_trials), draws),
        itertools.repeat(RandomSampler(seed=seed), _CHANCES),
    )
    for sampler in samplers:
        proposal = _draw(study, arm, number, sampler, {})
        if proposal.key not in taken:
            return proposal
    if any(space.size > _LISTED for space in arm.space.values()):
        return proposal
    left = [one for one in itertools.islice(_listed(arm), _LISTED) if one.key not in taken]
    return random.Random(seed).choice(left) if left else None  # noqa: S311  # a search, not a secret


def _draw(study: optuna.Study, arm: Arm, number: int, sampler: BaseSampler, start: Mapping[str, Any]) -> Proposal:
    trial = create_trial(state=TrialState.RUNNING)
    trial.number = number
    together = _together(study, sampler, trial)
    values: dict[str, Any] = {}
    for key, space in arm.space.items():
        if not space.applies(values):
            continue
        distribution = _distribution(space)
        if key in start:
            value = start[key]
        elif key in together:
            value = together[key]
        else:
            value = sampler.sample_independent(study, trial, key, distribution)
        values[key] = _written(space, value)
        trial.params[key], trial.distributions[key] = values[key], distribution
    return Proposal(values, dict(trial.distributions))


def _together(study: optuna.Study, sampler: BaseSampler, trial: FrozenTrial) -> Mapping[str, Any]:
    """Return the values that `sampler` proposes jointly; those it leaves out are for `sample_independent`."""
    space = sampler.infer_relative_search_space(study, trial)
    if not space:
        return {}
    # Some samplers write notes into the storage. The ledger is not theirs to write in.
    copy = optuna.create_study(directions=study.directions, sampler=RandomSampler())
    copy.add_trials(study.get_trials(deepcopy=False))
    copy.ask()
    values: Mapping[str, Any] = sampler.sample_relative(copy, copy.trials[-1], space)
    return values


def _distribution(space: Range | Choices) -> BaseDistribution:
    if isinstance(space, Choices):
        return CategoricalDistribution(space.choices)
    if space.integer:
        return IntDistribution(int(space.low), int(space.high), log=space.log, step=int(space.step or 1))
    # Optuna would cut off a `high` that is only nearly a whole number of steps away; `_written` counts them again.
    step = space.step if space.exact else None
    return FloatDistribution(space.low, space.high, log=space.log, step=step)


def _listed(arm: Arm) -> Iterator[Proposal]:
    """Yield every setting of a space that can be counted, in the order of the file."""

    def walk(keys: tuple[str, ...], values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not keys:
            yield values
            return
        key, *rest = keys
        space = arm.space[key]
        if not space.applies(values):
            yield from walk(tuple(rest), values)
            return
        for value in space.values():
            yield from walk(tuple(rest), {**values, key: value})

    for values in walk(tuple(arm.space), {}):
        yield Proposal(values, {key: _distribution(arm.space[key]) for key in values})
