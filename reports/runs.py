"""A study's runs, read from MLflow: finished or not, from the store beside the study or from a server."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from crescendo.trainables.errors import InputError
from crescendo.trainables.files import read_json

from .outputs import EXPECTED, FILES, Outputs, read_outputs
from .store import mlflow_client

STATES = ("finished", "pruned", "failed", "interrupted", "running")
_GAP_CURVE = "validation/curve/mAP_against_merge_gap"
_PAGE = 1000
# What may differ between a search trial and the confirmation of its setting.
_NOT_COMPARED = {"seed", "merge_gap", "reset", "device", "threads"}


@dataclass(frozen=True)
class Run:
    """One trial as MLflow has it: its settings (parameters, read as JSON), the last values of its metrics.

    `seconds` is how long it ran, all its starts together; None where MLflow was not told.
    """

    id: str
    arm: str
    phase: str
    number: int
    seed: int | None
    state: str
    reason: str | None
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    seconds: float | None

    @property
    def objective(self) -> float | None:
        """Its last validation value."""
        return self.metrics.get("objective")


@dataclass(frozen=True)
class ArmRuns:
    """The runs of one arm.

    Attributes
    ----------
    search, confirm
        All its runs, by number.
    confirmed
        Those that finished with the best setting, by seed: what the report is about.
    outputs
        Seed -> what the confirmed run left.
    gap_curve
        (merge gap, objective) of the best trial.
    """

    name: str
    search: tuple[Run, ...]
    confirm: tuple[Run, ...]
    confirmed: tuple[Run, ...]
    outputs: Mapping[int, Outputs]
    gap_curve: tuple[tuple[int, float], ...]

    @property
    def best(self) -> Run | None:
        """The search trial with the highest objective, of equal ones the first; None if none finished."""
        return best_run(self.search)


@dataclass(frozen=True)
class StudyRuns:
    """A study and all its runs.

    `settings` are the study's own keys, nested as in its file; `tags` those of its run (without `crescendo.`); `missing`
    and `notes` are sentences (see `Content`).
    """

    name: str
    store: str
    status: str
    reason: str | None
    settings: Mapping[str, Any]
    tags: Mapping[str, str]
    provenance: Mapping[str, tuple[str, ...]]
    arms: tuple[ArmRuns, ...]
    baseline: str | None
    missing: tuple[str, ...]
    notes: tuple[str, ...]


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
    uri = tracking_uri or (_destination(folder) if folder else os.environ.get("MLFLOW_TRACKING_URI"))
    if uri is None:
        raise InputError(
            f"{source}: no such folder; name a study's output folder, or its experiment with --tracking-uri"
        )
    _check_uri(uri, source)
    from mlflow.exceptions import MlflowException

    try:
        return _Reader(uri, folder).study(experiment, study)
    except MlflowException as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{_shown(uri)}: the runs cannot be read from this store: {reason}") from error


def best_run(search: tuple[Run, ...]) -> Run | None:
    """Return the finished run with the highest objective, of equal ones the first."""
    finished = [run for run in search if run.state == "finished" and run.objective is not None]
    return max(finished, key=lambda run: (run.objective, -run.number), default=None)


class _Reader:
    def __init__(self, uri: str, folder: Path | None) -> None:
        self._client, self._uri, self._folder = mlflow_client(uri), uri, folder
        self._missing: list[str] = []
        self._notes: list[str] = []

    def study(self, experiment: str, study: str | None) -> StudyRuns:
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            raise InputError(f"{_shown(self._uri)}: holds no experiment {experiment!r}; check the study's name")
        of_study = f" and tags.`crescendo.study` = '{study}'" if study else ""
        parents = list(self._search(found.experiment_id, f"tags.`crescendo.phase` = 'study'{of_study}"))
        if not parents:
            raise InputError(f"{_shown(self._uri)}: experiment {experiment!r} holds no run of a study; was it deleted?")
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
        settings = _settings(parent)
        arms = self._arms(parent, [(_run(one), one) for one in runs], settings)
        status, reason = _state(parent)
        if status != "finished":
            self._missing.insert(0, _unfinished(status, reason))
        return StudyRuns(
            name=experiment,
            store=_shown(self._uri),
            status=status,
            reason=reason,
            settings=settings,
            tags=_tags(parent),
            provenance=_provenance([parent, *runs]),
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
        names = list(dict.fromkeys([*_listed_arms(parent), *(run.arm for run, _ in runs)]))
        raw = {run.id: one for run, one in runs}
        return tuple(self._arm(name, [run for run, _ in runs if run.arm == name], raw, wanted) for name in names)

    def _arm(self, name: str, runs: list[Run], raw: Mapping[str, Any], wanted: list[int]) -> ArmRuns:
        search, confirm = (
            tuple(sorted((run for run in runs if run.phase == phase), key=lambda run: run.number))
            for phase in ("search", "confirm")
        )
        best = best_run(search)
        right = [run for run in confirm if best is not None and _same_setting(best, run)]
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


def _destination(folder: Path) -> str:
    file = folder / "tracking" / "destination.json"
    uri = read_json(file)["uri"] if file.is_file() else None
    return str(uri) if uri else f"sqlite:///{folder.absolute() / 'mlflow.db'}"


def _check_uri(uri: str, source: str | Path) -> None:
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        raise InputError(
            f"--tracking-uri {uri}: MLflow keeps runs in a database or on a server; "
            "give sqlite:///FILE or http://HOST:PORT"
        )
    if parts.scheme == "sqlite":
        file = Path(unquote(parts.path.removeprefix("/")))
        if not file.is_file():  # MLflow would make an empty one
            raise InputError(f"{source}: there is no MLflow store {file}; has the study begun?")


def _shown(uri: str) -> str:
    parts = urlsplit(uri)
    return uri if parts.password is None else uri.replace(parts.netloc, parts.netloc.rpartition("@")[2])


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _tags(raw: Any) -> dict[str, str]:
    prefix = "crescendo."
    return {key.removeprefix(prefix): value for key, value in raw.data.tags.items() if key.startswith(prefix)}


def _settings(parent: Any) -> dict[str, Any]:
    """Return the study as its file nests it; of an extended one, as it is now."""
    changed = {
        key.removeprefix("changed."): value for key, value in _tags(parent).items() if key.startswith("changed.")
    }
    nested: dict[str, Any] = {}
    for key, value in sorted({**parent.data.params, **changed}.items()):
        *path, last = key.split(".")
        place = nested
        for part in path:
            inner = place.setdefault(part, {})
            place = inner if isinstance(inner, dict) else place
        place[last] = _value(value)
    return nested


def _run(raw: Any) -> Run:
    tags = raw.data.tags
    state, reason = _state(raw)
    number = raw.info.run_name.rpartition(" ")[2]
    seconds = raw.data.metrics.get("seconds")
    if not seconds and raw.info.end_time:
        seconds = (raw.info.end_time - raw.info.start_time) / 1000
    seed = _value(tags.get("crescendo.seed", "none"))
    return Run(
        id=raw.info.run_id,
        arm=tags.get("crescendo.arm", ""),
        phase=tags.get("crescendo.phase", ""),
        number=int(number) if number.isdigit() else 0,
        seed=seed if isinstance(seed, int) else None,
        state=state,
        reason=reason,
        settings={key: _value(value) for key, value in raw.data.params.items()},
        metrics=dict(raw.data.metrics),
        seconds=seconds or None,
    )


def _state(raw: Any) -> tuple[str, str | None]:
    reason = raw.data.tags.get("crescendo.reason")
    match raw.info.status:
        case "FINISHED":
            return "finished", None
        case "FAILED":
            return "failed", reason
        case "KILLED":
            return ("pruned" if (reason or "").startswith("pruned") else "interrupted"), reason
        case _:
            return "running", None


def _unfinished(status: str, reason: str | None) -> str:
    if status == "running":
        return "The study is running, or was killed: this is what it has come to so far."
    if status == "failed":
        return f"The study stopped{f' ({reason})' if reason else ''}: this is what it had come to."
    return "The study was interrupted: this is what it had come to."


def _provenance(runs: list[Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for raw in runs:
        for key, value in _tags(raw).items():
            if key.startswith(("git.", "version.")) or key in ("device", "dataset_hash"):
                found.setdefault(key, set()).add(value)
    return {key: tuple(sorted(found[key])) for key in sorted(found)}


def _same_setting(best: Run, confirmed: Run) -> bool:
    keys = (best.settings.keys() | confirmed.settings.keys()) - _NOT_COMPARED
    gap = best.metrics.get("chosen/merge_gap")
    return all(best.settings.get(key) == confirmed.settings.get(key) for key in keys) and (
        gap is None or gap == confirmed.settings.get("merge_gap")
    )


def _listed_arms(parent: Any) -> list[str]:
    listed = _value(_tags(parent).get("arms", "[]"))
    return [str(name) for name in listed] if isinstance(listed, list) else []


def _baseline(parent: Any, settings: Mapping[str, Any], arms: tuple[ArmRuns, ...]) -> str | None:
    names = [arm.name for arm in arms]
    asked = settings.get("baseline")
    if (tagged := _tags(parent).get("baseline")) in names:
        return tagged
    if asked in names:
        return str(asked)
    if isinstance(asked, Mapping):
        for arm in arms:
            runs = (*arm.search, *arm.confirm)
            if runs and all(run.settings.get(key) == value for run in runs for key, value in asked.items()):
                return arm.name
    return names[0] if names else None
