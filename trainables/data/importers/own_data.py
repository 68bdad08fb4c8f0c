"""What the importers of anyone's data, `directory` and `frames`, can be told alike, and how they end."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.importers.base import Reporter
from crescendo.trainables.data.importers.external import Matrices, check_matrices
from crescendo.trainables.data.importers.feature_files import FeatureFiles
from crescendo.trainables.data.importers.group_source import HELP as GROUP
from crescendo.trainables.data.importers.label_map import HELP as LABELS
from crescendo.trainables.data.importers.time_axis import HELP as TIME_AXIS
from crescendo.trainables.data.importers.time_axis import check_axis
from crescendo.trainables.data.splits import Splits
from crescendo.trainables.errors import InputError

FEATURE_KEY = "Variable that holds the features, where a file has several."


@dataclass(frozen=True)
class OwnData:
    """The options that both have."""

    fps: Annotated[float, "Frames a second: rows of the features, and labels where every frame has one."]
    features_from: Annotated[str, "Folder, pattern or one HDF5 file in SOURCE; default: features, or anywhere."] = ""
    feature_key: Annotated[str, FEATURE_KEY] = ""
    time_axis: Annotated[str, TIME_AXIS] = "auto"
    labels: Annotated[Path | None, LABELS] = None
    group: Annotated[str, GROUP] = ""
    test: Annotated[float | None, "Share of the recordings to test, where there is no test part: 0.2."] = None
    name: Annotated[str, "Name of the data set; default: SOURCE's."] = ""
    licence: Annotated[str, "What may be done with the data."] = "not stated"

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        if not 0 < self.fps < float("inf"):
            raise InputError(f"fps must be a positive number but got {self.fps}")
        if self.test is not None and not 0 < self.test < 1:
            raise InputError(f"--test must be a share between 0 and 1, such as 0.2, but got {self.test:g}")
        check_axis(self.time_axis)


def told(importer: Callable[..., Dataset]) -> Callable[..., Dataset]:
    """Return `importer` with the fields of `OwnData` as keywords of its own, in place of its parameter `own`."""
    signature = inspect.signature(importer, eval_str=True)
    fields = inspect.signature(OwnData, eval_str=True).parameters

    @functools.wraps(importer)
    def with_fields(source: Path | str, destination: Path | str, **options: Any) -> Dataset:
        own = OwnData(**{key: options.pop(key) for key in fields if key in options})
        return importer(source, destination, own=own, **options)

    kept = [one for one in signature.parameters.values() if one.name != "own"]
    added = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in fields.values()]
    # What `inspect.signature`, and so the command line, goes by.
    with_fields.__signature__ = signature.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    return with_fields


def write_own(
    source: Path | str,
    destination: Path | str,
    own: OwnData,
    annotations: Annotations,
    matrices: Matrices,
    notes: Sequence[str],
    reporter: Reporter,
    features: str = "as given",
    labels: Iterable[str] | None = None,
    splits: Splits | None = None,
) -> Dataset:
    """Say `notes`, check `matrices` (time first) against `annotations` and write the data set.

    Raises
    ------
    InputError
        As `check_matrices` and `write_dataset`.
    """
    checked = check_matrices(matrices, annotations.recordings, own.fps)
    notes = (*notes, *checked.notes)
    for note in notes:
        reporter.say(note)
    return write_dataset(
        destination,
        DatasetMetadata(own.name or Path(source).stem, own.fps, features, str(Path(source).name), own.licence, notes),
        annotations,
        frames=checked.frames,
        features=reporter.track(checked.matrices, len(checked.frames), "copying features"),
        feature_dim=checked.width,
        dtype=checked.dtype,
        labels=labels,
        splits=splits,
    )


def left_out(matrices: Matrices) -> list[str]:
    """Return what was left out of the files of features, in lines."""
    return matrices.notes() if isinstance(matrices, FeatureFiles) else []


def described(matrices: Matrices, otherwise: str) -> str:
    """Return what the features are: the columns, where they are those of tables with names; else `otherwise`."""
    columns = matrices.columns() if isinstance(matrices, FeatureFiles) else ()
    return f"as given, the columns {', '.join(columns)}" if columns else otherwise
