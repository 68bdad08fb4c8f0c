"""The data set that a study began with, opened again where a trial runs, and looked at while it trains.

What is looked at: the content hash in `dataset.json`, which opening the data set checks against labels and annotations,
and the sizes and times of change of its files. Features are read whole, and their hash compared, only where a file's
size or time is another one than it was; else the time of a large data set's reading would go into every trial.
"""

from __future__ import annotations

from pathlib import Path

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.remote import is_remote, open_dataset
from crescendo.trainables.data.splits import SPLITS
from crescendo.trainables.errors import DatasetChangedError, InputError, SurroundingsError
from crescendo.trainables.storage.addresses import shown_dataset

FileStates = tuple[tuple[str, int, int], ...]
"""Name, bytes and time of change (ns) of every file of a data set."""


def file_states(folder: Path | str) -> FileStates | None:
    """Return the states of the files of the data set in `folder`, None if one of them is away."""
    folder = Path(folder)
    files = [folder / "dataset.json", folder / "annotations.json"]
    try:
        others = (*sorted(folder.glob("*/*.arrow")), *folder.glob("*.safetensors"), *folder.glob(SPLITS))
        states = [(file, file.stat()) for file in (*files, *others)]
    except OSError:
        return None
    return tuple((str(file.relative_to(folder)), status.st_size, status.st_mtime_ns) for file, status in states)


class SameDataset:
    """A data set that must stay the one with the hash `content_hash` (None: whichever it is when it is opened).

    Attributes
    ----------
    address : str
    dataset : Dataset
        As it was opened first: what was mapped of it stays.
    """

    def __init__(self, address: str, content_hash: str | None = None, states: FileStates | None = None) -> None:
        """Open it. `states` are those of its files when its hash was found; None: not known.

        Raises
        ------
        DatasetChangedError
            If another one lies there.
        SurroundingsError
            If it cannot be opened now.
        """
        self.address = address
        self.dataset = _opened(address)
        self._hash = self.dataset.content_hash if content_hash is None else content_hash
        self._states = states
        if is_remote(address):
            self._states = file_states(self.dataset.path)  # a copy on this machine, under the name of its hash
        self.check()

    def check(self) -> None:
        """Look whether it is still the same; one that is away now is not looked at.

        Raises
        ------
        DatasetChangedError
        """
        now = file_states(self.dataset.path)
        if now is None or (now == self._states and self.dataset.content_hash == self._hash):
            return
        try:
            found = Dataset(self.dataset.path)
            if found.content_hash == self._hash and self._states is not None:
                verify_features(found)
        except InputError as error:
            if file_states(self.dataset.path) is None:
                return
            raise DatasetChangedError(f"{error}; {_REMEDY}") from error
        if found.content_hash != self._hash:
            raise DatasetChangedError(
                f"{shown_dataset(self.address)}: the data set was replaced while the study ran (its content hash was "
                f"{self._hash}, is {found.content_hash}); {_REMEDY}"
            )
        self._states = now


def verify_features(dataset: Dataset) -> None:
    """Read every feature and compare their hash, which opening a data set does not; it takes as long as reading.

    Raises
    ------
    InputError
        If they are not those that were written with `dataset.json`.
    """
    if dataset.feature_dim is not None and dataset.store.digest() != dataset.features_hash:
        raise InputError(f"{dataset.path}: the features were changed after the data set was prepared")


_REMEDY = "nothing that was trained on the other one counts: put the first one back and start again"


def _opened(address: str) -> Dataset:
    try:
        return open_dataset(address)
    except (InputError, OSError) as error:
        raise SurroundingsError(f"the data set cannot be opened now: {error}") from error
