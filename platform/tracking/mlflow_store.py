"""One record of a study told to MLflow: safe to tell twice, so that whatever may not have arrived is told again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from crescendo.platform.tracking.artifact_places import artifacts_at, misplaced
from crescendo.platform.tracking.records import Record
from crescendo.reports.source.records import EXPECTED_END
from crescendo.reports.source.store import mlflow_client
from crescendo.trainables.storage.addresses import hidden

STUDY = "study"
MAX_METRICS, MAX_PARAMS = 1000, 100
_EXPECTED_END = f"crescendo.{EXPECTED_END}"
_REASON = "crescendo.reason"
BUDGET = "budget"
"""Tag of a study with a budget, after `crescendo.`: what it pays for, as last planned, cut or raised."""
LOOK = "look"
"""Tags of a study that runs until it is decided, after `crescendo.`: `LOOK.SEEDS` is what came out with so many seeds."""
VERDICT = "verdict"
"""Tag of a study that is whole, after `crescendo.`: its report's first words; `VERDICT.ARM` is the answer for an arm."""
_DOUBT = 5.0  # seconds
_NOT_OURS = "it says yes and nothing else; is it an MLflow server?"
_FOR_GOOD = {"INVALID_PARAMETER_VALUE"}
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}


class Refused(Exception):
    """MLflow will not take this record, now or later; the message is its reason."""


class Forgotten(Exception):
    """The store does not know the study: it was emptied or replaced, or the record that begins the study was lost."""


class NotBegun(Exception):
    """The store knows the study but not this run, because the record that begins it was lost; the run's identity."""


