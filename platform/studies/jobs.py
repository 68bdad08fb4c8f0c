"""What the trials of a study run."""

from __future__ import annotations

from pathlib import Path

from crescendo.platform.studies.decode_search import DecodeSearch
from crescendo.platform.studies.ledger import TrialRecord
from crescendo.search_spaces.arms import arm_named
from crescendo.search_spaces.study import Study
from crescendo.trainables.training.trial import Job


def job_of(study: Study, entry: TrialRecord, *, dataset: str, folder: Path) -> Job:
    """Return what a trial of `study` runs, on the data set at the address `dataset`, in its own `folder`."""
    resources = study.resources
    settings = {**entry.settings, "threads": resources.cpus}
    if not resources.gpus and settings.get("device", "auto") == "auto":
        settings["device"] = "cpu"
    decode = DecodeSearch(arm_named(study, entry.arm).decode, study.search.seed)
    return Job(
        identity=entry.identity,
        phase=entry.phase,
        dataset=dataset,
        settings=settings,
        folder=str(folder),
        metric=study.objective.metric,
        decode=decode if entry.phase == "search" else None,
        plugin_folder=str(Path.cwd()),
    )
