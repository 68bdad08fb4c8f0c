"""A study's runs, read from MLflow: finished or not, from the store beside the study or from a server."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crescendo.reports.extent import extent_text
from crescendo.reports.source.artifacts import EXPECTED, FILES, RunArtifacts, read_artifacts
from crescendo.reports.source.chosen import chosen_trial
from crescendo.reports.source.recorded_study import recorded_study
from crescendo.reports.source.records import (
    expected_end,
    moments,
    provenance_of,
    state_of,
    tags_of,
    trial_run,
    unfinished,
)
from crescendo.reports.source.run_files import RunFiles
from crescendo.reports.source.runs import ArmRuns, StudyRuns, TrialRun, is_running, named, same_setting
from crescendo.reports.source.store import StoreReader
from crescendo.reports.source.store_address import check_store, store_of
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.record import LOCK_FILE
from crescendo.search_spaces.replicates import Replicate, replicates_of
from crescendo.search_spaces.study import Study
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.metric_keys import GAP_CURVE, OBJECTIVE
from crescendo.trainables.plurals import agreeing, counted
from crescendo.trainables.storage.addresses import shown_address
from crescendo.trainables.storage.locks import is_held
from crescendo.trainables.storage.reading import check_plain, expecting

_PAGE = 1000
_JOURNAL = Path("tracking", "journal.jsonl")
_JOURNAL_REMEDY = "`crescendo sync` may mend it; else restore it from a copy"


def read_study_runs(source: str | Path, tracking_uri: str | None = None) -> StudyRuns:
    """Read a study and its runs from MLflow.

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
    reader, experiment, study = _opened(source, tracking_uri)
    return reader.study(experiment, study)


@dataclass(frozen=True)
class StudyState:
    """How a study stands: `status` and `works` as in `StudyRuns`; `runs` changes as runs begin and end."""

    status: str
    works: bool | None
    runs: frozenset[Any]

    @property
    def running(self) -> bool:
        """Whether more may come of it without being started again."""
        return is_running(self.status, works=self.works)


def read_study_state(source: str | Path, tracking_uri: str | None = None) -> StudyState:
    """Return how a study stands, without what its runs left; arguments and errors are those of `read_study_runs`."""
    reader, experiment, study = _opened(source, tracking_uri)
    return reader.state(experiment, study)


def _opened(source: str | Path, tracking_uri: str | None) -> tuple[_Reader, str, str | None]:
    folder = Path(source) if Path(source).is_dir() else None
    experiment, study = _journal(folder) if folder else (str(source), None)
    uri = tracking_uri or (store_of(folder) if folder else os.environ.get("MLFLOW_TRACKING_URI"))
    if uri is None:
        raise InputError(
            f"{source}: no such folder; name a study's output folder, or its experiment with --tracking-uri"
        )
    check_store(uri, source)
    return _Reader(uri, folder, str(source)), experiment, study


@dataclass
class _Remarks:
    """What a report says of the runs besides their numbers: `missing` and `notes` of `StudyRuns`.

    `complete`: whether each arm's lacking seeds are among what is missing.
    """

    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True

    def of_arm(
        self, name: str, phases: Mapping[str, Sequence[TrialRun]], confirmed: Sequence[TrialRun], seeds: Sequence[int]
    ) -> None:
        """Remark on failed trials, seeds that are lacking, and confirmations that count no more."""
        for phase, runs in phases.items():
            failed = [run for run in runs if run.state == "failed"]
            if failed:
                reason = f": {failed[-1].reason}" if failed[-1].reason else ""
                self.notes.append(
                    f"Arm {name}: {len(failed)} of {counted(len(runs), 'trial')} of the {phase} phase failed{reason}."
                )
        lacking = [seed for seed in seeds if seed not in {run.seed for run in confirmed}]
        if lacking and self.complete:
            there = len(seeds) - len(lacking)
            self.missing.append(
                f"Arm {name}: {there} of {counted(len(seeds), 'seed')} {agreeing(there, 'is', 'are')} confirmed; lacking: "
                f"{', '.join(map(str, lacking))}."
            )
        superseded = sum(run.state == "finished" for run in phases["confirm"]) - len(confirmed)
        if superseded:
            self.notes.append(
                f"Arm {name}: {counted(superseded, 'finished confirmation is', 'finished confirmations are')} of a setting that "
                f"is no longer its best, and {agreeing(superseded, 'is', 'are')} left out."
            )


