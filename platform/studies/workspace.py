"""Where a study works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crescendo.search_spaces.replicates import Replicate
from crescendo.trainables.data.folds import Division
from crescendo.trainables.data.same_dataset import FileStates
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.folders import lies_in

TRIALS = "trials"


@dataclass(frozen=True)
class Recordings:
    """Recordings in training, validation and test: a data set (a folder or a URI), as it is or divided otherwise.

    Attributes
    ----------
    dataset, dataset_hash
        Address of the data set and the content hash that it must have.
    dataset_states
        Those of its files when its hash was read; None: not known, as of one at a URI.
    division
        How it is divided; None: as it says itself.
    content_hash
        Of the recordings as they are divided.
    """

    dataset: str
    dataset_hash: str
    dataset_states: FileStates | None = None
    division: Division | None = None
    content_hash: str = ""

    def __post_init__(self) -> None:
        if not self.content_hash:
            object.__setattr__(self, "content_hash", self.dataset_hash)


@dataclass(frozen=True)
class Workspace:
    """Where a study works: its output folder and its data set (a folder or a URI), known by its content hash.

    `dataset_states` are those of the data set's files when its hash was read; None: not known, as of one at a URI.
    `folds` are those of a study that has any, by name, in their order. `untested` says why nothing can be tested, if so;
    `notes` are those of the data set.
    """

    output: Path
    dataset: str
    dataset_hash: str
    dataset_states: FileStates | None = None
    folds: Mapping[str, Recordings] = field(default_factory=dict)
    untested: str | None = None
    notes: tuple[str, ...] = ()

    def recordings(self, replicate: Replicate) -> Recordings:
        """Return what the trials of a replicate learn from and are measured on."""
        if replicate.fold is not None:
            return self.folds[replicate.fold]
        return Recordings(self.dataset, self.dataset_hash, self.dataset_states)

    def trial(self, identity: str) -> Path:
        """Return a trial's folder.

        Raises
        ------
        InputError
            If a link leads out of the output folder: what lies elsewhere is neither written nor removed.
        """
        folder = self.output / TRIALS / identity
        if not lies_in(folder, self.output):
            raise InputError(
                f"{folder}: lies outside {self.output}, through a link; let --output itself be a link or name its target"
            )
        return folder
