"""What an arm searched and what it found: trials, the best setting, and which setting mattered."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from crescendo.reports.analysis.report_model import SearchContent, TrialPoint
from crescendo.reports.source.runs import STATES, ArmRuns, Run, StudyRuns
from crescendo.trainables.losses.variants import without_ranking
from crescendo.trainables.models.registry import MODELS

FEWEST_TRIALS = 10


def search_content(study: StudyRuns, arm: ArmRuns) -> SearchContent:
    """Return what the search phase of `arm` came to."""
    best = arm.best
    chosen = {} if best is None else best_setting(study, arm, best)
    trials = study.settings.get("search", {}).get("trials")
    return SearchContent(
        planned=trials if isinstance(trials, int) else None,
        counts={state: sum(run.state == state for run in arm.search) for state in STATES},
        best=None if best is None else best.number,
        best_objective=None if best is None else best.objective,
        chosen=chosen,
        lambda_r=best.settings.get("lambda_r") if best is not None and _ranks(best) else None,
        merge_gap=chosen.get("merge_gap"),
        reset=chosen.get("reset"),
        importances=_importances(study, arm),
        trials=tuple(_point(study, arm, run) for run in arm.search),
        gap_curve=arm.gap_curve,
    )


def _ranks(run: Run) -> bool:
    return run.settings.get("variant") not in without_ranking()


def best_setting(study: StudyRuns, arm: ArmRuns, best: Run) -> dict[str, Any]:
    """Return the searched settings of the best trial, and the merge gap and reset chosen on its scores."""
    found = proposed(study, arm, best)
    gap = _merge_gap(best)
    found["merge_gap"] = best.settings.get("merge_gap") if gap is None else gap
    if arm.confirmed:
        found["reset"] = arm.confirmed[0].settings.get("reset")
    elif len(tried := _resets(study, arm)) == 1:
        found["reset"] = tried[0]
    return {key: value for key, value in found.items() if value is not None}


def ablated(study: StudyRuns, arm: ArmRuns) -> dict[str, Any]:
    """Return what sets an arm apart, from the study's `ablate` and the arm's name."""
    settings: Mapping[str, Any] = next((run.settings for run in (*arm.search, *arm.confirm)), {})
    blocks = study.settings.get("ablate")
    for block in blocks if isinstance(blocks, list) else []:
        grid = block.get("grid")
        if grid is None:
            if block.get("name") == arm.name:
                return dict(block.get("settings", {}))
            continue
        pattern = ",".join(f"{re.escape(key)}=(.*)" for key in sorted(grid))
        if (match := re.fullmatch(pattern, arm.name)) is not None:
            return {key: settings.get(key, text) for key, text in zip(sorted(grid), match.groups(), strict=True)}
    return {}


def proposed(study: StudyRuns, arm: ArmRuns, run: Run) -> dict[str, Any]:
    """Return the settings of a trial that were searched: neither ablated nor ruled out by a condition."""
    fixed = ablated(study, arm)
    return {
        key: run.settings[key]
        for key, space in _space(study).items()
        if key in run.settings and key not in fixed and _applies(space, run.settings)
    }


def combinations_tried(study: StudyRuns, arm: ArmRuns) -> int:
    """Return how many combinations of reset and merge gap were tried on the scores of each finished search trial."""
    decode = study.settings.get("decode", {})
    gaps = 1
    if "merge_gap" not in ablated(study, arm) and isinstance(space := decode.get("merge_gap"), Mapping):
        limit = decode.get("trials", 100)
        gaps = min(_size(space), limit if isinstance(limit, int) else 100)
    return gaps * max(1, len(_resets(study, arm)))


def _resets(study: StudyRuns, arm: ArmRuns) -> Sequence[str]:
    settings: Mapping[str, Any] = next((run.settings for run in arm.search), {})
    fixed = ablated(study, arm)
    if "reset" in fixed:
        return [fixed["reset"]]
    tried = study.settings.get("decode", {}).get("reset")
    model = MODELS.get(settings.get("model", ""))
    if (model is not None and not model.remembers) or not isinstance(tried, list):
        return [settings["reset"]] if "reset" in settings else []
    return tried


def _size(space: Mapping[str, Any]) -> int:
    if isinstance(space.get("choices"), list):
        return len(space["choices"])
    step = space.get("step")
    width = space.get("high", 0) - space.get("low", 0)
    return int(width // (step if isinstance(step, int | float) and step > 0 else 1)) + 1


def _space(study: StudyRuns) -> Mapping[str, Mapping[str, Any]]:
    space = study.settings.get("search", {}).get("space", {})
    return {key: one for key, one in space.items() if isinstance(one, Mapping)} if isinstance(space, Mapping) else {}


def _applies(space: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    conditions = space.get("when", {})
    return not isinstance(conditions, Mapping) or all(
        settings.get(key) in (value if isinstance(value, list) else [value]) for key, value in conditions.items()
    )


def _merge_gap(run: Run) -> int | None:
    gap = run.metrics.get("chosen/merge_gap")
    return None if gap is None else int(gap)


def _point(study: StudyRuns, arm: ArmRuns, run: Run) -> TrialPoint:
    objective = run.objective if run.objective is not None and math.isfinite(run.objective) else None
    return TrialPoint(
        run.number, run.state, objective, proposed(study, arm, run), _merge_gap(run), run.seconds, run.reason
    )


def _importances(study: StudyRuns, arm: ArmRuns) -> dict[str, float] | None:
    """Return the share of the objective's variance that each searched setting explains (Hutter et al., fANOVA, 2014)."""
    rows = [
        (proposed(study, arm, run), run.objective)
        for run in arm.search
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
    spaces = {key: _distribution(_space(study)[key], [values[key] for values, _ in rows]) for key in varied}
    rebuilt = optuna.create_study(direction="maximize")
    rebuilt.add_trials(
        [
            optuna.create_trial(params={key: values[key] for key in varied}, distributions=spaces, value=value)
            for values, value in rows
        ]
    )
    found = optuna.importance.get_param_importances(rebuilt, evaluator=FanovaImportanceEvaluator(seed=0))
    return {key: float(share) for key, share in found.items()}


def _distribution(space: Mapping[str, Any], values: Sequence[Any]) -> Any:
    # As above.
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if isinstance(space.get("choices"), list) or not numeric:
        return CategoricalDistribution(sorted(set(values), key=str))
    low, high = min([space["low"], *values]), max([space["high"], *values])
    return FloatDistribution(low, high, log=space.get("log") is True)
