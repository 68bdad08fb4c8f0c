"""`crescendo data extract`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crescendo.platform.commands.data_display import Heard, print_summary, terminal
from crescendo.platform.terminal_text import say
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.files import check_new_folder
from crescendo.trainables.video.decoding import require_av


def extract(
    videos: Annotated[Path, typer.Argument(help="Folder of videos, or one video.")],
    destination: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")],
    *,
    annotations: Annotated[
        Path | None, typer.Option(help="Annotation file in ActivityNet's format (.json, .json.gz).")
    ] = None,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 6.0,
    backbone: Annotated[str, typer.Option(help="A classification network of torchvision.")] = "vgg19",
    layer: Annotated[
        str, typer.Option(help="fc6, fc7 (VGG, AlexNet), pooled (any), or pixels: frames to fine-tune on.")
    ] = "fc7",
    weights: Annotated[
        str, typer.Option(help="imagenet, none (random), a file of weights, or the folder of a fine-tuned network.")
    ] = "imagenet",
    size: Annotated[int | None, typer.Option(min=8, help="Side of the frames; default: the network's.")] = None,
    split: Annotated[
        str, typer.Option(help="given: the file's subsets; paper: ActivityNet's into the paper's.")
    ] = "given",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first broken video.")] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="Cut segments to their recording instead of refusing them.")
    ] = False,
    licence: Annotated[str, typer.Option(help="What may be done with the data.")] = "not stated",
    preview: Annotated[
        bool, typer.Option("--preview", help="Only draw the sampled frames: DESTINATION gets a PNG a video.")
    ] = False,
) -> None:
    """Videos to a prepared data set: frames by time stamp, through a network, on all CPUs and GPUs there are."""
    if annotations is None and not preview:
        raise InputError("--annotations is missing: the file that says which activity is when in which video")
    check_new_folder(destination)
    require_av()
    # torch takes seconds: help and what is wrong with the options come before it.
    from crescendo.platform.extraction.extract import extract
    from crescendo.platform.extraction.preview import draw_previews
    from crescendo.platform.extraction.settings import Extraction

    if annotations is None or preview:
        with terminal() as reporter:
            count = draw_previews(videos, annotations, destination, fps, backbone, size, clip=clip, reporter=reporter)
        say(f"{destination}: {counted(count, 'contact sheet')}")
        return
    with terminal() as screen:
        reporter = Heard(screen)
        dataset = extract(
            videos,
            annotations,
            destination,
            Extraction(fps, backbone, layer, weights, size),
            split=split,
            strict=strict,
            clip=clip,
            licence=licence,
            reporter=reporter,
        )
        reporter.say_the_rest(dataset.metadata.notes)
    print_summary(dataset)
