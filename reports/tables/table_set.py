"""Which tables a report has."""

from __future__ import annotations

from collections.abc import Callable

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.tables.ablation import ablation, early_detection, observed_fraction
from crescendo.reports.tables.causes import by_length_and_place, causes, map_by_length_and_place
from crescendo.reports.tables.cost import cost
from crescendo.reports.tables.differences import differences
from crescendo.reports.tables.labels import per_label
from crescendo.reports.tables.looks import looks
from crescendo.reports.tables.online import online
from crescendo.reports.tables.provenance import provenance
from crescendo.reports.tables.replicates import replicates
from crescendo.reports.tables.search import search
from crescendo.reports.tables.segmental import segmental
from crescendo.reports.tables.table import Table

TABLES: tuple[Callable[[ReportModel], Table], ...] = (
    ablation,
    replicates,
    looks,
    early_detection,
    observed_fraction,
    online,
    segmental,
    causes,
    by_length_and_place,
    map_by_length_and_place,
    differences,
    search,
    per_label,
    cost,
    provenance,
)
"""In their order; `page.sections` places them on the page."""


def tables(model: ReportModel) -> list[Table]:
    """Return the tables of a report; one of which nothing is known is absent."""
    made = [make(model) for make in TABLES]
    return [table for table in made if table.rows]
