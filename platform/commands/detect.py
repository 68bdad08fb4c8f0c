"""`crescendo detect`: a trained detector on recordings, data sets, videos and live frames."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crescendo.platform.commands.options import AllowPlugin
from crescendo.trainables.errors import InputError


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
    allow_plugin: AllowPlugin = False,
) -> None:
    """Detect activities: detections in ActivityNet's result format, or live events as they happen."""
    if live == (source is not None):
        raise InputError("INPUT: give either a file or folder to detect in, or --stream for standard input")
    if not live and (alarm is not None or keep_going):
        raise InputError(f"{'--alarm' if alarm is not None else '--keep-going'}: belongs to --stream")

    # torch takes seconds: help and what is wrong with the options come before it.
    from crescendo.platform.commands.detect_files import detect_files
    from crescendo.platform.commands.detect_stream import detect_stream
    from crescendo.trainables.detector import Detector

    detector = Detector.load(model, allow_plugin=allow_plugin)
    if source is None:
        detect_stream(detector, alarm, revise_every, keep_going=keep_going)
    else:
        detect_files(detector, source, out, subset, weights)
