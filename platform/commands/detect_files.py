"""`crescendo detect INPUT`: a trained detector on recordings, data sets and videos."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from numpy.typing import ArrayLike

from crescendo.platform.frame_progress import frame_progress, with_progress
from crescendo.platform.terminal_text import json_text, require_standard_output, say, terminal_console
from crescendo.trainables.data.annotations import listed
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.npy import npy_header
from crescendo.trainables.detector import Detector, Frame
from crescendo.trainables.detector.sources import open_matrix
from crescendo.trainables.detector.video import video_features
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import Detection, result_file, write_detections
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.files import check_file
from crescendo.trainables.video.decoding import SUFFIXES

_MATRIX = ".npy"


def detect_files(detector: Detector, source: Path, out: Path | None, subset: str | None, weights: str | None) -> None:
    """Detect in all that `source` holds and write it to `out`, or to standard output.

    Raises
    ------
    InputError
        If `source` is nothing to detect in, or is of another kind than the detector or `subset` asks for; before
        any work, if what is found could not be written.
    """
    if out is None:
        require_standard_output()
    else:
        check_file(out)
    began = time.perf_counter()
    found = _detect_in(detector, source, subset, weights)
    _write(found, out)
    count = sum(len(some) for some in found.values())
    seconds = time.perf_counter() - began
    say(f"{counted(count, 'detection')} in {counted(len(found), 'recording')}, {seconds:.1f} s", err=True)


def _detect_in(detector: Detector, source: Path, subset: str | None, weights: str | None) -> dict[str, list[Detection]]:
    if (source / "dataset.json").is_file():
        dataset = Dataset(source)
        if subset is None:
            subset = "test" if "test" in dataset.annotations.subsets() else "validation"
            say(f"{source}: its {subset} part{'' if subset == 'test' else ', for it has no test part'}", err=True)
        with frame_progress(terminal_console(stderr=True), f"detecting in {source}") as progress:
            return detector.detect_dataset(dataset, subset, progress)
    if subset is not None:
        raise InputError(f"--subset {subset}: {source} is no prepared data set")
    return {file.stem: _named(file, detector, frames) for file, frames in _recordings(detector, source, weights)}


def _recordings(
    detector: Detector, source: Path, weights: str | None
) -> Iterator[tuple[Path, Iterable[ArrayLike | Frame]]]:
    """Yield the file and frames of every recording of a file or folder."""
    width = detector.metadata.features.dimension
    if source.is_dir():
        yield from ((file, open_matrix(file, width)) for file in _matrices(source))
    elif not source.exists():
        raise InputError(f"{source}: no such file or folder")
    elif source.suffix.lower() == _MATRIX:
        yield source, open_matrix(source, width)
    elif source.suffix.lower() in SUFFIXES:
        yield source, video_features(detector.metadata, source, weights)
    else:
        raise InputError(
            f"{source}: is neither a .npy file of features (save them with numpy.save) nor a video, by its name "
            f"({', '.join(sorted(SUFFIXES))})"
        )


def _matrices(folder: Path) -> list[Path]:
    """Return the .npy files in `folder`, sorted, and say what else is there; `InputError` if none, or two of one name."""
    files: dict[str, Path] = {}
    others = []
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() != _MATRIX:
            others.append(file.name)
        else:
            if file.stem in files:
                raise InputError(f"{folder}: {files[file.stem]} and {file} stand for the same recording; remove one")
            files[file.stem] = file
    if not files:
        raise InputError(f"{folder}: holds neither a prepared data set nor .npy files; name one of the two")
    if others:
        say(f"{folder}: {len(others)} of what is in it are no .npy files and are left out: {listed(others)}", err=True)
    return list(files.values())


def _named(file: Path, detector: Detector, frames: Iterable[ArrayLike | Frame]) -> list[Detection]:
    try:
        with frame_progress(terminal_console(stderr=True), f"detecting in {file}") as progress:
            return detector.detect(with_progress(frames, progress, _frames_of(file)))
    except InputError as error:
        if str(file) in str(error):
            raise
        raise InputError(f"{file}: {error}") from None


def _frames_of(file: Path) -> int | None:
    """Return how many frames a recording's `.npy` file holds, which was opened already; None of a video."""
    if file.suffix.lower() != _MATRIX:
        return None
    with file.open("rb") as content:
        return int(npy_header(content)[0][0])


def _write(found: dict[str, list[Detection]], out: Path | None) -> None:
    if out is not None:
        write_detections(out, found)
    else:
        say(json_text(result_file(found), indent=2))