class MlflowStore:
    """The runs of one study in one MLflow store.

    `unknown` says that the store can know none of them yet: nothing of the study was ever said. Runs are known by the
    tags `crescendo.study` and `crescendo.trial`, looked up before one is made, so that a request whose answer was lost
    makes no second run. MLflow's stores keep a metric of the same name, step, time and value once. Any other exception
    than `Refused`, `Forgotten` and `NotBegun` means: not now, try again.
    """

    def __init__(self, uri: str, study: str, experiment: str, artifacts: Path | None, *, unknown: bool = False) -> None:
        self._uri, self._study, self._experiment_name = uri, study, experiment
        self._artifacts, self._unknown = artifacts, unknown
        # MLflow prints the traceback of a database that is full or locked; whoever calls hears of it all the same.
        logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)
        self._client: Any = None
        self._experiment: str | None = None
        self._runs: dict[str, str | None] = {}
        self._doubtful: dict[str, float] = {}  # runs that may still be made by a request not answered, and until when
        self._tellers: Mapping[str, Callable[[Record], None]] = {
            "start": self._start,
            "file": self._upload_file,
            "folder": self._upload_folder,
            "tags": self._tag,
            "finish": self._finish,
        }

    def hidden(self, text: str) -> str:
        """Return `text`, an error say, without the secrets of the store's address."""
        return hidden(text, self._uri)

    def tell(self, records: list[Record]) -> None:
        """Bring a record of `Tracker` into the store, or several records of one run's metrics."""
        record = records[0]
        if self._client is None:
            self._client = mlflow_client(self._uri)
        # MLflow takes seconds, and reads the environment that `mlflow_client` sets as it is imported.
        from mlflow.exceptions import MlflowException

        try:
            match record["kind"]:
                case "study" | "caught up":
                    pass
                case "metrics":
                    self._log(records)
                case kind if kind in self._tellers:
                    self._tellers[kind](record)
                case kind:
                    raise Refused(f"a record of kind {kind!r} is unknown to this version")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                self._runs.clear()
                self._experiment, self._unknown = None, False
                if self._find(STUDY) is None:
                    raise Forgotten(str(error)) from error
                self._runs[record["identity"]] = None  # purged by a person while the study ran: leave it so
                return
            if error.error_code in _FOR_GOOD:
                raise Refused(str(error)) from error
            raise

    def _start(self, record: Record) -> None:
        # As above.
        from mlflow.entities import Param, RunTag

        identity, params = record["identity"], dict(record["params"])
        tags = {**record["tags"], "crescendo.study": self._study, "crescendo.trial": identity}
        if identity != STUDY:
            tags |= {"mlflow.parentRunId": parent} if (parent := self._run(STUDY)) else {}
        new = self._unknown and identity not in self._runs and identity not in self._doubtful
        run = None if new else self._find(identity)
        if run is None:
            run = self._create(identity, record["name"], record["time"], tags)
            tags = {}
        self._runs[identity] = run.info.run_id
        if run.info.lifecycle_stage == "deleted":
            self._runs[identity] = None
            return
        if run.info.run_name == identity:  # begun before this record was told, because another one was lost
            tags["mlflow.runName"] = record["name"]
        for key in params.keys() & run.data.params.keys():
            if (value := params.pop(key)) != run.data.params[key]:
                tags[f"crescendo.changed.{key}"] = value  # an extended study: MLflow never changes a parameter
        wanted = [Param(key, value) for key, value in params.items()]
        labels = [RunTag(key, value) for key, value in tags.items() if run.data.tags.get(key) != value]
        for start in range(0, max(len(wanted), len(labels)), MAX_PARAMS):
            batch = slice(start, start + MAX_PARAMS)
            self._client.log_batch(run.info.run_id, params=wanted[batch], tags=labels[batch])
        if run.info.status != "RUNNING":
            self._client.update_run(run.info.run_id, status="RUNNING")
        for name in run.data.tags:
            # It is interrupted, or whole, no longer, and ends at another time.
            if name in (_REASON, _EXPECTED_END) or name.startswith(f"crescendo.{VERDICT}"):
                self._client.delete_tag(run.info.run_id, name)

    def _create(self, identity: str, name: str, start: int, tags: dict[str, str]) -> Any:
        if time.monotonic() < self._doubtful.get(identity, 0.0):
            raise TimeoutError(f"waiting to see whether the run {name!r} was made by a request that was not answered")
        try:
            run = self._client.create_run(self._experiment_id(), start, tags, name)
            if not run.info.run_id:
                raise ValueError(_NOT_OURS)
            return run
        except Exception:
            self._doubtful[identity] = time.monotonic() + _DOUBT
            raise

    def _log(self, records: list[Record]) -> None:
        # As above.
        from mlflow.entities import Metric

        if (run := self._run(records[0]["identity"])) is None:
            return
        metrics = [
            Metric(name, float(value), record["time"], step)
            for record in records
            for name, value, step in record["metrics"]
        ]
        for start in range(0, len(metrics), MAX_METRICS):
            self._client.log_batch(run, metrics=metrics[start : start + MAX_METRICS])

    def _upload_file(self, record: Record) -> None:
        if (run := self._run(record["identity"])) is None:
            return
        file = Path(record["file"])
        if not file.is_file():
            raise Refused(f"{file}: no such file any more")
        self._artifacts_of(run).log_artifact(str(file))

    def _upload_folder(self, record: Record) -> None:
        if (run := self._run(record["identity"])) is None:
            return
        folder = Path(record["folder"])
        if not folder.is_dir():
            raise Refused(f"{folder}: no such folder any more")
        self._artifacts_of(run).log_artifacts(str(folder), artifact_path=record.get("place") or None)

    def _artifacts_of(self, run: str) -> Any:
        """Return where the run's artifacts go, which the store decides; `Refused` if that may be files of somebody else's."""
        place = self._client.get_run(run).info.artifact_uri
        fault = misplaced(place, run)
        if fault:
            raise Refused(fault)
        return artifacts_at(place, self._uri)

    def _finish(self, record: Record) -> None:
        if self._doubtful.pop(record["identity"], None) is not None:
            self._find(record["identity"])
        if (run := self._run(record["identity"])) is None:
            return
        tags = record["tags"] if "tags" in record else {_REASON: record["reason"]}  # as journals once had it
        for name, value in tags.items():
            if value:
                self._client.set_tag(run, name, value)
        self._client.set_terminated(run, record["status"], record["time"])
        if record["identity"] == STUDY and _EXPECTED_END in self._client.get_run(run).data.tags:
            self._client.delete_tag(run, _EXPECTED_END)

    def _tag(self, record: Record) -> None:
        # As above.
        from mlflow.entities import RunTag

        if (run := self._run(record["identity"])) is None:
            return
        tags = [RunTag(name, value) for name, value in record["tags"].items()]
        for start in range(0, len(tags), MAX_PARAMS):
            self._client.log_batch(run, tags=tags[start : start + MAX_PARAMS])

    def _run(self, identity: str) -> str | None:
        """Return the run's id, or None for a run that a person deleted: nothing is told to it, and none is made."""
        if identity not in self._runs:
            run = self._find(identity)
            if run is None:
                known = identity != STUDY and self._find(STUDY) is not None
                raise NotBegun(identity) if known else Forgotten(f"no run {identity} of study {self._study}")
            self._runs[identity] = None if run.info.lifecycle_stage == "deleted" else run.info.run_id
        return self._runs[identity]

    def _find(self, identity: str) -> Any:
        """Return the run of `identity`, deleted ones too; of two made by one request answered late, keep the one in use."""
        # As above.
        from mlflow.entities import ViewType

        runs = self._client.search_runs(
            [self._experiment_id()],
            f"tags.`crescendo.study` = '{self._study}' and tags.`crescendo.trial` = '{identity}'",
            run_view_type=ViewType.ALL,
        )
        in_use = self._runs.get(identity)
        runs.sort(key=lambda run: (run.info.run_id != in_use, -len(run.data.params), -len(run.data.metrics)))
        for spare in runs[1:]:
            if spare.info.lifecycle_stage == "active":
                self._client.delete_run(spare.info.run_id)
        return runs[0] if runs else None

    def _experiment_id(self) -> str:
        if self._experiment is None:
            found = self._client.get_experiment_by_name(self._experiment_name)
            if found is None:
                place = self._artifacts.as_uri() if self._artifacts else None
                experiment = self._client.create_experiment(self._experiment_name, place, _EXPERIMENT_TAGS)
            else:
                if found.lifecycle_stage == "deleted":
                    self._client.restore_experiment(found.experiment_id)
                for key in _EXPERIMENT_TAGS.keys() - found.tags.keys():
                    self._client.set_experiment_tag(found.experiment_id, key, _EXPERIMENT_TAGS[key])
                experiment = found.experiment_id
            if not experiment:
                raise ValueError(_NOT_OURS)
            self._experiment = experiment
        return self._experiment
