"""From finished runs to a folder: page, tables, figures, and every number."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.charts.chart import Chart
from crescendo.reports.charts.chart_set import charts
from crescendo.reports.charts.fonts import lacking_letters, packages_for
from crescendo.reports.charts.style import image
from crescendo.reports.escaping import csv_lines
from crescendo.reports.page.document import html, markdown
from crescendo.reports.page.part import ReportPart
from crescendo.reports.page.progress import Renewal, moment, progress_line
from crescendo.reports.page.sentences import sentences
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.reports.tables.table import write_table
from crescendo.reports.tables.table_set import tables
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_directory, check_folder
from crescendo.trainables.storage.json_files import write_json

PAGE = "report.html"
_COMPARED_CHARTS = ("difference_to_baseline", "mAP_against_iou", "early_against_fraction", "time_to_detection")


@dataclass(frozen=True)
class Report:
    """What was written: the folder, the title, and what is most worth saying of it.

    `answers` are (arm, what came out); `missing` says what is missing, `notes` what else to know, `progress` how far each study
    has come that has not finished, a sentence each.
    """

    folder: Path
    title: str
    answers: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()

    @property
    def page(self) -> Path:
        """The page to open."""
        return self.folder / PAGE


def generate_report(
    studies: Sequence[str],
    *,
    tracking_uri: str | None = None,
    out: Path | None = None,
    allow_plugin: bool = False,
    renew: float | None = None,
) -> Report:
    """Write the report of one study, or of several on the same data set, as a folder that is complete or absent.

    Parameters
    ----------
    studies
        A study's output folder or its experiment's name, each.
    tracking_uri
        Where the runs are; None: in the output folder's store, or where its sweep sent them.
    out
        The folder. Default: `report` in the first study's output folder, or in `results/NAME` if it was named by its
        experiment. A report that is there already is replaced.
    allow_plugin
        Whether a matching rule that does not come with Crescendo may be imported, where the studies name one: importing
        it runs it.
    renew
        While any of the studies runs, the page loads itself anew every so many seconds, for it is written again; None: it
        does not.

    Raises
    ------
    InputError
        If a study is unknown or cannot be read, the studies do not fit together, their matching rule is not allowed or
        cannot be imported, or the folder holds something else.
    """
    if out is not None:
        _check(out)
    places = [Path(study).resolve() if Path(study).is_dir() else study for study in studies]
    twice = next((study for study, place in zip(studies, places, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: is named more than once; a study is compared with others, not with itself")
    runs = [read_study_runs(study, tracking_uri) for study in studies]
    folder = out or _default_folder(studies, [study.name for study in runs])
    _check(folder)
    model = summarise(runs, allow_plugin=allow_plugin)
    title = " and ".join(study.name for study in model.studies)
    parts = [_part(model)]
    if len(runs) > 1:
        own = [_part(summarise([one], allow_plugin=allow_plugin), number) for number, one in enumerate(runs, 1)]
        parts = [_comparison(parts[0]), *own]
    progress = [study.progress for study in model.studies if study.progress is not None]
    renewal = None
    if renew is not None and any(one.running for one in progress):
        renewal = Renewal(max(1, round(renew)), moment(time.time()))
    _write(folder, title, parts, renewal)
    told = tuple(map(progress_line, progress))
    return Report(folder, title, tuple(parts[0].sentences), tuple(model.missing), tuple(_boxes(parts)), told)


def _boxes(parts: Sequence[ReportPart]) -> Iterator[str]:
    """Yield what there is to say of letters that no font for the charts has."""
    lacking = lacking_letters(chart.figure for part in parts for chart in part.charts)
    if lacking:
        shown = " ".join(lacking[:20])
        yield (
            f"figures: no font here has {shown}{' ...' if len(lacking) > 20 else ''}; boxes stand for it in the PDF and PNG "
            "files, while the SVG files and the page leave the choice of a font to whoever shows them. To have it drawn, install "
            f"fonts that do, such as {' and '.join(packages_for(lacking))} of Debian and Ubuntu, and make the report again"
        )


def _default_folder(studies: Sequence[str], names: Sequence[str]) -> Path:
    first = Path(studies[0])
    if len(studies) == 1 and first.is_dir():
        return first / "report"
    return Path("results") / "+".join(names) / "report"


def _part(model: ReportModel, number: int | None = None) -> ReportPart:
    """Return the report of `model`; of a study among several, its files begin with its number and name."""
    drawn, left_out = charts(model)
    part = ReportPart(model, sentences(model), tables(model), drawn, left_out)
    if number is None:
        return part
    name = model.studies[0].name
    prefix = f"{number}-{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}-"
    return replace(
        part,
        tables=[replace(table, name=prefix + table.name) for table in part.tables],
        charts=[replace(chart, name=prefix + chart.name) for chart in part.charts],
        heading=f"The study {name}",
        prefix=prefix,
    )


def _comparison(part: ReportPart) -> ReportPart:
    return replace(
        part,
        charts=[chart for chart in part.charts if chart.name in _COMPARED_CHARTS],
        left_out=[one for one in part.left_out if one.name in _COMPARED_CHARTS],
        heading="The studies compared",
        compares=True,
    )


def _check(folder: Path) -> None:
    """Raise `InputError` unless `folder` is absent, empty or a report, and a report can be written there."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; choose a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PAGE).is_file():
        raise InputError(f"{folder}: holds something that is no report; choose another folder with --out")
    check_folder(folder.parent, folder)


def _write(folder: Path, title: str, parts: Sequence[ReportPart], renewal: Renewal | None) -> None:
    with atomic_directory(folder, replace=(folder / PAGE).is_file()) as partial:
        _fill(partial, title, parts, renewal)


def _fill(folder: Path, title: str, parts: Sequence[ReportPart], renewal: Renewal | None) -> None:
    for name in ("tables", "figures"):
        (folder / name).mkdir()
    for part in parts:
        for table in part.tables:
            write_table(folder / "tables", table)
        for chart in part.charts:
            _write_chart(folder / "figures", chart)
    (folder / PAGE).write_text(html(title, parts, renewal), encoding="utf-8")
    (folder / "report.md").write_text(markdown(title, parts), encoding="utf-8")
    write_json(folder / "report.json", _numbers(parts))


def _write_chart(folder: Path, chart: Chart) -> None:
    (folder / f"{chart.name}.svg").write_bytes(chart.svg)
    for kind in ("pdf", "png"):
        (folder / f"{chart.name}.{kind}").write_bytes(image(chart.figure, kind))
    table = csv_lines([chart.numbers.columns, *chart.numbers.rows])
    (folder / f"{chart.name}.csv").write_text(table, encoding="utf-8", newline="")


def _numbers(parts: Sequence[ReportPart]) -> dict[str, object]:
    listed = [
        {
            **report_json(part.model),
            "figures": {
                chart.name: {"columns": chart.numbers.columns, "rows": chart.numbers.rows} for chart in part.charts
            },
        }
        for part in parts
    ]
    if len(listed) == 1:
        return listed[0]
    return {"comparison": listed[0], "studies": listed[1:]}
