"""What the trials of a study run."""

from __future__ import annotations

from pathlib import Path

from crescendo.platform.studies.decode_search import DecodeSearch
from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.workspace import Workspace
from crescendo.search_spaces.arms import arm_named
from crescendo.search_spaces.study import Study
from crescendo.trainables.training.job import Job


def job_of(study: Study, entry: TrialRecord, place: Workspace) -> Job:
    """Return what a trial of `study` runs: in its own folder of `place`, on its data set."""
    resources = study.resources
    settings = {**entry.settings, "threads": resources.cpus}
    if not resources.gpus and settings.get("device", "auto") == "auto":
        settings["device"] = "cpu"
    decode = DecodeSearch(arm_named(study, entry.arm).decode, entry.replicate.search_seed(study))
    recordings = place.recordings(entry.replicate)
    return Job(
        identity=entry.identity,
        phase=entry.phase,
        dataset=recordings.dataset,
        dataset_hash=recordings.dataset_hash,
        dataset_states=recordings.dataset_states,
        division=recordings.division,
        settings=settings,
        folder=str(place.trial(entry.identity)),
        metric=study.objective.metric,
        decode=decode if entry.phase == "search" else None,
        plugin_folder=str(Path.cwd()),
    )
