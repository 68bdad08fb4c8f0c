"""`crescendo data describe`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crescendo.platform.commands.description import print_description
from crescendo.platform.terminal_text import json_text, say
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.describe import describe as description
from crescendo.trainables.data.remote import open_dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_file, check_file

KINDS = ("png", "svg", "pdf")


def describe(
    dataset: Annotated[str, typer.Argument(help="A prepared data set: its folder, or its URI (s3://...).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw segments, lengths and timelines too: .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Count what a prepared data set holds."""
    kind = "" if plot is None else plot.suffix.lower().lstrip(".")
    if plot is not None:
        if kind not in KINDS:
            raise InputError(f"--plot {plot}: must end in {', '.join(f'.{one}' for one in KINDS)}")
        check_file(plot)
    opened = open_dataset(dataset)
    content = description(opened)
    if as_json:
        say(json_text(content, indent=2))
    else:
        print_description(content)
    if plot is not None:
        _draw(opened, plot, kind)
        say(f"drawn: {plot}", err=True)


def _draw(dataset: Dataset, file: Path, kind: str) -> None:
    # matplotlib takes its time, and tables have no need of it.
    from crescendo.reports.charts.data_set import data_set_figure
    from crescendo.reports.charts.fonts import lacking_letters, packages_for
    from crescendo.reports.charts.style import image

    figure = data_set_figure(dataset)
    with atomic_file(file) as partial:
        partial.write_bytes(image(figure, kind))
    if lacking := lacking_letters([figure]):
        say(
            f"no font here has {lacking:.20}; install {' and '.join(packages_for(lacking))} of Debian and Ubuntu",
            err=True,
        )
