"""A study: what is ablated, what is searched, how it is confirmed, in one typed and validated value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from crescendo.search_spaces.schema.confirm import Budget, Confirm
from crescendo.search_spaces.schema.folds import Folds, names_of_sets
from crescendo.search_spaces.schema.phases import (
    Ablate,
    Base,
    Baseline,
    Decode,
    Failures,
    Name,
    Objective,
    Primary,
    Resources,
    Search,
    Stopping,
)
from crescendo.search_spaces.schema.values import Section

NEUTRAL = ("description", "dataset", "baseline", "resources", "failures")
"""Keys that change no trial: they may differ when a study goes on. The data set is known by its hash, not its place."""


_PRIMARY, _MODEL_RESETS = "primary", "model_resets"
_UNSAID = {
    "folds": None,
    "repeats": 1,
    "budget": None,
}  # written down only where they are more than that: most studies have neither


@dataclass(frozen=True)
class ModelReset:
    """What `reset` is to a model, under a study's base configuration.

    `default` is that of an arm of the model that sets none; `matters` says whether scores depend on it at all.
    """

    default: str
    matters: bool


def with_dataset(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of a study file in which a list of data sets, the folds, stands for the data set, too."""
    folds = content.get("folds")
    if isinstance(folds, list | tuple) and folds and "dataset" not in content:
        return {**content, "dataset": str(folds[0])}
    return content


class Study(Section):
    """A study, as its file says; defaults filled in. `read_study` makes one, with everything checked."""

    name: Name = Field(description="name of the study: of its results folder and of its experiment in MLflow")
    description: str = Field(default="", description="what it asks, in a sentence or two")
    dataset: str = Field(
        description="folder of a prepared data set, its URI (s3://...), or `synthetic`: made on demand"
    )
    folds: Folds = Field(
        default=None,
        description="`own`: the data set's; a number of parts to be made; or a list of prepared data sets; default: one split",
    )
    repeats: int = Field(
        default=1, ge=1, le=1000, description="independent searches of every arm, each confirmed by itself"
    )
    trainable: str | None = Field(
        default=None, description="model of every arm that sets none, or MODULE:CLASS of your own; default: the first"
    )
    base: Base = Field(
        default={}, description="training settings of every arm; `config` names the configuration they are laid over"
    )
    ablate: Ablate = Field(default=(), description="what makes the arms: a grid, or a list of grids and named arms")
    baseline: Baseline | None = Field(
        default=None,
        description="arm that the others are compared with: its name, or settings only it has; default: the first",
    )
    search: Search = Field(default=Search(), description="search phase: trials and space")
    decode: Decode = Field(default=Decode(), description="what is searched on stored scores")
    objective: Objective = Field(default=Objective(), description="what is best")
    primary: Primary = Field(
        default="detection", description="the question: the objective's difference in `detection` or `early` detection"
    )
    confirm: Confirm = Field(default=Confirm(), description="confirm phase: seeds")
    budget: Budget | None = Field(default=None, description="hours that the study may take; it is cut to that")
    resources: Resources = Field(default=Resources(), description="what a trial gets")
    early_stopping: Stopping = Field(default=None, description="`none`, or `asha` with its settings")
    failures: Failures = Field(default=Failures(), description="what happens when a training breaks")

    @model_validator(mode="before")
    @classmethod
    def _of_folds(cls, values: Any) -> Any:
        return with_dataset(values) if isinstance(values, Mapping) else values

    # Not of the file: what the models in it are, which the room that knows them said when the file was read.
    _model_resets: dict[str, ModelReset] = PrivateAttr(default_factory=dict)

    @property
    def model_resets(self) -> Mapping[str, ModelReset]:
        """Model -> what `reset` is to it, where that is not the base configuration's value and matters."""
        return self._model_resets

    def with_model_resets(self, resets: Mapping[str, ModelReset]) -> Study:
        """Return the same study with other `model_resets`."""
        study = self.model_copy()
        study._model_resets = dict(resets)
        return study

    def to_json(self) -> dict[str, Any]:
        """Return the whole study as plain JSON content; `from_json` reads it back to an equal study."""
        content: dict[str, Any] = self.model_dump(mode="json")
        content = {key: value for key, value in content.items() if key not in _UNSAID or value != _UNSAID[key]}
        if self.search.finalists == 1:
            del content["search"]["finalists"], content["search"]["finalist_seeds"]
        if self.confirm.until is None:
            del content["confirm"]["until"], content["confirm"]["at_most"]
        if self._model_resets:
            content[_MODEL_RESETS] = {model: asdict(one) for model, one in self._model_resets.items()}
        return content

    def decisive(self) -> dict[str, Any]:
        """Return the part of `to_json` that decides which trials run and with what result: no `NEUTRAL` keys, no question."""
        content = {
            key: value for key, value in self.to_json().items() if key not in (*NEUTRAL, _PRIMARY, _MODEL_RESETS)
        }
        del content["confirm"]["margin"]
        if isinstance(self.folds, tuple):
            content["folds"] = list(names_of_sets(self.folds))
        return content

    @property
    def question(self) -> tuple[str, str, float]:
        """What the report is to answer, and with what margin: stated before a study runs, it may not change after."""
        return self.primary, self.objective.metric, self.confirm.margin

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Study:
        """Return the study that `to_json` wrote."""
        content = dict(content)
        resets = {model: ModelReset(**one) for model, one in content.pop(_MODEL_RESETS, {}).items()}
        return cls.model_validate(content).with_model_resets(resets)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides which trials run and with what result (not `NEUTRAL` keys)."""
        return hashlib.sha256(json.dumps(self.decisive(), sort_keys=True).encode()).hexdigest()
