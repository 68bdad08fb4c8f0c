"""A small study told to a tracker, and what a store knows of one."""

from typing import Any

from mlflow import MlflowClient
from mlflow.entities import ViewType

from crescendo.platform.tracking.mlflow_store import STUDY
from crescendo.platform.tracking.tracker import Tracker


def runs(uri: str, experiment: str = "quick") -> dict[str, Any]:
    """Trial identity -> run; fails where a trial has two."""
    client = MlflowClient(uri)
    [found] = [one for one in client.search_experiments() if one.name == experiment]
    listed = client.search_runs([found.experiment_id], run_view_type=ViewType.ACTIVE_ONLY)
    by_identity = {run.data.tags["crescendo.trial"]: run for run in listed}
    assert len(by_identity) == len(listed), "a trial has two runs"
    return by_identity


def history(uri: str, experiment: str = "quick") -> dict[tuple[str, str], list[tuple[int, int, float]]]:
    client = MlflowClient(uri)
    return {
        (identity, key): [
            (one.step, one.timestamp, one.value) for one in client.get_metric_history(run.info.run_id, key)
        ]
        for identity, run in runs(uri, experiment).items()
        for key in run.data.metrics
    }


def small_study(tracker: Tracker, trials: int = 2, steps: int = 3) -> None:
    tracker.start_study("quick", {"crescendo.git.dirty": "false"}, {"search": {"trials": trials}})
    for number in range(trials):
        tracker.start_trial(f"t{number}", f"trial {number}", {"crescendo.arm": "none"}, {"lambda_r": number / 2})
        for step in range(steps):
            tracker.report(f"t{number}", {"validation/mAP/mean": number + step / 10, "loss": 1.0 / (step + 1)}, step)
        tracker.finish(f"t{number}")
    tracker.finish(STUDY)
