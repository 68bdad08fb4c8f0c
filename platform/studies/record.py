"""What a study was when it began, kept beside its results, so that it cannot change unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crescendo.search_spaces.changes import differences, extends
from crescendo.search_spaces.study import Study
from crescendo.trainables.errors import InputError
from crescendo.trainables.files import read_json, write_json

RECORD = "study.json"


def record_study(study: Study, dataset_hash: str, output: Path, *, extend: bool) -> None:
    """Write `study` down in `output`, or check that it is the one that was begun there.

    `extend` lets it have more trials, arms or seeds than it had.

    Raises
    ------
    InputError
        Naming every change, if the study or its data set is another one.
    """
    file = output / RECORD
    if file.exists():
        _compare(study, dataset_hash, output, read_json(file), extend)
    write_json(file, {"study": study.to_json(), "dataset_hash": dataset_hash})


def _compare(study: Study, dataset_hash: str, output: Path, record: dict[str, Any], extend: bool) -> None:
    begun = Study.from_json(record["study"])
    if record["dataset_hash"] != dataset_hash:
        raise InputError(
            f"{study.dataset}: the data set changed since the study began (its content hash was "
            f"{record['dataset_hash'][:12]}, is {dataset_hash[:12]}); restore it, or choose another --output"
        )
    changes = differences(begun, study)
    if not changes or (extend and extends(begun, study)):
        return
    remedy = (
        "--extend may only add trials, arms or seeds"
        if extend
        else "restore it, pass --extend to add trials, arms or seeds, or choose another --output"
    )
    raise InputError("\n".join([f"{output}: the study changed since it began: {one}; {remedy}" for one in changes]))
