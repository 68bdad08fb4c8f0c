"""Which search trial's setting an arm was confirmed with, where finalists were trained again before it was chosen."""

from __future__ import annotations

import json
from collections.abc import Sequence

from crescendo.reports.source.runs import TrialRun, best_trial, same_setting
from crescendo.search_spaces.finalists import chosen, finalists
from crescendo.search_spaces.replicates import Replicate
from crescendo.search_spaces.study import Study


def chosen_trial(
    search: tuple[TrialRun, ...], again: Sequence[TrialRun], study: Study, replicate: Replicate
) -> TrialRun | None:
    """Return the trial of an arm's `search` whose setting was chosen, None if none finished.

    `again` are the trainings of its finalists. The rule is that of the study itself (`search_spaces.finalists`).
    """
    if study.search.finalists == 1 or not again:
        return best_trial(search)
    own = {run.number: run.objective for run in search if run.state == "finished" and run.objective is not None}
    trials = {run.number: run for run in search}
    searched = {number: _searched(trials[number]) for number in own}
    numbers = finalists(own, searched, study.search.finalists)
    seeds = replicate.finalist_seeds(study)
    fresh = {
        number: [
            run.objective
            for run in again
            if run.state == "finished"
            and run.objective is not None
            and run.seed in seeds
            and same_setting(trials[number], run)
        ]
        for number in numbers
    }
    best = chosen({number: own[number] for number in numbers}, fresh, study.search.finalist_seeds)
    return None if best is None else trials[best]


def _searched(run: TrialRun) -> str:
    return json.dumps({key: value for key, value in run.settings.items() if key != "seed"}, sort_keys=True, default=str)
