"""The background thread that tells a store what waits in an journal: in order, again and again until it is taken."""

from __future__ import annotations

import errno
import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from crescendo.platform.tracking.journal import Journal
from crescendo.platform.tracking.mlflow_store import STUDY, Forgotten, MlflowStore, NotBegun, Refused
from crescendo.platform.tracking.records import Record
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.folders import lies_in

_POSITIONS = "sent.json"
_LONGEST_PAUSE, _SAVE_EVERY, _GATHER = 30.0, 1.0, 0.5  # seconds
_TOGETHER = 256  # records
_Waiting = tuple[int, Record]  # where in the journal it begins, and what it says


@dataclass(frozen=True)
class Backlog:
    """Records that still wait, records the store refused for good (kept in `refused.jsonl`), the last error if any.

    `sent` are those that this process told, the refused ones among them.
    """

    waiting: int
    refused: int
    error: str | None
    sent: int = field(default=0, compare=False)


class Sender:
    """Tells `runs` the records of `journal` from where the last process got to.

    The position is kept under `destination`, each store its own, and saved once a second: what a crash makes it tell
    twice changes nothing. Metrics of one run that wait together are told together. Files and folders named in
    records are below `root`; any other is refused. `worked` is called when the store took or refused the first record.

    A run whose `start` was lost is begun from a later one, or without its name, tags and parameters.
    """

    def __init__(
        self, journal: Journal, runs: MlflowStore, destination: str, root: Path, *, worked: Callable[[], None]
    ) -> None:
        self._journal, self._runs, self._destination, self._root = journal, runs, destination, root
        sent = journal.load(_POSITIONS).get(destination, 0)
        self._sent = sent if isinstance(sent, int) and journal.begins(sent) else 0
        self._saved, self._saved_at = self._sent, time.monotonic()
        self._batch: list[list[_Waiting]] = []  # what is being told, the next last
        self._batch_end = self._sent
        self._recorded = self._told = self._told_here = self._refused = self._failures = self._begun_anew = 0
        self._starts: dict[str, Record] = {}
        self._error: str | None = None
        self._worked: Callable[[], None] | None = worked
        self._wake, self._closing, self._stopped = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)

    def start(self) -> None:
        """Begin to send, if that has not begun; every record of the journal must have been counted by then."""
        if self._thread.ident is None:
            self._thread.start()

    def count(self, after: int) -> None:
        """Take note of a record that ends at offset `after`."""
        self._recorded += 1
        if after <= self._sent:
            self._told += 1
        self._wake.set()

    def backlog(self) -> Backlog:
        """What has not been told yet."""
        return Backlog(self._recorded - self._told, self._refused, self._error, self._told_here)

    def close(self, patience: float) -> Backlog:
        """Send for `patience` more seconds at most, or until the store has failed twice; return what still waits."""
        self.start()
        if not self._closing.is_set():
            self._failures = 0
        self._closing.set()
        self._wake.set()
        self._thread.join(patience)
        self._stopped.set()
        return self.backlog()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                self._send_all()
                self._begun_anew = 0
                if self._closing.is_set() and self._sent == self._journal.end:
                    return
                if not self._closing.is_set():
                    self._wake.wait()
                    # What follows soon after goes along.
                    self._closing.wait(_GATHER)
            except Forgotten as error:
                self._sent = self._told = self._told_here = self._refused = 0
                self._batch.clear()
                self._begun_anew += 1
                if self._begun_anew == 1:
                    continue
                # A store that forgets what it was just told: not at once again.
                self._error, self._failures = self._runs.hidden(_one_line(error)), self._begun_anew
                if self._closing.is_set() and self._failures > 2:
                    return
                self._pause()
            except Exception as error:  # noqa: BLE001 - nothing that a server or a network does may end the study
                self._error, self._failures = self._runs.hidden(_one_line(error)), self._failures + 1
                if self._closing.is_set() and self._failures > 1:
                    return
                self._pause()

    def _send_all(self) -> None:
        self._journal.sync()
        try:
            while self._batch or self._take():
                while self._batch:
                    if self._stopped.is_set():
                        return
                    asked = "identity" in self._batch[-1][0][1]  # no store is asked for a record of no run
                    self._tell([record for _, record in self._batch[-1]])
                    told = len(self._batch.pop())
                    self._told, self._told_here = self._told + told, self._told_here + told
                    self._error, self._failures = None, 0
                    if self._worked is not None and asked:
                        self._worked()
                        self._worked = None
                    self._sent = self._batch[-1][0][0] if self._batch else self._batch_end
                if time.monotonic() - self._saved_at > _SAVE_EVERY:
                    self._save()
        finally:
            if not self._stopped.is_set():
                self._save()

    def _take(self) -> bool:
        """Take the next records of the journal; return whether there were any."""
        taken = list(islice(self._journal.read(self._sent), _TOGETHER))
        ends = [self._sent, *(after for _, after in taken)]
        self._batch = together((begin, record) for begin, (record, _) in zip(ends, taken, strict=False))[::-1]
        self._batch_end = ends[-1]
        return bool(taken)

    def _tell(self, records: list[Record]) -> None:
        try:
            if (kind := records[0]["kind"]) in ("file", "folder"):
                records = [{**records[0], kind: str(_sendable(self._root, records[0][kind]))}]
            self._tell_begun(records)
        except Refused as refusal:
            if len(records) > 1:
                for record in records:
                    self._tell([record])
                return
            self._refused += 1
            kept = {"store": self._destination, "reason": self._runs.hidden(str(refusal)), "record": records[0]}
            with (self._journal.folder / "refused.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept) + "\n")

    def _tell_begun(self, records: list[Record]) -> None:
        """Tell `records`; the run, or the study, is begun before where the store does not know it."""
        for _ in range(3):
            try:
                self._runs.tell(records)
                return
            except NotBegun as unknown:
                self._runs.tell([self._start_of(str(unknown), records[0])])
            except Forgotten:
                if not self._begun_anew and self._sent > 0:
                    raise  # most likely it was emptied: all of it is to be told again
                self._runs.tell([self._start_of(STUDY, records[0])])
        self._runs.tell(records)

    def _start_of(self, identity: str, record: Record) -> Record:
        """Return the record that begins the run `identity`, or one in its place that says no more than `record` does."""
        if identity not in self._starts:
            found = (record for record, _ in self._journal.read() if record["kind"] == "start")
            self._starts = {start["identity"]: start for start in found}
        unnamed = {"kind": "start", "identity": identity, "name": identity, "tags": {}, "params": {}}
        return self._starts.get(identity) or {**unnamed, "time": record["time"]}

    def _pause(self) -> None:
        """Wait longer after each failure; new records are no reason to ask a failing server sooner, closing is."""
        seconds = min(_LONGEST_PAUSE, 0.25 * 2 ** min(self._failures, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
        self._stopped.wait(min(seconds, 0.5)) if self._closing.is_set() else self._closing.wait(seconds)

    def _save(self) -> None:
        if self._saved != self._sent:
            self._journal.save(_POSITIONS, self._journal.load(_POSITIONS) | {self._destination: self._sent})
            self._saved = self._sent
        self._saved_at = time.monotonic()


def together(waiting: Iterable[_Waiting]) -> list[list[_Waiting]]:
    """Return records in order, the metrics of one run side by side where nothing else of that run lies between."""
    groups: list[list[_Waiting]] = []
    metrics: dict[str, list[_Waiting]] = {}
    for begin, record in waiting:
        identity = record.get("identity", "")
        if record["kind"] == "metrics" and identity in metrics:
            metrics[identity].append((begin, record))
            continue
        groups.append([(begin, record)])
        if record["kind"] == "metrics":
            metrics[identity] = groups[-1]
        else:
            metrics.pop(identity, None)
    return groups


def _sendable(root: Path, name: str) -> Path:
    """Return the file or folder `name` below `root`; `Refused` if it, or what is in it, lies outside or is no plain file."""
    path = root / name
    try:
        below = path.rglob("*") if path.is_dir() else ()
        for one in (path, *below):
            if not lies_in(one, root):
                raise Refused(f"{one}: lies outside {root}, from which nothing is sent")
            if one.exists() and not (one.is_file() or one.is_dir()):
                raise Refused(f"{one}: is neither a file nor a folder")
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise Refused(f"{name:.80}...: has a name too long for any file") from None
    return path


def _one_line(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return first[:300] if isinstance(error, InputError) else f"{type(error).__name__}: {first}"[:300]
