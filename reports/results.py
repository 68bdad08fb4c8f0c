"""A finished study as pandas tables, for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.comparisons import RESAMPLES
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.source.runs import ArmRuns
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.trainables.evaluation.metric_keys import MetricKey


@dataclass(frozen=True)
class Results:
    """What a study found; every AP and mAP is a fraction of 1.

    Attributes
    ----------
    trials : DataFrame
        One row a trial of the search phase: `arm`, `fold` (None without folds), `repeat`, `number`, `state`, `objective`
        (on the validation split), `seconds`, `reason` (why it did not finish), `merge_gap` and the proposed settings, a
        column each.
    runs : DataFrame
        One row a confirmed run: `arm`, `fold`, `repeat`, `seed`, `seconds`, `run_id` (in MLflow), and each metric of the
        test split under its name in MLflow without `test/`: `mAP/iou_0.50`, `mAP/mean`, `frame_mAP`, `segmental/edit` ...
    differences : DataFrame
        One row an arm and measure: the arm's test mAP minus the baseline's, as the report has it: `arm`, `baseline`,
        `question` (`detection`, or `early`: at `observed_fraction`), `measure`, `value`, `low`, `high` (95 % interval,
        simultaneous over the arms), `p`, `p_adjusted`, `verdict` (`better`, `worse`, `equivalent` or `undecided`; None where
        the study does not ask about it) and what else `reports.analysis.estimates.Difference` says.
    missing : tuple of str
        What the study lacks, a sentence each.
    """

    trials: pd.DataFrame
    runs: pd.DataFrame
    differences: pd.DataFrame
    missing: tuple[str, ...]


def read_results(
    source: str | Path, tracking_uri: str | None = None, *, resamples: int = RESAMPLES, allow_plugin: bool = False
) -> Results:
    """Return the trials, runs and differences of a study, finished or not.

    Parameters
    ----------
    source
        A study's output folder, or its experiment's name.
    tracking_uri
        Where the runs are. None: where the folder's sweep sent them; for a name, `MLFLOW_TRACKING_URI`.
    resamples
        Bootstrap resamples behind the intervals of `differences`.
    allow_plugin
        Whether a matching rule that does not come with Crescendo may be imported, where the study names one: importing
        it runs it.

    Raises
    ------
    InputError
        If there is no such study, its store cannot be reached, or its matching rule is not allowed or cannot be imported.
    """
    study = read_study_runs(source, tracking_uri)
    model = summarise([study], resamples=resamples, allow_plugin=allow_plugin)
    differences = [row for arm in model.arms for row in _differences(arm, model.baseline, model.early_fraction)]
    return Results(
        trials=pd.DataFrame([row for arm in model.arms for row in _trials(arm)]),
        runs=pd.DataFrame([row for arm in study.arms for row in _confirmed(arm, model.scored)]),
        differences=pd.DataFrame(differences),
        missing=model.missing,
    )


def _trials(arm: ArmSummary) -> Iterator[dict[str, Any]]:
    for replicate in arm.replicates:
        for trial in replicate.search.trials:
            row = asdict(trial)
            place = {"fold": replicate.fold, "repeat": replicate.repeat}
            yield {"arm": arm.name, **place, **{key: row[key] for key in row if key != "proposed"}, **trial.proposed}


def _confirmed(arm: ArmRuns, scored: str) -> Iterator[dict[str, Any]]:
    for run in arm.confirmed:
        keys = {_key(name): value for name, value in run.metrics.items()}
        tested = {
            str(key.on(None)): value for key, value in keys.items() if key and key.split == scored and not key.of_curve
        }
        place = {"fold": arm.replicate.fold, "repeat": arm.replicate.repeat}
        yield {"arm": arm.name, **place, "seed": run.seed, "seconds": run.seconds, "run_id": run.id, **tested}


def _key(name: str) -> MetricKey | None:
    """Return the key of a metric; None of one that somebody else added to the run."""
    try:
        return MetricKey.read(name)
    except ValueError:
        return None


def _differences(arm: ArmSummary, baseline: str, fraction: str | None) -> Iterator[dict[str, Any]]:
    asked = (("detection", None, arm.difference), ("early", fraction, arm.early_difference))
    for question, observed, measures in asked:
        for difference in measures.values():
            yield {
                "arm": arm.name,
                "baseline": baseline,
                "question": question,
                "observed_fraction": observed,
                **asdict(difference),
                "verdict": None if difference.verdict is None else difference.verdict.answer,
            }
