"""A study's runs in MLflow, written by the driver through an journal: no server can stop a study or make it lose a run."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from crescendo.platform.tracking.journal import Journal
from crescendo.platform.tracking.mlflow_store import STUDY, MlflowStore
from crescendo.platform.tracking.records import Record, is_identity
from crescendo.platform.tracking.sender import Backlog, Sender
from crescendo.reports.source.store_address import (
    ARTIFACT_FOLDER,
    REMEMBERED,
    absolute_address,
    check_address,
    check_writable,
    local_store,
)
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.addresses import shown_address

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Tracker:
    """Writes one study to MLflow; every call returns at once, and a background thread tells the server in order.

    Parameters
    ----------
    output : the study's folder; the journal lies in `tracking/` below it.
    experiment : name of the MLflow experiment. None: the one that the journal was begun with (there must be one).
    later : begin to tell only with `send`, or at the end: MLflow takes seconds to import, and whoever starts may be in a hurry.
    uri : an MLflow tracking URI. None: `sqlite:///<output>/mlflow.db`, artifacts in `<output>/mlartifacts`.

    Every call may be repeated: after a crash the driver says again what it is not sure to have said.

    Raises
    ------
    InputError
        If the URI is none that MLflow takes, another process writes the same study, or the journal is another study's.
    """

    def __init__(self, output: Path, experiment: str | None, uri: str | None = None, *, later: bool = False) -> None:
        self._output = output.absolute()
        uri = None if uri is None else absolute_address(uri)
        self.destination, key = destination(self._output, uri)
        self._journal = Journal(self._output / "tracking")
        new = self._journal.end == 0
        try:
            self._study, experiment = self._begin(experiment)
        except BaseException:
            self._journal.close()
            raise
        self._open: set[str] = set()
        self._begun: set[str] = set()
        self._damaged_before = 0
        self._steps: dict[str, int] = {}
        self._said: set[tuple[str, str]] = set()
        self._tagged: dict[str, dict[str, str]] = {}
        artifacts = self._output / ARTIFACT_FOLDER if uri is None else None
        runs = MlflowStore(uri or self.destination, self._study, experiment, artifacts, unknown=new)
        address = {"uri": None if uri is None else self.destination, "whole": uri in (None, self.destination)}
        self._delivery = Sender(
            self._journal,
            runs,
            key,
            self._output,
            worked=lambda: self._journal.save(REMEMBERED, {**address, "worked": True}),
        )
        for record, after in self._journal.read():
            self._note(record, after)
        before = self._journal.load(REMEMBERED)
        if not (before and before.get("worked", True)):  # one that worked stays until the new one has
            self._journal.save(REMEMBERED, {**address, "worked": False})
        if not later:
            self.send()

    def send(self) -> None:
        """Begin to tell, if that has not begun."""
        self._delivery.start()

    def start_study(self, name: str, tags: Mapping[str, object], params: Mapping[str, object]) -> None:
        """Open the parent run, or open it again."""
        self._start(STUDY, name, {**tags, "crescendo.phase": "study"}, params)

    def start_trial(self, identity: str, name: str, tags: Mapping[str, object], params: Mapping[str, object]) -> None:
        """Open the run of trial `identity` below the parent, or open it again."""
        self._start(identity, name, tags, params)

    def report(self, identity: str, metrics: Mapping[str, float], step: int, timestamp: float | None = None) -> None:
        """Tell metrics of one training step, at `timestamp` (seconds since 1970; default: now).

        A step not above the highest one told before is dropped: a trial that goes on from a checkpoint repeats some.
        """
        if step > self._steps.get(identity, -1):
            self._metrics(identity, "report", [(key, step, value) for key, value in metrics.items()], timestamp)

    def rows(self, identity: str, rows: Iterable[tuple[str, int, float]]) -> None:
        """Tell whole curves as points (name, step, value); a name that was told before is dropped."""
        self._metrics(identity, "rows", [row for row in rows if (identity, _name(row[0])) not in self._said])

    def artifacts(self, identity: str, folder: Path, place: str = "") -> None:
        """Upload what lies in `folder`, under `place` in the run's artifacts; it must be, and stay, below the study's."""
        path = self._below(folder)
        self._append({"kind": "folder", "identity": identity, "folder": path, "place": place, "time": _now()})

    def artifact(self, identity: str, file: Path) -> None:
        """Upload `file`, which must be below the study's folder, as it is when it is sent."""
        self._append({"kind": "file", "identity": identity, "file": self._below(file), "time": _now()})

    def finish(self, identity: str, status: Status = "FINISHED", reason: str | None = None, **tags: object) -> None:
        """Close a run (`STUDY`: the parent); `reason` says why it did not finish, `tags` are `crescendo.NAME`."""
        said = _tags({**tags, "reason": reason})
        self._append({"kind": "finish", "identity": identity, "status": status, "tags": said, "time": _now()})

    def tag(self, identity: str, tags: Mapping[str, object]) -> None:
        """Add `crescendo.NAME` for each of `tags` that is not empty, unless the run has them."""
        said = _tags(tags)
        if not said.items() <= self._tagged.get(identity, {}).items():
            self._append({"kind": "tags", "identity": identity, "tags": said, "time": _now()})

    def tagged(self, identity: str, name: str) -> bool:
        """Whether `tag` told `crescendo.NAME` of the run since it was opened."""
        return f"crescendo.{name}" in self._tagged.get(identity, {})

    def open_trials(self) -> frozenset[str]:
        """Trials started and not finished, by what was ever said here; of a study begun again, those cut short."""
        return frozenset(self._open - {STUDY})

    def open_study(self) -> bool:
        """Whether the parent run was opened and not closed, by what was ever said here."""
        return STUDY in self._open

    def begun(self, identity: str) -> bool:
        """Whether the journal has the record that begins the run `identity`."""
        return identity in self._begun

    @property
    def damaged(self) -> int:
        """How many records of the journal were found damaged since `caught_up`."""
        return len(self._journal.damaged) - self._damaged_before

    def caught_up(self) -> None:
        """Note that what damaged records may have said has been told again."""
        self._append({"kind": "caught up"})

    def backlog(self) -> Backlog:
        """What the store has not been told yet."""
        return self._delivery.backlog()

    def close(self, patience: float = 30.0) -> Backlog:
        """Tell what can be told within `patience` seconds, giving up sooner on a store that fails; return the rest."""
        backlog = self._delivery.close(patience)
        self._journal.close()
        return backlog

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, experiment: str | None) -> tuple[str, str]:
        """Return the study's identity in the store and its experiment, from the journal or into it.

        Where the journal's first record was damaged, every run says whose it is, and the study's own bears the
        experiment's name.
        """
        study = name = None
        for record, _ in self._journal.read():
            if record["kind"] == "study":
                self._same(experiment, record["experiment"])
                return record["study"], record["experiment"]
            if record["kind"] == "start":
                study = study or record["tags"].get("crescendo.study")
                name = record["name"] if record["identity"] == STUDY else name
        if self._journal.end == 0:
            study, name = uuid.uuid4().hex, experiment
            if name is None:
                raise InputError(f"{self._output}: no study was tracked here; name the output folder of a sweep")
        else:
            name = self._same(experiment, name)
            if study is None or name is None or not is_identity(study):
                raise InputError(
                    f"{self._journal.folder / 'journal.jsonl'}: does not say whose records it holds; restore it from a "
                    "copy or choose another output folder"
                )
        self._journal.append({"kind": "study", "experiment": name, "study": study})
        return study, name

    def _same(self, experiment: str | None, begun: str | None) -> str | None:
        """Return the experiment's name, as it is wanted and as it was begun; None where neither is known."""
        if experiment is not None and begun is not None and experiment != begun:
            raise InputError(
                f"{self._output}: holds the study {begun!r}, not {experiment!r}; choose another output folder"
            )
        return begun if begun is not None else experiment

    def _start(self, identity: str, name: str, tags: Mapping[str, object], params: Mapping[str, object]) -> None:
        ours = {"crescendo.study": self._study, "crescendo.trial": identity}
        self._append(
            {
                "kind": "start",
                "identity": identity,
                "name": name,
                "tags": {_name(key): _text(value)[:8000] for key, value in {**tags, **ours}.items()},
                "params": {_name(key): _text(value)[:6000] for key, value in flat(params).items()},
                "time": _now(),
            }
        )

    def _below(self, path: Path) -> str:
        return str(path.absolute().relative_to(self._output))

    def _metrics(
        self, identity: str, source: str, rows: list[tuple[str, int, float]], timestamp: float | None = None
    ) -> None:
        if rows:
            metrics = [(_name(name), float(value), int(step)) for name, step, value in rows]
            moment = _now() if timestamp is None else int(timestamp * 1000)
            self._append(
                {"kind": "metrics", "identity": identity, "source": source, "metrics": metrics, "time": moment}
            )

    def _append(self, record: Record) -> None:
        self._journal.append(record)
        self._note(record, self._journal.end)

    def _note(self, record: Record, after: int) -> None:
        """Remember of one record what later calls need."""
        match record["kind"]:
            case "start":
                self._open.add(record["identity"])
                self._begun.add(record["identity"])
                self._tagged.pop(record["identity"], None)
            case "tags":
                self._tagged[record["identity"]] = {**self._tagged.get(record["identity"], {}), **record["tags"]}
            case "caught up":
                self._damaged_before = len(self._journal.damaged)
            case "finish":
                self._open.discard(record["identity"])
            case "metrics" if record["source"] == "report":
                step = record["metrics"][0][2]
                self._steps[record["identity"]] = max(step, self._steps.get(record["identity"], -1))
            case "metrics" if record["source"] == "rows":
                self._said |= {(record["identity"], name) for name, _, _ in record["metrics"]}
        self._delivery.count(after)


