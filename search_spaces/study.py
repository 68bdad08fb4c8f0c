"""A study: what is ablated, what is searched, how it is confirmed, in one typed and validated value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from .arms import Arm, ArmDecode, arm, combinations_of
from .checks import Resolve, check, complete
from .problems import StudyError
from .reading import Source, read
from .sections import (
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
from .spaces import Choices, Range, Section, same
from .validation import salvage

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

    def arms(self) -> tuple[Arm, ...]:
        """Return the arms, in the order of the file; the names are stable and each stands once."""
        return tuple(arm(self, combination) for combination in combinations_of(self.ablate))

    def arm(self, name: str) -> Arm:
        """Return the arm called `name`; `KeyError` if there is none."""
        return {one.name: one for one in self.arms()}[name]

    def baselines(self) -> tuple[Arm, ...]:
        """Return the arms that `baseline` fits: exactly one in a study that was checked."""
        if self.baseline is None:
            return self.arms()[:1]
        if isinstance(self.baseline, str):
            return tuple(one for one in self.arms() if one.name == self.baseline)
        wanted = self.baseline
        return tuple(
            one
            for one in self.arms()
            if all(key in one.settings and same(one.settings[key], value) for key, value in wanted.items())
        )

    @property
    def baseline_arm(self) -> Arm:
        """The arm that the others are compared with."""
        return self.baselines()[0]

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


def shipped_studies() -> tuple[str, ...]:
    """Return the names of the studies that ship with Crescendo."""
    return tuple(sorted(file.name[:-5] for file in _folder().iterdir() if file.name.endswith(".yaml")))


def study_text(name_or_file: str) -> tuple[str, str]:
    """Return the text of a shipped study, by name, or of a file, and what to call it in messages.

    Raises
    ------
    StudyError
        If it is neither, or cannot be read.
    """
    if name_or_file in shipped_studies():
        return (_folder() / f"{name_or_file}.yaml").read_text(encoding="utf-8"), f"{name_or_file}.yaml"
    path = Path(name_or_file)
    if path.is_dir() or not path.exists():
        raise StudyError([f"{name_or_file}: neither a file nor a shipped study ({', '.join(shipped_studies())})"])
    try:
        return path.read_text(encoding="utf-8"), name_or_file
    except OSError as error:
        raise StudyError([f"{name_or_file}: cannot be read ({error.strerror}); check its permissions"]) from None
    except UnicodeDecodeError as error:
        raise StudyError(
            [f"{name_or_file}: must be UTF-8 text but byte {error.start} is not; save it as UTF-8"]
        ) from None


def read_study(name_or_file: str, overrides: Sequence[str] = (), resolve: Resolve | None = None) -> Study:
    """Return the study that a shipped name or a YAML file holds, checked whole.

    Parameters
    ----------
    overrides
        `key=value` with dotted keys (`search.trials=4`), as `--set` takes them; values are YAML.
    resolve
        What knows the training settings: completes and checks them (see `checks.Resolve`). With it the study's `base`
        is the whole configuration; without it the settings are taken as they stand.

    Raises
    ------
    StudyError
        With every problem found, one line each: `file:line: key: rule`.
    """
    text, name = study_text(name_or_file)
    return parse_study(text, name, overrides, resolve)


def parse_study(text: str, name: str = "study", overrides: Sequence[str] = (), resolve: Resolve | None = None) -> Study:
    """Return the study that the YAML `text` holds; as `read_study` otherwise. `name` stands in messages."""
    source: Source = read(text, name, overrides)
    if () not in source.places:
        raise StudyError(source.fatal)
    study, problems = salvage(Study, source.content)
    if study is not None:
        study, found = complete(study, resolve)
        found += check(study, resolve)
        problems += [one for one in found if not one.echoes(problems)]
    problems = [*source.problems, *problems]
    if study is None or problems or source.fatal:
        raise StudyError(source.lines(problems))
    return study


def _folder() -> Any:
    return files("crescendo.search_spaces")


__all__ = [
    "NEUTRAL",
    "Arm",
    "ArmDecode",
    "Choices",
    "Range",
    "Study",
    "StudyError",
    "parse_study",
    "read_study",
    "shipped_studies",
    "study_text",
]
