"""Where a plan's figures come from: a finished study, its report, or the figures that ship."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from crescendo.reports.analysis.summary import summarise
from crescendo.reports.planning.sources import Sources
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import parse_json, read_json

_FIGURES = resources.files("crescendo.reports.planning") / "figures"
KEY = "sources"
"""Of report.json: what the study measured."""


def shipped() -> tuple[str, ...]:
    """Return the names of the data sets whose figures ship."""
    return tuple(sorted(one.name.removesuffix(".json") for one in _FIGURES.iterdir() if one.name.endswith(".json")))


def shipped_sources(dataset: str, study: str | None = None) -> Sources:
    """Return the figures that ship for the data set of this name, or else those that this shipped `study` measured.

    Raises
    ------
    InputError
        If there are none.
    """
    named = {name: _shipped(name) for name in shipped()}
    found = named.get(dataset) or next((one for one in named.values() if one.study == study), None)
    if found is None:
        raise InputError(
            f"{dataset}: no figures of this data set ship (there are those of {', '.join(named) or 'none'}); name a "
            "finished study on it with --from RESULTS"
        )
    return found


def _shipped(dataset: str) -> Sources:
    where = f"{dataset}.json"
    return Sources.from_json(parse_json((_FIGURES / where).read_bytes(), where), where)


def measured_sources(results: str) -> Sources:
    """Return what a finished study measured: of its `report.json`, its output folder or its experiment's name.

    Raises
    ------
    InputError
        If there is no such study, or its differences cannot be compared.
    """
    if results.endswith(".json") or Path(results).is_file():
        content = read_json(Path(results))
        if not isinstance(content, dict) or KEY not in content:
            raise InputError(f"{results}: no report of a study, or an old one; make it again with `crescendo report`")
        found = content[KEY] if content[KEY] is None else Sources.from_json(content[KEY], results)
    else:
        found = summarise([read_study_runs(results)]).sources
    if found is None:
        raise InputError(
            f"{results}: no arm could be compared with the baseline, so nothing is known of how differences vary; "
            "`crescendo report` says why"
        )
    return found
