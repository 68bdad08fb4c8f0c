"""`crescendo detect`: a trained detector on recordings, data sets, videos and live frames."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crescendo.trainables.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crescendo.trainables.detector import Detector, Event, Frame, Stream
    from crescendo.trainables.evaluation.result_format import Detection


def detect(
    model: Annotated[Path, typer.Argument(help="The model folder that `crescendo export` wrote.")],
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT",
            help="A .npy file (frames, features), a folder of them, a prepared data set, or a video.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file of detections. Default: standard output.")] = None,
    subset: Annotated[str | None, typer.Option(help="Of a data set. Default: test, else validation.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="For a video: the network's weights. Default: those that the model names.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--stream", help="Read frames from standard input, write events as JSON lines.")
    ] = False,
    alarm: Annotated[
        str | None, typer.Option(metavar="rate=1/h", help="Raise alarms, at this rate of false ones. With --stream.")
    ] = None,
    revise_every: Annotated[
        float, typer.Option(min=0, help="Seconds after which an activity that goes on is revised. With --stream.")
    ] = 1.0,
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going",
            help="Report a bad frame and let the one before it stand in for it; begin afresh after a gap. With --stream.",
        ),
    ] = False,
) -> None:
    """Detect activities: detections in ActivityNet's result format, or live events as they happen."""
    if live == (source is not None):
        raise InputError("INPUT: give either a file or folder to detect in, or --stream for standard input")
    if not live and (alarm is not None or keep_going):
        raise InputError(f"{'--alarm' if alarm is not None else '--keep-going'}: belongs to --stream")

    import torch

    from crescendo.trainables.detector import Detector

    detector = Detector.load(model)
    if source is None:
        torch.set_num_threads(1)  # a single frame is too little to share
        stream = detector.stream(alarm=None if alarm is None else _rate(alarm), revise_every=revise_every)
        with _until_the_reader_leaves():
            _detect_live(stream, keep_going=keep_going)
        return
    began = time.perf_counter()
    found = _detect_in(detector, source, subset, weights)
    _write(found, out)
    count = sum(len(some) for some in found.values())
    seconds = time.perf_counter() - began
    typer.echo(f"{count} detections in {len(found)} recordings, {seconds:.1f} s", err=True)


def _detect_in(detector: Detector, source: Path, subset: str | None, weights: str | None) -> dict[str, list[Detection]]:
    if (source / "dataset.json").is_file():
        from crescendo.trainables.data.dataset import Dataset

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
    from crescendo.trainables.detector.sources import open_matrix

    if source.is_dir():
        files = sorted(source.glob("*.npy"))
        if not files:
            raise InputError(f"{source}: holds neither a prepared data set nor .npy files; name one of the two")
        yield from ((file.stem, open_matrix(file)) for file in files)
    elif source.suffix == ".npy":
        yield source.stem, open_matrix(source)
    elif source.is_file():
        from crescendo.trainables.detector.video import video_features

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
    from crescendo.trainables.evaluation.result_format import result_file, write_detections

    if out is not None:
        write_detections(out, found)
    else:
        typer.echo(json.dumps(result_file(found), indent=2, ensure_ascii=False, allow_nan=False))


def _detect_live(stream: Stream, *, keep_going: bool) -> None:
    from crescendo.trainables.detector.sources import BrokenInput, frames_of

    source = frames_of(sys.stdin.buffer)  # type: ignore[arg-type]  # standard input is a BufferedReader
    try:
        while True:
            try:
                _say(_events(stream, next(source), keep_going=keep_going))
            except StopIteration:
                return
            except BrokenInput:
                raise
            except InputError as error:  # a line that is no frame
                _say(_stand_in(stream, error, keep_going=keep_going))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        _say(stream.close())


def _events(stream: Stream, frame: Frame, *, keep_going: bool) -> list[Event]:
    from crescendo.trainables.detector.stream import TimeGapError

    try:
        return stream.push(*frame)
    except TimeGapError as error:
        if not keep_going:
            raise
        typer.echo(f"warning: {error}", err=True)
        return [*stream.restart(), *_events(stream, frame, keep_going=True)]
    except InputError as error:
        return _stand_in(stream, error, keep_going=keep_going)


def _stand_in(stream: Stream, error: InputError, *, keep_going: bool) -> list[Event]:
    if not keep_going:
        raise error
    typer.echo(f"warning: {error}", err=True)
    return stream.hold() if stream.can_hold else []


def _say(events: Iterable[Event]) -> None:
    for event in events:
        sys.stdout.write(json.dumps(event.to_json(), ensure_ascii=False, allow_nan=False) + "\n")
        sys.stdout.flush()


def _rate(option: str) -> str:
    from crescendo.trainables.evaluation.early_warning import parse_rate, rate_key

    return rate_key(parse_rate(option))


@contextlib.contextmanager
def _until_the_reader_leaves() -> Iterator[None]:
    """End in silence when whoever reads our output has gone."""
    try:
        yield
    except BrokenPipeError:
        # Python flushes standard output once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
