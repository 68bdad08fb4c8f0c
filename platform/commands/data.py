"""`crescendo data`: import, synthesize, describe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crescendo.platform.commands.extract import extract, synthesize_videos
from crescendo.trainables.errors import InputError

if TYPE_CHECKING:
    from crescendo.trainables.data.dataset import Dataset

data = typer.Typer(no_args_is_help=True, help="Prepare and describe data sets.")
imports = typer.Typer(no_args_is_help=True, help="Turn a raw data set into a prepared one.")
data.add_typer(imports, name="import")

Source = Annotated[Path, typer.Argument(help="The zip as downloaded, or the folder it unpacks to.")]
Destination = Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")]
Clip = Annotated[bool, typer.Option("--clip", help="Cut segments to their recording instead of refusing them.")]


@imports.command("hapt")
def import_hapt(source: Source, destination: Destination) -> None:
    """UCI HAPT: activities and postural transitions with a smartphone, 6.25 frames a second."""
    from crescendo.platform.commands.data_display import terminal
    from crescendo.trainables.data.importers import hapt

    with terminal() as reporter:
        dataset = hapt.import_hapt(source, destination, reporter=reporter)
    _finish(dataset)


@imports.command("tug")
def import_tug(
    source: Source,
    destination: Destination,
    device: Annotated[str, typer.Option(help="sp (smartphone) or sw (smartwatch).")] = "sp",
) -> None:
    """Timed-up-and-go with a smartphone or smartwatch, 10 frames a second."""
    from crescendo.platform.commands.data_display import terminal
    from crescendo.trainables.data.importers import tug

    with terminal() as reporter:
        dataset = tug.import_tug(source, destination, device=device, reporter=reporter)
    _finish(dataset)


@imports.command("gtea")
def import_gtea(
    source: Source,
    destination: Destination,
    fold: Annotated[int, typer.Option(help="1 to 4: the subject to test.")] = 1,
) -> None:
    """GTEA with the features of a spatial CNN, one of four folds, 15 frames a second."""
    from crescendo.platform.commands.data_display import terminal
    from crescendo.trainables.data.importers import gtea

    with terminal() as reporter:
        dataset = gtea.import_gtea(source, destination, fold=fold, reporter=reporter)
    _finish(dataset)


@imports.command("activitynet")
def import_activitynet(
    source: Annotated[Path, typer.Argument(help="Folder or zip with the official JSON and features, or the JSON.")],
    destination: Destination,
    *,
    fps: Annotated[float, typer.Option(help="Rows of the feature matrices a second.")] = 6.0,
    features: Annotated[
        Path | None, typer.Option(help="Folder or zip of one .npy a video, or one HDF5 file, if not in SOURCE.")
    ] = None,
    annotations_only: Annotated[bool, typer.Option("--annotations-only", help="Write no features.")] = False,
    skip_missing: Annotated[bool, typer.Option("--skip-missing", help="Leave out videos without features.")] = False,
    clip: Clip = False,
) -> None:
    """ActivityNet in the paper's split, with features that were computed elsewhere."""
    from crescendo.platform.commands.data_display import terminal
    from crescendo.trainables.data.importers import activitynet

    with terminal() as reporter:
        dataset = activitynet.import_activitynet(
            source,
            destination,
            fps=fps,
            features=features,
            annotations_only=annotations_only,
            skip_missing=skip_missing,
            clip=clip,
            reporter=reporter,
        )
    _finish(dataset)


@imports.command("directory")
def import_directory(
    source: Annotated[Path, typer.Argument(help="Folder or zip with annotations and a .npy or .npz per recording.")],
    destination: Destination,
    *,
    fps: Annotated[float, typer.Option(help="Rows of the feature matrices a second.")],
    annotations: Annotated[str, typer.Option(help="Path of the annotation file in SOURCE.")] = "annotations.json",
    name: Annotated[str, typer.Option(help="Name of the data set; default: SOURCE's.")] = "",
    licence: Annotated[str, typer.Option(help="What may be done with the data.")] = "not stated",
    clip: Clip = False,
) -> None:
    """Your own data: annotations in ActivityNet's format, and one feature matrix per recording."""
    from crescendo.platform.commands.data_display import terminal
    from crescendo.trainables.data.importers import directory

    with terminal() as reporter:
        dataset = directory.import_directory(
            source,
            destination,
            fps=fps,
            annotations=annotations,
            clip=clip,
            name=name,
            licence=licence,
            reporter=reporter,
        )
    _finish(dataset)


data.command("extract")(extract)


@data.command("synthesize")
def synthesize(
    destination: Destination,
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
        synthesize_videos(destination, seed=seed, recordings=recordings or 8, labels=labels, size=size, odd=odd)
        return
    if odd:
        raise InputError("--odd goes with --videos: it asks for videos with quirks")
    from crescendo.platform.commands.data_display import terminal
    from crescendo.trainables.data import synthetic

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
    _finish(dataset)


@data.command("describe")
def describe(
    dataset: Annotated[Path, typer.Argument(help="A prepared data set.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Count what a prepared data set holds."""
    from crescendo.platform.commands.data_display import print_description
    from crescendo.trainables.data.dataset import Dataset
    from crescendo.trainables.data.describe import describe

    content = describe(Dataset(dataset))
    if as_json:
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        print_description(content)


def _finish(dataset: Dataset) -> None:
    from crescendo.platform.commands.data_display import print_summary

    print_summary(dataset)
