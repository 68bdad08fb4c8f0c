"""What a study's ledger knows, told to MLflow while no sweep runs."""

from __future__ import annotations

from pathlib import Path

from crescendo.platform.studies.ledger import LEDGER, Ledger
from crescendo.platform.studies.record import read_record
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Recordings, Workspace
from crescendo.platform.tracking.tracker import Tracker
from crescendo.platform.tracking.watcher import StudyWatcher
from crescendo.search_spaces.record import StudyRecord
from crescendo.trainables.storage.reading import expecting


def tell_from_ledger(output: Path, tracker: Tracker) -> None:
    """Tell `tracker` of every trial that ended in the study in `output` and that its journal has lost.

    Raises
    ------
    InputError
        If the study or its ledger cannot be read, or a sweep runs.
    """
    if not (output / LEDGER).is_file():
        return
    record = read_record(output)
    ledger = Ledger(output)
    try:
        with expecting("the ledger of a study", output / LEDGER, "restore it from a copy"):
            _tell(output, record, ledger, tracker)
    finally:
        ledger.close()


def _tell(output: Path, record: StudyRecord, ledger: Ledger, tracker: Tracker) -> None:
    study, content = record.study, record.dataset_hash
    folds = {name: Recordings(study.dataset, content, content_hash=its) for name, its in record.folds.items()}
    place = Workspace(output.absolute(), study.dataset, content, folds=folds)
    StudyWatcher(record.study, place, tracker).catch_up(StudyRun(record.study, ledger, place))
