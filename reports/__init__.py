"""Finished runs into statistics, tables, figures and one document."""

from crescendo.trainables.exports import exports

_HOMES = {
    "Report": "crescendo.reports.generate",
    "Results": "crescendo.reports.results",
    "generate_report": "crescendo.reports.generate",
    "read_results": "crescendo.reports.results",
}

__all__ = list(_HOMES)
__getattr__ = exports(__name__, _HOMES)
