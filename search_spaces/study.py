"""A study: what is ablated, what is searched, how it is confirmed, in one typed and validated value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from crescendo.search_spaces.schema import (
    Ablate,
    Baseline,
    Confirm,
    Decode,
    Failures,
    Name,
    Objective,
    Resources,
    Search,
    Setting,
    Stopping,
)
from crescendo.search_spaces.spaces import Section

NEUTRAL = ("description", "dataset", "baseline", "resources", "failures")
"""Keys that change no trial: they may differ when a study goes on. The data set is known by its hash, not its place."""


class Study(Section):
    """A study, as its file says; defaults filled in. `read_study` makes one, with everything checked."""

    name: Name = Field(description="name of the study: of its results folder and of its experiment in MLflow")
    description: str = Field(default="", description="what it asks, in a sentence or two")
    dataset: str = Field(
        description="folder of a prepared data set, its URI (s3://...), or `synthetic`: made on demand"
    )
    trainable: Literal["lstm", "cnn", "vgg19"] = Field(
        default="lstm", description="the LSTM, the frame classifier, or the network fine-tuned on pixels"
    )
    base: dict[str, Setting] = Field(
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
    confirm: Confirm = Field(default=Confirm(), description="confirm phase: seeds")
    resources: Resources = Field(default=Resources(), description="what a trial gets")
    early_stopping: Stopping = Field(default=None, description="`none`, or `asha` with its settings")
    failures: Failures = Field(default=Failures(), description="what happens when a training breaks")

    def to_json(self) -> dict[str, Any]:
        """Return the whole study as plain JSON content; `from_json` reads it back to an equal study."""
        content: dict[str, Any] = self.model_dump(mode="json")
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Study:
        """Return the study that `to_json` wrote."""
        return cls.model_validate(dict(content))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides which trials run and with what result (not `NEUTRAL` keys)."""
        content = {key: value for key, value in self.to_json().items() if key not in NEUTRAL}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
