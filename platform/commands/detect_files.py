"""`crescendo detect INPUT`: a trained detector on recordings, data sets and videos."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer
from numpy.typing import ArrayLike

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector import Detector, Frame
from crescendo.trainables.detector.sources import open_matrix
from crescendo.trainables.detector.video import video_features
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import Detection, result_file, write_detections


def detect_files(detector: Detector, source: Path, out: Path | None, subset: str | None, weights: str | None) -> None:
    """Detect in all that `source` holds and write it to `out`, or to standard output.

    Raises
    ------
    InputError
        If `source` is nothing to detect in, or is of another kind than the detector or `subset` asks for.
    """
    began = time.perf_counter()
    found = _detect_in(detector, source, subset, weights)
    _write(found, out)
    count = sum(len(some) for some in found.values())
    seconds = time.perf_counter() - began
    typer.echo(f"{count} detections in {len(found)} recordings, {seconds:.1f} s", err=True)


def _detect_in(detector: Detector, source: Path, subset: str | None, weights: str | None) -> dict[str, list[Detection]]:
    if (source / "dataset.json").is_file():
        dataset = Dataset(source)
        default = "test" if "test" in dataset.annotations.subsets() else "validation"
        return detector.detect_dataset(dataset, subset or default)
    if subset is not None:
        raise InputError(f"--subset {subset}: {source} is no prepared data set")
    return {name: _named(source, name, detector, frames) for name, frames in _recordings(detector, source, weights)}


def _recordings(
    detector: Detector, source: Path, weights: str | None
) -> Iterator[tuple[str, Iterable[ArrayLike | Frame]]]:
    """Yield the name and frames of every recording of a file or folder."""
    if source.is_dir():
        files = sorted(source.glob("*.npy"))
        if not files:
            raise InputError(f"{source}: holds neither a prepared data set nor .npy files; name one of the two")
        yield from ((file.stem, open_matrix(file)) for file in files)
    elif source.suffix == ".npy":
        yield source.stem, open_matrix(source)
    elif source.is_file():
        yield source.stem, video_features(detector.metadata, source, weights)
    else:
        raise InputError(f"{source}: no such file or folder")


def _named(source: Path, name: str, detector: Detector, frames: Iterable[ArrayLike | Frame]) -> list[Detection]:
    try:
        return detector.detect(frames)
    except InputError as error:
        if str(source) in str(error):
            raise
        where = source / f"{name}.npy" if source.is_dir() else source
        raise InputError(f"{where}: {error}") from None


def _write(found: dict[str, list[Detection]], out: Path | None) -> None:
    if out is not None:
        write_detections(out, found)
    else:
        typer.echo(json.dumps(result_file(found), indent=2, ensure_ascii=False, allow_nan=False))
