"""What made the numbers of a report."""

from __future__ import annotations

from collections.abc import Iterator

from crescendo.reports.analysis.report_model import ReportModel, StudySummary
from crescendo.reports.formatting import listed, measure_name
from crescendo.reports.tables.table import Cell, Table


def provenance(model: ReportModel) -> Table:
    """Return data, settings, code and versions."""
    rows = []
    for study in model.studies:
        lead = f"{study.name}: " if len(model.studies) > 1 else ""
        rows += [(Cell(lead + what), Cell(value)) for what, value in _details(study) if value]
    rows.append((Cell("bootstrap"), Cell(f"{model.resamples} resamples, seed {model.resampling_seed}")))
    return Table("provenance", "Provenance", "What made these numbers.", ("What", "Value"), tuple(rows))


def _details(study: StudySummary) -> Iterator[tuple[str, str]]:
    base = study.settings["base"]
    yield "study", study.name
    yield "data set", study.dataset
    yield "data set's content hash", study.dataset_hash
    yield "objective", f"validation {measure_name(study.objective)}"
    yield "matching protocol", study.protocol
    yield "IoU thresholds", listed(base.get("iou", ()))
    yield "iterations", str(base.get("iterations", ""))
    yield "seed of the search", str(study.search_seed)
    yield "seeds of the confirmation", listed(study.seeds)
    for key, values in study.provenance.items():
        if key != "dataset_hash":
            yield key, ", ".join(values)
