"""Reading a study, by its shipped name or from a YAML file: one checked value, or every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from crescendo.search_spaces.checks.resolution import Resolve, complete
from crescendo.search_spaces.checks.schema_errors import salvage
from crescendo.search_spaces.checks.study_checks import check
from crescendo.search_spaces.problems import Problem, StudyError
from crescendo.search_spaces.study import Study
from crescendo.search_spaces.yaml_source import Source, read

_LARGEST = 2**20


def shipped_studies() -> tuple[str, ...]:
    """Return the names of the studies that ship with Crescendo."""
    return tuple(sorted(file.name[:-5] for file in _folder().iterdir() if file.name.endswith(".yaml")))


def study_text(name_or_file: str) -> tuple[str, str]:
    """Return the text of a shipped study, by name, or of a file, and what to call it in messages.

    Raises
    ------
    StudyError
        If it is neither, or cannot be read.
    """
    if name_or_file in shipped_studies():
        return (_folder() / f"{name_or_file}.yaml").read_text(encoding="utf-8"), f"{name_or_file}.yaml"
    path = Path(name_or_file)
    try:
        if path.is_dir() or not path.exists():
            raise StudyError([f"{name_or_file}: neither a file nor a shipped study ({', '.join(shipped_studies())})"])
        # What a shell puts in place of a file, as <(...), is a link.
        if path.is_char_device() or (path.is_fifo() and not path.is_symlink()):
            raise StudyError([f"{name_or_file}: must be a file but is a pipe or a device"])
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise StudyError([f"{name_or_file}: has more than {_LARGEST:,} bytes, which no study has"])
        return data.decode("utf-8-sig"), name_or_file
    except OSError as error:
        raise StudyError([f"{name_or_file}: cannot be read ({error.strerror}); check it and its permissions"]) from None
    except UnicodeDecodeError as error:
        raise StudyError(
            [f"{name_or_file}: must be UTF-8 text but byte {error.start} is not; save it as UTF-8"]
        ) from None


def read_study(
    name_or_file: str,
    overrides: Sequence[str] = (),
    resolve: Resolve | None = None,
    under: Callable[[Study], Mapping[str, Any]] | None = None,
) -> Study:
    """Return the study that a shipped name or a YAML file holds, checked whole.

    Parameters
    ----------
    overrides
        `key=value` with dotted keys (`search.trials=4`), as `--set` takes them; values are YAML.
    resolve
        Completes and checks the training settings (see `resolution.Resolve`); the study's `base` is then the whole
        configuration. Without it, settings are taken as written.
    under
        Returns the training settings that lie under those of the study's `base`, as the data set has them; a `ValueError`
        of its says why the data set gives none.

    Raises
    ------
    StudyError
        With every problem found, one line each: `file:line: key: rule`.
    """
    text, name = study_text(name_or_file)
    return parse_study(text, name, overrides, resolve, under)


def parse_study(
    text: str,
    name: str = "study",
    overrides: Sequence[str] = (),
    resolve: Resolve | None = None,
    under: Callable[[Study], Mapping[str, Any]] | None = None,
) -> Study:
    """Return the study that the YAML `text` holds; as `read_study` otherwise. Messages call it `name`."""
    source: Source = read(text, name, overrides)
    if () not in source.places:
        raise StudyError(source.fatal)
    study, problems = salvage(Study, source.content)
    if study is not None:
        if under is not None:
            study, amiss = _laid_over(study, under)
            problems += amiss
        study, found = complete(study, resolve)
        found += check(study, resolve)
        problems += [one for one in found if not one.echoes(problems)]
    problems = [*source.problems, *(one for one in problems if not one.echoes(source.problems))]
    if study is None or problems or source.fatal:
        raise StudyError(source.lines(problems))
    return study


def _laid_over(study: Study, under: Callable[[Study], Mapping[str, Any]]) -> tuple[Study, list[Problem]]:
    try:
        return study.model_copy(update={"base": {**under(study), **study.base}}), []
    except ValueError as error:
        return study, [Problem(("folds", 0) if isinstance(study.folds, tuple) else ("dataset",), str(error))]


def _folder() -> Any:
    return files("crescendo.search_spaces.studies")
