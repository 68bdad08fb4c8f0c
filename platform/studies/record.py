"""What a study was when it began, kept beside its results, so that it cannot change unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from crescendo.platform.studies.workspace import Workspace
from crescendo.search_spaces.budgeting import Extent
from crescendo.search_spaces.changes import added, differences, extends
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.record import STUDY_FILE, StudyRecord
from crescendo.search_spaces.study import Study
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import read_json, write_json


def record_study(study: Study, place: Workspace, *, extend: bool, results: Callable[[], bool] = lambda: False) -> None:
    """Write `study` down where it works, or check that it is the one that was begun there.

    `extend` lets it have more trials, arms, seeds, repeats or hours than it had; if `results` says that some run was scored on
    the test split already, it is noted that they were added late, or that the baseline was changed.

    Raises
    ------
    InputError
        Naming every change, if the study or its data set is another one.
    """
    file = place.output / STUDY_FILE
    folds = {name: one.content_hash for name, one in place.folds.items()}
    record = StudyRecord(study, place.dataset_hash, folds, data_notes=place.notes)
    if file.exists():
        begun = read_record(place.output)
        _compare(record, begun, place.output, extend)
        late = added(begun.study, study)
        late = late if late and results() else ()
        # A larger study, or budget, is planned anew.
        extent = begun.extent if study.decisive() == begun.study.decisive() else None
        record = replace(record, added_late=tuple(dict.fromkeys((*begun.added_late, *late))), extent=extent)
    write_json(file, record.to_json())


def read_extent(output: Path) -> Extent | None:
    """Return how much of the study in `output` is done, of one with a budget that is planned."""
    return read_record(output).extent if (output / STUDY_FILE).is_file() else None


def record_extent(output: Path, extent: Extent) -> None:
    """Write down how much of the study in `output` is done."""
    write_json(output / STUDY_FILE, replace(read_record(output), extent=extent).to_json())


def read_record(output: Path) -> StudyRecord:
    """Return the study that was begun in `output`; `InputError` if there is none, or it is of another version."""
    file = output / STUDY_FILE
    try:
        return StudyRecord.from_json(read_json(file))
    except StudyError as error:
        raise InputError(
            f"{file}: is no study of this version ({error}); go on with the version that began it, or choose another --output"
        ) from error


def _compare(record: StudyRecord, begun: StudyRecord, output: Path, extend: bool) -> None:
    study = record.study
    if record.dataset_hash != begun.dataset_hash:
        raise InputError(
            f"{study.dataset}: the data set changed since the study began (its content hash was "
            f"{begun.dataset_hash[:12]}, is {record.dataset_hash[:12]}); restore it, or choose another --output"
        )
    if record.folds != begun.folds and study.folds == begun.study.folds:
        changed = [name for name in (*begun.folds, *record.folds) if record.folds.get(name) != begun.folds.get(name)]
        raise InputError(
            f"{study.dataset}: the folds changed since the study began ({', '.join(dict.fromkeys(changed))}); restore them, or "
            "choose another --output"
        )
    changes = differences(begun.study, study)
    if not changes or (extend and extends(begun.study, study)):
        return
    remedy = (
        "--extend may only add trials, arms, seeds, repeats or hours of the budget"
        if extend
        else "restore it, pass --extend to add trials, arms, seeds, repeats or hours of the budget, or choose another --output"
    )
    raise InputError("\n".join([f"{output}: the study changed since it began: {one}; {remedy}" for one in changes]))
