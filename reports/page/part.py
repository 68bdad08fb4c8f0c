"""What a page shows of one study, or of several together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, LeftOut
from crescendo.reports.tables.table import Table


@dataclass(frozen=True)
class ReportPart:
    """The report of one study, or of several together.

    Attributes
    ----------
    sentences
        (arm, what came out) for every arm but the baseline.
    left_out
        Charts that could not be drawn.
    heading
        Of the part, where a page has several.
    prefix
        What the part's file names and anchors begin with.
    compares
        Whether it is about several studies that have parts of their own.
    """

    model: ReportModel
    sentences: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    charts: Sequence[Chart]
    left_out: Sequence[LeftOut]
    heading: str | None = None
    prefix: str = ""
    compares: bool = False
