"""What differences of a finished study varied with, in points, and what its trainings took: what a plan starts from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from crescendo.reports.analysis.planning import Components
from crescendo.trainables.errors import InputError

FINEST = 11
"""Places at which the distribution of settings is told: its quantiles from 0 to 1, evenly spaced."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a difference between two arms, in points (`planning.Components` has their squares).

    `search` is None where every arm was searched once on one split, so that it was not seen.
    """

    group: float
    seed: float
    together: float
    search: float | None
    fold: float = 0.0


@dataclass(frozen=True)
class Settings:
    """How good the settings of an arm's search are, in points of the objective, relative to the mean of those drawn.

    Attributes
    ----------
    drawn
        Quantiles of the quality of settings that the sampler proposed, what a training varies taken out: `FINEST`, rising.
    start
        Of each arm: the quality of the start value that is tried first; empty where there is none.
    noise
        Standard deviation of one trial's validation value around the quality of its setting.
    """

    drawn: tuple[float, ...]
    start: tuple[float, ...]
    noise: float


@dataclass(frozen=True)
class Hours:
    """Hours of one training, its results included: a trial's or a finalist's, and a confirmation's; on what."""

    trial: float
    confirmation: float
    cpus: float
    gpus: float
    iterations: int


@dataclass(frozen=True)
class Sources:
    """What a finished study measured.

    Attributes
    ----------
    study, dataset, dataset_hash, measure, primary
        Whose figures these are, and of what: `mAP/iou_0.50` in `detection` or `early` detection.
    groups
        Groups of recordings tested in each fold; of one split a single number.
    repeats, seeds
        Searches of an arm in each fold, and seeds of each.
    compared
        Arms beside the baseline.
    trials, finalists, finalist_seeds
        Of each search.
    spread, settings, hours
        What was measured; None: it was not.
    split
        Groups tested on, and validated on, on the data set's own split, where it is known beside folds.
    groups_are
        What groups are called.
    """

    study: str
    dataset: str
    dataset_hash: str
    measure: str
    primary: str
    groups: tuple[int, ...]
    groups_are: str
    repeats: int
    seeds: int
    compared: int
    trials: int
    finalists: int
    finalist_seeds: int
    spread: Spread
    settings: Settings | None
    hours: Hours | None
    split: tuple[int, int] | None = None

    @property
    def folds(self) -> int:
        """How many divisions of the recordings there were."""
        return len(self.groups)

    @property
    def components(self) -> Components:
        """The variances in points squared; a search that was not seen counts as 0."""
        squares = {key: (value or 0.0) ** 2 for key, value in asdict(self.spread).items()}
        return Components(**squares, by_search=self.repeats > 1)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able object, which `from_json` reads back; four digits, which is more than is known."""
        content: dict[str, Any] = _rounded(asdict(self))
        return content

    @classmethod
    def from_json(cls, content: Any, name: str) -> Sources:
        """Return the sources whose `to_json` is `content`.

        Raises
        ------
        InputError
            If it is something else; `name` says where it is from.
        """
        try:
            found = TypeAdapter(cls).validate_python(content, strict=False)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(f"{name}: not what a study measured ({place}: {first['msg']})") from error
        if not found.groups or min(*found.groups, found.repeats, found.seeds, found.compared, found.trials) < 1:
            raise InputError(
                f"{name}: not what a study measured (a number of groups, seeds, arms or trials is below 1)"
            )
        return found

    def on(self, split: tuple[int, int] | None) -> Sources:
        """Return the same with the groups of the data set's own split; None: those that are known."""
        return self if split is None else replace(self, split=split)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.4g}")
    return value