def _tags(tags: Mapping[str, object]) -> dict[str, str]:
    return {_name(f"crescendo.{name}"): _text(value)[:8000] for name, value in tags.items() if value}


def flat(params: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested parameters as one level, keys joined by dots."""
    joined: dict[str, object] = {}
    for key, value in params.items():
        joined |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return joined


def destination(output: Path, uri: str | None) -> tuple[str, str]:
    """Return the address of the store as it is shown, and the name under which its position is kept.

    Raises
    ------
    InputError
        If `uri` is none that MLflow takes here or a file that cannot be written, or, without one, a store cannot lie in
        `output`.
    """
    if uri is None:
        return local_store(output), "local"  # by this name, so that the folder may be moved
    check_address(uri)
    check_writable(uri)
    return shown_address(uri), shown_address(uri)


def _name(name: str) -> str:
    """Return `name` in the letters that MLflow takes."""
    return "/".join(part for part in re.sub(r"[^\w.\- :/]", "_", name).split("/") if part.strip("."))[:250]


def _text(value: object) -> str:
    """Return `value` as text that any store can hold."""
    if not isinstance(value, str):
        return "none" if value is None else json.dumps(value, default=str)
    # A path may hold bytes that are no text.
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _now() -> int:
    return int(time.time() * 1000)