class _Reader:
    """Reads one study from the store `uri`; `folder` is the study's own, where it is known."""

    def __init__(self, uri: str, folder: Path | None, source: str) -> None:
        self._client, self._store, self._folder = StoreReader(uri, source), shown_address(uri), folder
        self._files = RunFiles(self._client, folder)
        self._remarks = _Remarks()

    def study(self, experiment: str, identity: str | None) -> StudyRuns:
        """Return the study `identity` of an experiment; None: the one begun last."""
        parent, children = self._runs(experiment, identity)
        record = recorded_study(parent, self._files, self._folder)
        study = record.done
        if record.extent is not None:
            self._remarks.notes.append(
                f"The study was planned for its budget: {extent_text(record.study, record.extent)}."
            )
        (status, reason), works = state_of(parent), self._works()
        # What it still lacks is then said as its progress.
        self._remarks.complete = not is_running(status, works=works)
        trials = [(trial_run(child), child) for child in children]
        trials.sort(key=lambda pair: (pair[1].info.start_time, pair[0].number))
        # In the order of work, should the record of the study not name them.
        folds = tuple(record.folds) or tuple(
            dict.fromkeys(one.replicate.fold for one, _ in trials if one.replicate.fold is not None)
        )
        arms = tuple(
            self._arm(arm, [pair for pair in trials if (pair[0].arm, pair[0].replicate) == (arm.name, one)], one, study)
            for arm in arms_of(study)
            for one in replicates_of(study, folds)
        )
        if status != "finished":
            self._remarks.missing.insert(0, unfinished(status, reason, works=works))
        tags = tags_of(parent)
        return StudyRuns(
            name=experiment,
            study=study,
            store=self._store,
            status=status,
            reason=reason,
            dataset=tags.get("dataset", ""),
            dataset_hash=tags.get("dataset_hash", ""),
            provenance=provenance_of([parent, *children]),
            arms=arms,
            missing=tuple(self._remarks.missing),
            notes=tuple(self._remarks.notes),
            folds=folds,
            added_late=record.added_late,
            data_notes=record.data_notes,
            works=works,
            seen=None if status == "finished" else self._seen(parent, children),
            expected_end=expected_end(tags) if is_running(status, works=works) else None,
        )

    def state(self, experiment: str, identity: str | None) -> StudyState:
        """Return how a study stands, and how each of its runs does."""
        works = self._works()  # first: what a sweep tells as it ends is then there
        parent, children = self._runs(experiment, identity)
        runs = frozenset((run.info.run_id, run.info.status, run.info.end_time) for run in [parent, *children])
        return StudyState(state_of(parent)[0], works, runs)

    def _works(self) -> bool | None:
        return None if self._folder is None else is_held(self._folder / LOCK_FILE)

    def _seen(self, parent: Any, children: Sequence[Any]) -> float | None:
        """Return when the study gave its last sign of life, in seconds since 1970."""
        known = moments([parent, *children])
        for run in children:
            if run.info.status == "RUNNING":
                known += [
                    one.timestamp / 1000 for one in self._client.get_metric_history(run.info.run_id, str(OBJECTIVE))
                ]
        if self._folder is not None:
            with suppress(OSError):
                known.append((self._folder / _JOURNAL).stat().st_mtime)
        return max(known, default=None)

    def _runs(self, experiment: str, identity: str | None) -> tuple[Any, list[Any]]:
        """Return the study's own run and those of its trials."""
        known = self._client.get_experiment_by_name(experiment)
        if known is None:
            raise InputError(f"{self._store}: holds no experiment {experiment!r}; check the study's name")
        of_study = f" and tags.`crescendo.study` = '{identity}'" if identity else ""
        found = self._search(known.experiment_id, f"tags.`crescendo.phase` = 'study'{of_study}")
        parents = [run for run in found if "crescendo.study" in run.data.tags]
        if not parents:
            raise InputError(f"{self._store}: experiment {experiment!r} holds no run of a study; was it deleted?")
        parent = max(parents, key=lambda run: run.info.start_time)
        if len(parents) > 1:
            self._remarks.notes.append(
                f"The experiment {experiment} holds {len(parents)} studies; this is the one begun last. "
                "Name a study's output folder to choose another."
            )
        own = f"tags.`crescendo.study` = '{parent.data.tags['crescendo.study']}'"
        children = [run for run in self._search(known.experiment_id, own) if run.info.run_id != parent.info.run_id]
        return parent, children

    def _search(self, experiment: str, query: str) -> Iterator[Any]:
        token, asked = None, set[str]()
        while True:
            page = self._client.search_runs([experiment], query, max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return
            if token in asked:
                raise InputError(f"{self._store}: answers with the same runs again and again; is it an MLflow server?")
            asked.add(token)

    def _arm(self, arm: Arm, trials: Sequence[tuple[TrialRun, Any]], replicate: Replicate, study: Study) -> ArmRuns:
        raw = {trial.id: run for trial, run in trials}
        search, finalists, confirm = (
            tuple(sorted((trial for trial, _ in trials if trial.phase == phase), key=lambda trial: trial.number))
            for phase in ("search", "finalist", "confirm")
        )
        best = chosen_trial(search, finalists, study, replicate)
        right = [trial for trial in confirm if best is not None and same_setting(best, trial)]
        # Of the same training twice the later one counts.
        finished = {trial.seed: trial for trial in right if trial.state == "finished" and trial.seed is not None}
        confirmed = tuple(finished[seed] for seed in sorted(finished))
        # Of a study that runs until it is decided, an arm has more than the first seeds only where it needs them.
        planned, first = replicate.confirm_seeds(study), study.confirm.looks[0]
        begun = {trial.seed for trial in right}
        name, seeds = named(arm.name, replicate), [*planned[:first], *(one for one in planned[first:] if one in begun)]
        self._remarks.of_arm(name, {"search": search, "finalist": finalists, "confirm": confirm}, confirmed, seeds)
        artifacts = {int(trial.seed or 0): self._artifacts(raw[trial.id], trial) for trial in confirmed}
        curve: tuple[tuple[int, float], ...] = ()
        if best is not None and str(GAP_CURVE) in best.metrics:
            history = self._client.get_metric_history(best.id, str(GAP_CURVE))
            curve = tuple(sorted((int(point.step), float(point.value)) for point in history))
        number = None if best is None else best.number
        return ArmRuns(arm, search, confirm, confirmed, artifacts, curve, replicate, finalists, number)

    def _artifacts(self, run: Any, trial: TrialRun) -> RunArtifacts:
        with tempfile.TemporaryDirectory(prefix="crescendo-") as scratch:
            folder = self._files.folder(run, FILES, Path(scratch))
            artifacts, faults = read_artifacts(folder)
            absent = [name for name in EXPECTED if not (folder / name).is_file()]
        where = f"Arm {named(trial.arm, trial.replicate)}, seed {trial.seed}"
        if absent:
            self._remarks.missing.append(f"{where}: the run's artifacts lack {', '.join(absent)}.")
        self._remarks.missing += [f"{where}: {fault}." for fault in faults]
        return artifacts


def _journal(folder: Path) -> tuple[str, str]:
    """Return experiment and identity of the study in `folder`, from its journal: the first line, if it is not damaged."""
    file = folder / _JOURNAL
    if not file.exists():
        raise InputError(f"{folder}: no study was tracked here; name the output folder of a sweep")
    check_plain(file)
    with expecting("a study's journal", file, _JOURNAL_REMEDY), file.open("rb") as lines:
        for line in lines:
            with suppress(ValueError, RecursionError):
                record = json.loads(line)
                if isinstance(record, dict) and record.get("kind") == "study":
                    return str(record["experiment"]), str(record["study"])
        raise ValueError("it does not say whose it is")
