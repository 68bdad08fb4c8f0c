"""What an arm searched and what came of it: trials, the best setting, and which setting mattered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from crescendo.reports.analysis.arm_summary import SearchSummary, TrialSummary
from crescendo.reports.source.runs import STATES, ArmRuns, TrialRun
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.study import Study
from crescendo.trainables.losses.joint import variant_names
from crescendo.trainables.losses.variants import CROSS_ENTROPY

FEWEST_TRIALS = 10


def search_summary(study: Study, runs: ArmRuns) -> SearchSummary:
    """Return what the search phase of an arm came to."""
    best = runs.best
    chosen = {} if best is None else best_setting(runs, best)
    return SearchSummary(
        planned=study.search.trials,
        counts={state: sum(run.state == state for run in runs.search) for state in STATES},
        best=None if best is None else best.number,
        best_objective=None if best is None else best.objective,
        chosen=chosen,
        lambda_r=None if best is None else _lambda_r(best),
        merge_gap=chosen.get("merge_gap"),
        reset=chosen.get("reset"),
        importances=importances(runs),
        trials=tuple(_trial_summary(runs, run) for run in runs.search),
        gap_curve=runs.gap_curve,
    )


def best_setting(runs: ArmRuns, best: TrialRun) -> dict[str, Any]:
    """Return the searched settings of the best trial, and the merge gap and reset chosen on its scores."""
    chosen = proposed(runs, best)
    chosen["merge_gap"] = best.settings.get("merge_gap") if best.merge_gap is None else best.merge_gap
    if runs.confirmed:
        chosen["reset"] = runs.confirmed[0].settings.get("reset")
    elif len(runs.arm.decode.reset) == 1:
        chosen["reset"] = runs.arm.decode.reset[0]
    return {key: value for key, value in chosen.items() if value is not None}


def proposed(runs: ArmRuns, run: TrialRun) -> dict[str, Any]:
    """Return the settings of a trial that were searched, by name."""
    space = runs.arm.space
    return {key: run.settings[key] for key in sorted(space) if key in run.settings and space[key].applies(run.settings)}


def combinations_tried(runs: ArmRuns) -> int:
    """Return how many combinations of reset and merge gap were tried on the scores of each finished search trial."""
    decode = runs.arm.decode
    gaps = 1 if decode.merge_gap is None else int(min(decode.merge_gap.size, decode.trials))
    return gaps * max(1, len(decode.reset))


def importances(runs: ArmRuns) -> dict[str, float] | None:
    """Return the share of the objective's variance that each searched setting explains (Hutter et al., fANOVA, 2014)."""
    rows = [
        (proposed(runs, run), run.objective)
        for run in runs.search
        if run.state == "finished" and run.objective is not None and math.isfinite(run.objective)
    ]
    shared = set.intersection(*(set(values) for values, _ in rows)) if rows else set()
    varied = sorted(key for key in shared if len({str(values[key]) for values, _ in rows}) > 1)
    if len(rows) < FEWEST_TRIALS or len(varied) < 2:
        return None
    # A second's import, which a study that searched nothing has no need of.
    import optuna
    from optuna.importance import FanovaImportanceEvaluator

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spaces = {key: _distribution(runs.arm.space[key], [values[key] for values, _ in rows]) for key in varied}
    rebuilt = optuna.create_study(direction="maximize")
    rebuilt.add_trials(
        [
            optuna.create_trial(params={key: values[key] for key in varied}, distributions=spaces, value=value)
            for values, value in rows
        ]
    )
    shares = optuna.importance.get_param_importances(rebuilt, evaluator=FanovaImportanceEvaluator(seed=0))
    return {key: float(share) for key, share in shares.items()}


def _lambda_r(run: TrialRun) -> float | dict[str, float] | None:
    """Return the weight of the added loss, of several by variant; None where nothing is added."""
    names = variant_names(str(run.settings.get("variant", CROSS_ENTROPY)))
    if names == (CROSS_ENTROPY,):
        return None
    weights = {name: run.settings.get(f"lambda_r.{name}", run.settings.get("lambda_r")) for name in names}
    return weights if len(names) > 1 else weights[names[0]]


def _trial_summary(runs: ArmRuns, run: TrialRun) -> TrialSummary:
    objective = run.objective if run.objective is not None and math.isfinite(run.objective) else None
    return TrialSummary(run.number, run.state, objective, proposed(runs, run), run.merge_gap, run.seconds, run.reason)


def _distribution(space: Range | Choices, values: Sequence[Any]) -> Any:
    # Optuna takes half a second to import, and few reports ask for importances.
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if isinstance(space, Choices) or not numeric:
        return CategoricalDistribution(sorted(set(values), key=str))
    return FloatDistribution(min([space.low, *values]), max([space.high, *values]), log=space.log)
