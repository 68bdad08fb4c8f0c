"""Which study it was whose runs are read."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crescendo.reports.source.records import tags_of, value_of
from crescendo.reports.source.run_files import RunFiles
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.record import STUDY_FILE, StudyRecord
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.study import Study
from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import read_json

_TEXTS = {"name", "description", "dataset", "trainable"}
_OF_A_SPACE = {*Range.model_fields, *Choices.model_fields}
_OPTIONAL = {"baseline", "early_stopping", "decode.merge_gap", "decode.reset", "resources.concurrent"}


def recorded_study(parent: Any, files: RunFiles, folder: Path | None) -> StudyRecord:
    """Return the record of the study whose run is `parent`, as it was last extended.

    It is written in the study's `folder`, and logged with its run. Earlier versions logged its parameters alone.

    Raises
    ------
    InputError
        If what is written is of another version, or damaged.
    """
    if folder is not None and (folder / STUDY_FILE).is_file():
        return _read(folder / STUDY_FILE)
    with tempfile.TemporaryDirectory(prefix="crescendo-") as scratch:
        logged = files.folder(parent, [STUDY_FILE], Path(scratch)) / STUDY_FILE
        if logged.is_file():
            return _read(logged)
    tags = tags_of(parent)
    return StudyRecord(study_from_parameters(parent.data.params, tags), tags.get("dataset_hash", ""))


def _read(file: Path) -> StudyRecord:
    try:
        return StudyRecord.from_json(read_json(file))
    except StudyError as error:
        raise InputError(
            f"{file}: is no study of this version ({error}); report it with the one that ran it"
        ) from error


def study_from_parameters(params: Mapping[str, str], tags: Mapping[str, str]) -> Study:
    """Return the study that was told to MLflow as parameters: its keys joined by dots, its values as text.

    A key that was changed when the study was extended has its new value in a tag `changed.KEY`.

    Raises
    ------
    InputError
        If they do not make up a study.
    """
    changed = {key.removeprefix("changed."): text for key, text in tags.items() if key.startswith("changed.")}
    content: dict[str, Any] = {}
    for key, text in {**params, **changed}.items():
        if text == "none" and (key in _OPTIONAL or key.endswith(".step")):
            continue
        *path, last = _path(key)
        inner = content
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = text if key in _TEXTS else value_of(text)
    content["base"] = {key: _setting(key, value) for key, value in content.get("base", {}).items()}
    try:
        return Study.from_json(content)
    except ValidationError as error:
        raise InputError(
            f"{params.get('name', 'the study')}: its run in MLflow does not say whole which study it is; "
            "name its output folder"
        ) from error


def _path(key: str) -> list[str]:
    """Return the keys that `key` joins. Settings may have a dot of their own, as `lambda_r.score`; sections have none."""
    parts = key.split(".")
    if parts[0] in ("base", "baseline"):
        return [parts[0], *_joined(parts[1:])]
    if parts[:2] != ["search", "space"]:
        return parts
    end = next((place for place, part in enumerate(parts) if place > 2 and part in _OF_A_SPACE), len(parts))
    return [*parts[:2], *_joined(parts[2:end]), *parts[end : end + 1], *_joined(parts[end + 1 :])]


def _joined(parts: list[str]) -> list[str]:
    return [".".join(parts)] if parts else []


def _setting(key: str, value: Any) -> Any:
    """Return a setting of the base; where there may be none, `none` was written for it."""
    known = TrainingConfig.model_fields.get(key)
    return None if value == "none" and known is not None and known.default is None else value
