"""What is kept of each finished study's `report.json`, so that the page is made again without the runs of all studies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from findings_causes import MEASURES
from findings_study import STUDIES, Finished, read_findings

from crescendo.trainables.storage.files import check_file
from crescendo.trainables.storage.json_files import read_json

_ALL: Final = None


def _needed(headline: str, fraction: str) -> Mapping[str, Any]:
    """Return key -> what is kept below it, of a list of each element; `_ALL`: everything."""
    key = headline.rpartition("_")[2]
    difference = {headline: _ALL}
    values = dict.fromkeys(MEASURES, _ALL)
    return {
        **dict.fromkeys(
            ("headline", "early_fraction", "recordings", "groups", "groups_are", "labels", "missing"), _ALL
        ),
        "notes": _ALL,
        "studies": dict.fromkeys(("name", "status", "settings", "folds"), _ALL),
        "costs": dict.fromkeys(("trainings", "search_hours", "confirm_hours"), _ALL),
        "arms": {
            **dict.fromkeys(("name", "variant", "baseline", "setting"), _ALL),
            "difference": difference,
            "early_difference": difference,
            "detection": {key: _ALL},
            "early": {fraction: {key: _ALL}},
            "causes": {"measures": values, "gain": values},
            "replicates": {"detection": {key: _ALL}, "search": dict.fromkeys(("best", "best_objective"), _ALL)},
            "snapshots": {"curves": {"score": _ALL}},
            "progression": {"score": _ALL},
        },
    }


def with_kept(new: list[Finished], folder: Path) -> list[Finished]:
    """Return the studies `new` and those kept in `folder` that they do not replace, in the order of `STUDIES`.

    Raises
    ------
    InputError
        If a kept study cannot be read, or ran otherwise than it ships by now.
    """
    found = {one.data: one for one in new}
    files = [file for data in STUDIES.values() if data not in found and (file := _file(folder, data)).exists()]
    found |= {one.data: one for one in read_findings(files)}
    return [found[data] for data in STUDIES.values() if data in found]


def to_keep(new: list[Finished], folder: Path) -> dict[Path, Any]:
    """Return file of `folder` -> what the findings need of the report of one of `new`.

    Raises
    ------
    InputError
        If one of these files cannot be written.
    """
    parts = {}
    for one in new:
        content, file = read_json(one.report), _file(folder, one.data)
        check_file(file)
        part = _part(content, _needed(content["headline"], content["early_fraction"]))
        # Where the data lies is nobody's business, and no part of the question.
        [study] = part["studies"]
        parts[file] = {**part, "studies": [{**study, "settings": {**study["settings"], "dataset": one.data}}]}
    return parts


def _file(folder: Path, data: str) -> Path:
    return folder / f"{data.lower()}.json"


def _part(content: Any, kept: Mapping[str, Any] | None) -> Any:
    if kept is None or content is None:
        return content
    if isinstance(content, list):
        return [_part(one, kept) for one in content]
    return {key: _part(content[key], below) for key, below in kept.items() if key in content}
