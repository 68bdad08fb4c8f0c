"""A stored study as the platform left it: told to a store of its own, and reported on."""

import json
import shutil
import zipfile
from pathlib import Path

from crescendo.platform.tracking.tracker import Tracker
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.reports.tables.table import write_table
from crescendo.reports.tables.table_set import tables

GOLDEN = Path(__file__).parents[1] / "reports" / "golden"
RESAMPLES = 500


def told(output: Path, *, store: Path | None = None, journal=None, uri: str | None = None) -> Path:
    """Unpack the golden study as `output` and tell it to its store; return `output`.

    `store`: an MLflow database without runs, which saves making one. `journal`: maps the list of records to the one to
    tell in its place. `uri`: another store to tell.
    """
    with zipfile.ZipFile(GOLDEN / "study.zip") as archive:
        archive.extractall(output)
    if store is not None:
        shutil.copy(store, output / "mlflow.db")
    if journal is not None:
        file = output / "tracking" / "journal.jsonl"
        records = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(record) + "\n" for record in journal(records)))
    backlog = Tracker(output, None, uri).close(patience=500)
    assert (backlog.waiting, backlog.refused) == (0, 0), backlog
    return output


def report_tables(output: Path, folder: Path) -> None:
    """Write all tables of the study in `output` into `folder`."""
    folder.mkdir(parents=True)
    for table in tables(summarise([read_study_runs(output)], resamples=RESAMPLES)):
        write_table(folder, table)
