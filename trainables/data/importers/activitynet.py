"""ActivityNet: the official annotation file, and features per video where there are any."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from crescendo.trainables.data.annotations import Annotations, listed, parse_annotations, read_annotations
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.importers.array_files import HDF5
from crescendo.trainables.data.importers.base import CLIP, Reporter, SilentReporter
from crescendo.trainables.data.importers.external import Features, check_matrices, check_present, without_recording
from crescendo.trainables.data.importers.feature_files import FeatureFiles
from crescendo.trainables.data.importers.hdf5 import Hdf5File
from crescendo.trainables.data.importers.own_data import FEATURE_KEY, left_out
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.splits import held_out
from crescendo.trainables.data.importers.time_axis import HELP as TIME_AXIS
from crescendo.trainables.data.importers.time_axis import check_axis, time_first
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

ANNOTATIONS = "activity_net*.json*"
OFFICIAL_SUBSET = "official_subset"
WHAT = f"ActivityNet's annotation file ({ANNOTATIONS}) beside the features"


def import_activitynet(
    source: Annotated[Path | str, "Folder or zip with the official JSON and features, or the JSON."],
    destination: Path | str,
    *,
    fps: Annotated[float, "Rows of the feature matrices a second."] = 6.0,
    features: Annotated[Path | None, "Folder or zip of a file a video, or one HDF5 file, if not in SOURCE."] = None,
    annotations_only: Annotated[bool, "Write no features."] = False,
    skip_missing: Annotated[bool, "Leave out videos without features."] = False,
    clip: Annotated[bool, CLIP] = False,
    feature_key: Annotated[str, FEATURE_KEY] = "",
    time_axis: Annotated[str, TIME_AXIS] = "0",
    reporter: Reporter | None = None,
) -> Dataset:
    """Prepare ActivityNet with the paper's split (paper section 5.1).

    The official validation videos, whose annotations are public, are the test subset; a fifth of the official training
    videos, chosen by the hash of their names, is the validation subset. The official testing videos have no annotations
    and are left out. Each recording keeps its official subset under `official_subset`.

    Parameters
    ----------
    features
        Files of NumPy, MATLAB, HDF5, CSV or Parquet (`feature_files`).
    annotations_only
        Annotations alone are enough for scoring detections and for planning a study.
    skip_missing
        Videos without features (withdrawn ones, say) are left out and counted, instead of refused.
    clip
        Segments outside their recording are dropped.

    Raises
    ------
    InputError
        If annotations or features are missing, damaged or contradict each other, or `destination` exists.
    """
    reporter = reporter or SilentReporter()
    source = Path(source)
    if not 0 < fps < float("inf"):
        raise InputError(f"fps must be a positive number but got {fps}")
    check_axis(time_axis)
    with ExitStack() as stack:
        files = None if source.suffix in (".json", ".gz") else stack.enter_context(RawFiles(source, ANNOTATIONS, WHAT))
        found = _annotations(source, files, clip)
        annotations, notes = paper_split(found, source)
        notes.extend(found.notes)
        matrices = None if annotations_only else _matrices(stack, source, files, features, feature_key)
        if matrices is not None and skip_missing:
            annotations, missing = _with_features(annotations, matrices, source)
            notes.append(
                f"{counted(len(missing), 'video has', 'videos have')} no features and {agreeing(len(missing), 'is', 'are')} left "
                f"out: {listed(missing)}"
            )
        checked = None
        if matrices is not None:
            check_present(matrices, annotations.recordings, str(features or source))
            turned, axis = time_first(matrices, annotations.recordings, fps, time_axis)
            checked = check_matrices(turned, annotations.recordings, fps)
            left = (*without_recording(matrices, annotations.recordings), *left_out(matrices))
            notes.extend((*axis, *checked.notes, *left))
        for note in notes:
            reporter.say(note)
        metadata = DatasetMetadata(
            name="activitynet",
            fps=fps,
            features="none" if matrices is None else "as given, one row a frame",
            source=f"ActivityNet, {annotations.version}",
            licence="annotations MIT; features and videos: their makers'",
            notes=tuple(notes),
        )
        if checked is None:
            return write_dataset(destination, metadata, annotations)
        return write_dataset(
            destination,
            metadata,
            annotations,
            frames=checked.frames,
            features=reporter.track(checked.matrices, len(checked.frames), "copying features"),
            feature_dim=checked.width,
            dtype=checked.dtype,
        )


def _annotations(source: Path, files: RawFiles | None, clip: bool) -> Annotations:
    if files is None:
        return read_annotations(source, clip=clip)
    found = files.matching(ANNOTATIONS)
    if len(found) != 1:
        raise InputError(
            f"{source}: holds {counted(len(found), 'annotation file')} ({', '.join(found)}); pass the one to use as SOURCE"
        )
    return parse_annotations(files.read_bytes(found[0]), files.where(found[0]), clip=clip)


def paper_split(annotations: Annotations, source: Path) -> tuple[Annotations, list[str]]:
    """Return ActivityNet's official annotations in the paper's split, see `import_activitynet`, and what was decided.

    Raises
    ------
    InputError
        If the subsets are not the official ones; `source` names their file.
    """
    official = annotations.recordings
    training = [name for name, one in official.items() if one.subset == "training"]
    subsets = dict.fromkeys(training, "training")
    subsets |= dict.fromkeys(held_out(training, annotations.groups(training)), "validation")
    subsets |= {name: "test" for name, one in official.items() if one.subset == "validation"}
    unknown = sorted({one.subset for one in official.values()} - {"training", "validation", "testing"})
    if unknown or not subsets:
        fault = f"has the subset {unknown[0]!r}" if unknown else "has no training or validation videos"
        raise InputError(f"{source}: {fault}; expected ActivityNet's official training, validation and testing")
    recordings = {
        name: replace(one, subset=subsets[name], extra={**one.extra, OFFICIAL_SUBSET: one.subset})
        for name, one in official.items()
        if name in subsets
    }
    notes = ["test: the official validation videos; validation: a fifth of the official training videos"]
    if len(recordings) < len(official):
        without = len(official) - len(recordings)
        has = counted(without, "official testing video has", "official testing videos have")
        notes.append(f"{has} no annotations and {agreeing(without, 'is', 'are')} left out")
    return replace(annotations, recordings=recordings), notes


def _matrices(stack: ExitStack, source: Path, files: RawFiles | None, features: Path | None, key: str) -> Features:
    if features is not None:
        if features.suffix in HDF5:
            return Hdf5File(features)
        inside = stack.enter_context(RawFiles(features, "*", "a folder or zip of one feature file per video"))
        return FeatureFiles(inside, inside.names, key, option="--features")
    if files is None:
        raise InputError(f"{source}: holds annotations only; pass --features FOLDER, or --annotations-only")
    hdf5 = [name for name in files.names if Path(name).suffix in HDF5]
    if not hdf5:
        return FeatureFiles(files, files.names, key, option="--features")
    local = files.local(hdf5[0])
    if local is None or len(hdf5) > 1:
        raise InputError(
            f"{source}: unpack it and pass the one HDF5 file to use with --features (found {', '.join(hdf5)})"
        )
    return Hdf5File(local)


def _with_features(annotations: Annotations, matrices: Features, source: Path) -> tuple[Annotations, list[str]]:
    there = {name: one for name, one in annotations.recordings.items() if name in matrices}
    if not there:
        raise InputError(f"{source}: no video has features; check --features")
    return replace(annotations, recordings=there), [name for name in annotations.recordings if name not in there]
