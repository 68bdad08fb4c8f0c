"""A study's runs, read from MLflow: finished or not, from the store beside the study or from a server."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from crescendo.reports.source.artifacts import EXPECTED, FILES, Outputs, read_outputs
from crescendo.reports.source.records import (
    listed_arms,
    provenance_of,
    run_of,
    settings_of,
    state_of,
    tags_of,
    unfinished,
)
from crescendo.reports.source.runs import ArmRuns, Run, StudyRuns, best_run, same_setting
from crescendo.reports.source.store import mlflow_client
from crescendo.reports.source.store_address import check_address, shown_address, sqlite_file, store_of
from crescendo.trainables.errors import InputError

_GAP_CURVE = "validation/curve/mAP_against_merge_gap"
_PAGE = 1000


def read_study(source: str | Path, tracking_uri: str | None = None) -> StudyRuns:
    """Read a study from MLflow.

    Parameters
    ----------
    source
        A study's output folder, or its experiment's name.
    tracking_uri
        Where the runs are. None: where the folder's sweep sent them; for a name, `MLFLOW_TRACKING_URI`.

    Raises
    ------
    InputError
        If there is no such study, or its store cannot be reached.
    """
    folder = Path(source) if Path(source).is_dir() else None
    experiment, study = _journal(folder) if folder else (str(source), None)
    uri = tracking_uri or (store_of(folder) if folder else os.environ.get("MLFLOW_TRACKING_URI"))
    if uri is None:
        raise InputError(
            f"{source}: no such folder; name a study's output folder, or its experiment with --tracking-uri"
        )
    _check_store(uri, source)
    # As `mlflow_client` does: after the environment is set.
    from mlflow.exceptions import MlflowException

    try:
        return _Reader(uri, folder).study(experiment, study)
    except MlflowException as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{shown_address(uri)}: the runs cannot be read from this store: {reason}") from error


class _Reader:
    def __init__(self, uri: str, folder: Path | None) -> None:
        self._client, self._uri, self._folder = mlflow_client(uri), uri, folder
        self._missing: list[str] = []
        self._notes: list[str] = []

    def study(self, experiment: str, study: str | None) -> StudyRuns:
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            raise InputError(f"{shown_address(self._uri)}: holds no experiment {experiment!r}; check the study's name")
        of_study = f" and tags.`crescendo.study` = '{study}'" if study else ""
        parents = list(self._search(found.experiment_id, f"tags.`crescendo.phase` = 'study'{of_study}"))
        if not parents:
            raise InputError(
                f"{shown_address(self._uri)}: experiment {experiment!r} holds no run of a study; was it deleted?"
            )
        parent = max(parents, key=lambda run: run.info.start_time)
        if len(parents) > 1:
            self._notes.append(
                f"The experiment {experiment} holds {len(parents)} studies; this is the one begun last. "
                "Name a study's output folder to choose another."
            )
        study = parent.data.tags["crescendo.study"]
        runs = [
            run
            for run in self._search(found.experiment_id, f"tags.`crescendo.study` = '{study}'")
            if run.info.run_id != parent.info.run_id
        ]
        settings = settings_of(parent)
        arms = self._arms(parent, [(run_of(one), one) for one in runs], settings)
        status, reason = state_of(parent)
        if status != "finished":
            self._missing.insert(0, unfinished(status, reason))
        return StudyRuns(
            name=experiment,
            store=shown_address(self._uri),
            status=status,
            reason=reason,
            settings=settings,
            tags=tags_of(parent),
            provenance=provenance_of([parent, *runs]),
            arms=arms,
            baseline=_baseline(parent, settings, arms),
            missing=tuple(self._missing),
            notes=tuple(self._notes),
        )

    def _search(self, experiment: str, query: str) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([experiment], query, max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _arms(self, parent: Any, runs: list[tuple[Run, Any]], settings: Mapping[str, Any]) -> tuple[ArmRuns, ...]:
        wanted = [int(seed) for seed in settings.get("confirm", {}).get("seeds", ())]
        runs.sort(key=lambda one: (one[1].info.start_time, one[0].number))
        names = list(dict.fromkeys([*listed_arms(parent), *(run.arm for run, _ in runs)]))
        raw = {run.id: one for run, one in runs}
        return tuple(self._arm(name, [run for run, _ in runs if run.arm == name], raw, wanted) for name in names)

    def _arm(self, name: str, runs: list[Run], raw: Mapping[str, Any], wanted: list[int]) -> ArmRuns:
        search, confirm = (
            tuple(sorted((run for run in runs if run.phase == phase), key=lambda run: run.number))
            for phase in ("search", "confirm")
        )
        best = best_run(search)
        right = [run for run in confirm if best is not None and same_setting(best, run)]
        # Of the same training twice the later one counts.
        finished = {run.seed: run for run in right if run.state == "finished" and run.seed is not None}
        confirmed = tuple(finished[seed] for seed in sorted(finished))
        self._say_of_arm(name, search, confirm, confirmed, wanted)
        outputs = {}
        for run in confirmed:
            outputs[int(run.seed or 0)] = self._outputs(raw[run.id], run)
        curve: tuple[tuple[int, float], ...] = ()
        if best is not None and _GAP_CURVE in best.metrics:
            history = self._client.get_metric_history(best.id, _GAP_CURVE)
            curve = tuple(sorted((int(one.step), float(one.value)) for one in history))
        return ArmRuns(name, search, confirm, confirmed, outputs, curve)

    def _say_of_arm(
        self,
        name: str,
        search: tuple[Run, ...],
        confirm: tuple[Run, ...],
        confirmed: tuple[Run, ...],
        wanted: list[int],
    ) -> None:
        for phase, runs in (("search", search), ("confirm", confirm)):
            failed = [run for run in runs if run.state == "failed"]
            if failed:
                reason = f": {failed[-1].reason}" if failed[-1].reason else ""
                self._notes.append(
                    f"Arm {name}: {len(failed)} of {len(runs)} trials of the {phase} phase failed{reason}."
                )
        lacking = [seed for seed in wanted if seed not in {run.seed for run in confirmed}]
        if lacking:
            seeds = ", ".join(map(str, lacking))
            self._missing.append(
                f"Arm {name}: {len(wanted) - len(lacking)} of {len(wanted)} seeds are confirmed; lacking: {seeds}."
            )
        superseded = sum(run.state == "finished" for run in confirm) - len(confirmed)
        if superseded:
            self._notes.append(
                f"Arm {name}: {superseded} finished confirmations are of a setting that is no longer its best, "
                "and are left out."
            )

    def _outputs(self, raw: Any, run: Run) -> Outputs:
        with tempfile.TemporaryDirectory(prefix="crescendo-") as scratch:
            folder = self._artifacts(raw, Path(scratch))
            outputs, faults = read_outputs(folder)
            absent = [name for name in EXPECTED if not (folder / name).is_file()]
        where = f"Arm {run.arm}, seed {run.seed}"
        if absent:
            self._missing.append(f"{where}: the run's artifacts lack {', '.join(absent)}.")
        self._missing += [f"{where}: {fault}." for fault in faults]
        return outputs

    def _artifacts(self, raw: Any, scratch: Path) -> Path:
        """Return a folder with the run's artifacts: where they lie, or `scratch` with what was fetched."""
        parts = urlsplit(raw.info.artifact_uri)
        places = [] if parts.scheme not in ("", "file") else [Path(unquote(parts.path))]
        if self._folder:  # a study's folder may have been moved or copied since
            places.insert(0, self._folder / "mlartifacts" / raw.info.run_id / "artifacts")
        for place in places:
            if place.is_dir():
                return place
        if parts.scheme in ("", "file"):
            return scratch
        kept = {one.path for one in self._client.list_artifacts(raw.info.run_id)}
        for name in FILES:
            if name in kept:
                self._client.download_artifacts(raw.info.run_id, name, str(scratch))
        return scratch


