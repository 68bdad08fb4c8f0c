"""`crescendo data synthesize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crescendo.platform.commands.data_display import print_summary, terminal
from crescendo.platform.terminal_text import say
from crescendo.trainables.data import synthetic
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.video import synthetic as synthetic_videos


def synthesize(
    destination: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed and sizes give the same bytes.")] = 0,
    recordings: Annotated[
        int | None, typer.Option(min=1, help="Training recordings; the other splits have half. [100; videos: 8]")
    ] = None,
    labels: Annotated[int, typer.Option(min=1, help="Activities beside background.")] = 6,
    feature_dim: Annotated[int, typer.Option(min=1, help="Features a frame.")] = 32,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 6.0,
    noise: Annotated[float, typer.Option(min=0, help="Standard deviation of the noise.")] = 1.6,
    videos: Annotated[bool, typer.Option("--videos", help="Make videos and their annotations instead.")] = False,
    size: Annotated[int, typer.Option(help="With --videos: height in pixels, a multiple of 12.")] = 96,
    odd: Annotated[
        bool,
        typer.Option("--odd", help="With --videos: also variable frame rate, rotation, sound ... and broken ones."),
    ] = False,
) -> None:
    """Make a synthetic data set: long activities of stages, early ones shared between classes. Or make videos."""
    if videos:
        _synthesize_videos(destination, seed=seed, recordings=recordings or 8, labels=labels, size=size, odd=odd)
        return
    if odd:
        raise InputError("--odd goes with --videos: it asks for videos with quirks")
    with terminal() as reporter:
        dataset = synthetic.synthesize(
            destination,
            seed=seed,
            recordings=recordings or 100,
            labels=labels,
            feature_dim=feature_dim,
            fps=fps,
            noise=noise,
            reporter=reporter,
        )
    print_summary(dataset)


def _synthesize_videos(destination: Path, *, seed: int, recordings: int, labels: int, size: int, odd: bool) -> None:
    with terminal() as reporter:
        made = synthetic_videos.synthesize_videos(
            destination, seed=seed, recordings=recordings, labels=labels, size=size, odd=odd, reporter=reporter
        )
    activities = len(made.labels())
    say(
        f"{destination}: {counted(len(made.recordings), 'video')} of {counted(activities, 'activity')}, annotated in "
        "annotations.json"
    )
