"""The prepared data set: the one folder through which everything after an importer sees the data.

annotations.json        ActivityNet's format
features/features.arrow one row a frame (absent from a data set of annotations only)
dataset.json            fps, labels, feature dimension and meaning, source, licence, content hash
fc7.safetensors         where the features are a network's fc6: the layer that follows (`weight`, `bias`)
splits.json             where the data set divides its recordings into several folds (`splits.Splits`)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from crescendo.trainables.data.annotations import Annotations, Recording, read_annotations
from crescendo.trainables.data.findings import findings
from crescendo.trainables.data.frames import BACKGROUND, frame_labels
from crescendo.trainables.data.label_blanks import trimmed
from crescendo.trainables.data.metadata import FASTEST, SLOWEST, DatasetMetadata, StoredMetadata, content_hash
from crescendo.trainables.data.pixels import PixelFrames, PixelStore, write_pixels
from crescendo.trainables.data.splits import FOLDS, SPLITS, SUBSETS, Splits, check_splits, read_splits
from crescendo.trainables.data.store import FrameStore, write_frames
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.files import atomic_directory, atomic_file
from crescendo.trainables.storage.folders import files_below
from crescendo.trainables.storage.json_files import read_json, write_json
from crescendo.trainables.storage.reading import expecting, read_bytes
from crescendo.trainables.storage.validated import validated

if TYPE_CHECKING:
    from torch import Tensor

PIXELS = "jpeg"
_FC7 = "fc7.safetensors"


class Dataset:
    """Read access to a prepared data set; features stay on disk until they are touched.

    Attributes
    ----------
    fps : float
        Frames a second.
    labels : tuple of str
        Label names; index 0 is background.
    feature_dim : int or None
        Columns of the feature matrices; None for a data set of annotations only.
    holds_pixels : bool
        Whether the features are prepared frames, to fine-tune a network on (`pixels.PixelStore`).
    splits : mapping
        The folds that the data set divides its recordings into by itself; empty for most (`splits.Splits`).
    content_hash : str
        SHA-256 over features, annotations, labels and fps, and splits where there are any.
    features_hash : str
        SHA-256 of the features (`store.digest()`), which opening the data set does not read; empty if there are none.
    """

    def __init__(self, path: Path | str) -> None:
        """Open the folder `path`; only the JSON files and the store's footer are read.

        Raises
        ------
        InputError
            If a file is missing or damaged, or differs from what the importer wrote.
        """
        self.path = Path(path)
        if not (self.path / "dataset.json").is_file():
            if (self.path / FOLDS).is_file():
                raise InputError(
                    f"{self.path}: holds a data set of each of several folds; name one of the folders in it"
                )
            what = "not a prepared data set (no dataset.json)" if self.path.exists() else "no such folder"
            raise InputError(f"{self.path}: {what}; make a data set with `crescendo data import`")
        described = self.path / "dataset.json"
        stored = validated(StoredMetadata, read_json(described), described, "import the data set again")
        fields = {key: getattr(stored, key) for key in DatasetMetadata.__dataclass_fields__}
        self.metadata = DatasetMetadata(**{**fields, "notes": tuple(stored.notes)})
        self.labels: tuple[str, ...] = tuple(stored.labels)
        self.feature_dim: int | None = stored.feature_dim
        self.holds_pixels: bool = stored.dtype == PIXELS
        self.content_hash: str = stored.content_hash
        self.features_hash: str = stored.features_hash
        self._fc7_hash: str = stored.fc7_hash
        self.annotations = read_annotations(self.path / "annotations.json")
        self.splits: Splits = read_splits(self.path / SPLITS)
        if self.content_hash != content_hash(
            self.metadata, self.labels, self.annotations, self.features_hash + self._fc7_hash, self.splits
        ):
            raise InputError(
                f"{self.path}: annotations.json, dataset.json or {SPLITS} was changed after the data set was prepared "
                "(its content hash differs); change the source and import it again"
            )
        self._index = {label: number for number, label in enumerate(self.labels)}
        lacking = set(self.annotations.labels()) - {*self.labels[1:]}
        if self.labels[0] != BACKGROUND or len(self._index) < len(self.labels) or lacking or not all(self.labels):
            raise InputError(
                f"{described}: its labels must be {BACKGROUND} and then every label of the annotations, each once; "
                "import the data set again"
            )
        if self.feature_dim is not None:
            if self.store.width != self.feature_dim:
                raise InputError(
                    f"{self.path}: the features have {counted(self.store.width, 'column')} but dataset.json says "
                    f"{self.feature_dim}; import the data set again"
                )
            missing = next((name for name in self.annotations.recordings if name not in self.store), None)
            if missing is not None:
                raise InputError(f"{self.path}: recording {missing!r} has no features; import the data set again")

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.metadata.fps

    @cached_property
    def store(self) -> FrameStore | PixelStore:
        """The feature store, or the pixel store.

        Raises
        ------
        InputError
            If the data set holds annotations only.
        """
        if self.feature_dim is None:
            raise InputError(
                f"{self.path}: the data set holds annotations only; import it with features to train on it"
            )
        folder = self.path / "features"
        inside = files_below(folder) if folder.is_dir() else ()
        files = [path for path in inside if path.parent == folder and path.suffix == ".arrow"]
        if not files:
            raise InputError(f"{folder}: holds no features (*.arrow); import the data set again")
        return PixelStore(files) if self.holds_pixels else FrameStore(files)

    def recordings(self, subset: str) -> tuple[str, ...]:
        """Return the names of the recordings of `subset`, in file order; `InputError` if there are none."""
        try:
            return tuple(self.annotations.of(subset))
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    def frames(self, recording: str) -> int:
        """Return the number of frames of `recording`."""
        if self.feature_dim is None:
            return math.ceil(self.annotations.recordings[recording].duration * self.fps)
        return self.store.frames(recording)

    def features(self, recording: str) -> np.ndarray | PixelFrames:
        """Return the features of `recording`, (frames, `feature_dim`), float16 or float32: a view of the mapped file.

        If the data set holds pixels, these are uint8 frames, decoded when they are sliced.
        """
        return self.store[recording]

    def fc7(self) -> tuple[Tensor, Tensor] | None:
        """Return weight (outputs, `feature_dim`) and bias (outputs,) of the layer that follows fc6, float32.

        None if the data set holds no such layer; `InputError` if the file is missing or not the one written.
        """
        if not self._fc7_hash:
            return None
        path = self.path / _FC7
        data = read_bytes(path)
        if hashlib.sha256(data).hexdigest() != self._fc7_hash:
            raise InputError(f"{path}: was changed after the data set was prepared; extract the data set again")
        # It brings torch, which nothing else of a data set needs.
        from safetensors.torch import load

        with expecting("the fc7 layer of a network", path, "extract the data set again"):
            tensors = load(data)
            return tensors["weight"], tensors["bias"]

    def frame_labels(self, recording: str) -> np.ndarray:
        """Return the label index of every frame of `recording`, (frames,) int64."""
        segments = self.annotations.recordings[recording].segments
        return frame_labels(segments, self.frames(recording), self.fps, self._index)


def write_dataset(
    destination: Path | str,
    metadata: DatasetMetadata,
    annotations: Annotations,
    *,
    frames: Mapping[str, int] | None = None,
    features: Iterable[np.ndarray] | Iterable[Iterable[bytes]] = (),
    feature_dim: int | None = None,
    dtype: str = "float32",
    labels: Iterable[str] | None = None,
    store_metadata: Mapping[str, Any] | None = None,
    fc7: tuple[Tensor, Tensor] | None = None,
    splits: Splits | None = None,
) -> Dataset:
    """Write a prepared data set, complete or not at all, and open it.

    Blanks at the ends of labels are dropped. Its notes are those of `metadata`, that, and what is odd about the annotations
    (`findings.findings`).

    Parameters
    ----------
    frames, features
        `frames` maps each recording to its number of frames; `features` yields the (frames, `feature_dim`) matrices in
        the same order, one at a time. Leave out both, and `feature_dim`, for a data set of annotations only.
    dtype
        `float16` or `float32`; or `jpeg`, for pixels: `features` then yields each recording's frames as
        `encode_picture` makes them, and `feature_dim` is 3 * size * size.
    labels
        Activity labels in the order wanted, without background, which comes before them; default: those of the
        annotations, sorted.
    store_metadata
        Stored with the features (how frames were prepared, for example); must be JSON-able.
    fc7
        Where the features are a network's fc6: weight (outputs, `feature_dim`) and bias (outputs,) of the layer that
        follows.
    splits
        Folds that the data set divides its recordings into.

    Raises
    ------
    InputError
        If the destination exists, the disk fills, a recording lacks features, or a matrix is not as announced; if the
        metadata say no frame rate, or hold what is no text.
    """
    if not SLOWEST <= metadata.fps <= FASTEST:
        raise InputError(f"fps must be from {SLOWEST:g} to {FASTEST:g} but got {metadata.fps}")
    annotations, blanks = trimmed(annotations)
    odd = findings(annotations, metadata.fps, frames)
    metadata = replace(metadata, notes=tuple(dict.fromkeys((*metadata.notes, *blanks, *odd))))
    if labels is not None and blanks:
        labels = dict.fromkeys(label.strip() for label in labels)
    names = (BACKGROUND, *(annotations.labels() if labels is None else labels))
    unknown = set(annotations.labels()) - set(names[1:])
    if unknown or len(set(names)) != len(names):
        wrong = f"{sorted(unknown)[0]!r} is not among the labels" if unknown else "a label stands twice"
        raise InputError(f"labels {list(names[1:])}: {wrong}; 'background' is reserved")
    if splits:
        check_splits(splits, annotations.recordings, SPLITS)
    with atomic_directory(destination) as partial:
        features_hash = ""
        if feature_dim is not None:
            lacking = next((name for name in annotations.recordings if name not in (frames or {})), None)
            if lacking is not None:
                raise InputError(f"recording {lacking!r} is annotated but has no features")
            (partial / "features").mkdir()
            file, numbers, matrices = partial / "features" / "features.arrow", frames or {}, cast(Any, features)
            if dtype == PIXELS:
                side = math.isqrt(feature_dim // 3)
                features_hash = write_pixels(file, numbers, matrices, size=side, metadata=store_metadata)
            else:
                features_hash = write_frames(
                    file, "features", numbers, matrices, width=feature_dim, dtype=dtype, metadata=store_metadata
                )
        fc7_hash = "" if fc7 is None else _write_fc7(partial / _FC7, fc7)
        write_json(partial / "annotations.json", annotations.to_json())
        if splits:
            write_json(partial / SPLITS, splits)
        content: dict[str, Any] = {
            **asdict(metadata),
            "labels": names,
            "feature_dim": feature_dim,
            "dtype": dtype if feature_dim is not None else None,
            "features_hash": features_hash,
            **({"fc7_hash": fc7_hash} if fc7_hash else {}),
            "content_hash": content_hash(metadata, names, annotations, features_hash + fc7_hash, splits or {}),
        }
        write_json(partial / "dataset.json", content)
    return Dataset(destination)


def _write_fc7(path: Path, fc7: tuple[Tensor, Tensor]) -> str:
    # As above.
    from safetensors.torch import save

    weight, bias = (tensor.detach().cpu().float().contiguous() for tensor in fc7)
    data = save({"weight": weight, "bias": bias})
    with atomic_file(path) as partial:
        partial.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


__all__ = ["FASTEST", "SLOWEST", "SUBSETS", "Annotations", "Dataset", "DatasetMetadata", "Recording", "write_dataset"]