def _journal(folder: Path) -> tuple[str, str]:
    """Return experiment and identity of the study in `folder`, from the first line of its journal."""
    file = folder / "tracking" / "journal.jsonl"
    try:
        with file.open(encoding="utf-8") as lines:
            first = json.loads(lines.readline())
        return str(first["experiment"]), str(first["study"])
    except (OSError, ValueError, KeyError):
        raise InputError(f"{folder}: no study was tracked here; name the output folder of a sweep") from None


def _check_store(uri: str, source: str | Path) -> None:
    check_address(uri)
    file = sqlite_file(uri)
    if file is not None and not file.is_file():  # MLflow would make an empty one
        raise InputError(f"{source}: there is no MLflow store {file}; has the study begun?")


def _baseline(parent: Any, settings: Mapping[str, Any], arms: tuple[ArmRuns, ...]) -> str | None:
    names = [arm.name for arm in arms]
    asked = settings.get("baseline")
    if (tagged := tags_of(parent).get("baseline")) in names:
        return tagged
    if asked in names:
        return str(asked)
    if isinstance(asked, Mapping):
        for arm in arms:
            runs = (*arm.search, *arm.confirm)
            if runs and all(run.settings.get(key) == value for run in runs for key, value in asked.items()):
                return arm.name
    return names[0] if names else None
