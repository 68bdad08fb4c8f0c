"""Where a study works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crescendo.trainables.data.same_dataset import FileStates
from crescendo.trainables.errors import InputError
from crescendo.trainables.folders import lies_in

TRIALS = "trials"


@dataclass(frozen=True)
class Workspace:
    """Where a study works: its output folder and its data set (a folder or a URI), known by its content hash.

    `dataset_states` are those of the data set's files when its hash was read; None: not known, as of one at a URI.
    """

    output: Path
    dataset: str
    dataset_hash: str
    dataset_states: FileStates | None = None

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
