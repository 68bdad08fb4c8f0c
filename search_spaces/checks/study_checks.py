"""What the schema cannot say: rules between the parts of a study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crescendo.search_spaces.arms import DECODE, Arm, Combination, arms_of, baselines_of, combinations_of
from crescendo.search_spaces.checks.resolution import IN_ABLATE, IN_SPACE, Resolve, ablated_values
from crescendo.search_spaces.checks.schema_errors import suggestion
from crescendo.search_spaces.checks.seeds import seed_problems
from crescendo.search_spaces.checks.setting_checks import wrong_together, wrong_values
from crescendo.search_spaces.problems import Path, Problem
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.schema.values import same
from crescendo.search_spaces.study import Study

Idle = Mapping[str, Mapping[str, Any]]
"""Settings without effect in an arm: setting -> the other settings, with their values, that make it so."""


def check(study: Study, resolve: Resolve | None = None) -> list[Problem]:
    """Return every problem between the parts of `study`, whose base is complete where `resolve` is given."""
    combinations = list(combinations_of(study.ablate))
    arms = [(one, combination.path) for one, combination in zip(arms_of(study), combinations, strict=True)]
    idle = {arm.name: _idle(arm, resolve) for arm, _ in arms}
    single = [
        *_places(study),
        *_conditions(study),
        *_starts(study),
        *seed_problems(study),
        *_data(study),
        *_budget(study),
    ]
    single += _names(combinations)
    joint = [
        *_decode(study),
        *_baseline(study),
        *_spaces(study, arms, idle),
        *_different(arms, idle),
    ]
    if resolve is not None:
        single += wrong_values(study, resolve)
        joint += wrong_together(study, arms, resolve)
    return single + [one for one in joint if not one.echoes(single)]


def _places(study: Study) -> Iterator[Problem]:
    """Find settings that belong in another part of the study."""
    for path, key, _ in ablated_values(study):
        if key in IN_ABLATE:
            yield Problem(path, f"cannot be ablated: {IN_ABLATE[key]}")
    for key in study.search.space:
        if key in IN_SPACE:
            yield Problem(("search", "space", key), f"cannot be searched here: {IN_SPACE[key]}")


def _conditions(study: Study) -> Iterator[Problem]:
    """Find conditions on a setting that no arm, base or space has, and conditions that go round in a circle."""
    space = study.search.space
    there = {*space, *study.base, "model", *(key for _, key, _ in ablated_values(study))} - {"config"}
    for key, one in space.items():
        for other in one.when:
            path: Path = ("search", "space", key, "when", other)
            if other not in there:
                yield Problem(path, "no arm, base or space has this setting" + suggestion(other, sorted(there)))
        if _reaches(space, key, key):
            yield Problem(("search", "space", key, "when"), f"goes round in a circle: {key} depends on itself")


def _reaches(space: Mapping[str, Range | Choices], start: str, goal: str) -> bool:
    seen: set[str] = set()
    ahead = list(space[start].when)
    while ahead:
        key = ahead.pop()
        if key == goal:
            return True
        if key in space and key not in seen:
            seen.add(key)
            ahead += space[key].when
    return False


def _starts(study: Study) -> Iterator[Problem]:
    """Find start values of settings that are not searched, or outside their space."""
    spaces: dict[str, Any] = {**study.search.space}
    if study.decode.merge_gap is not None:
        spaces["merge_gap"] = study.decode.merge_gap
    if study.decode.reset is not None:
        spaces["reset"] = Choices(choices=study.decode.reset)
    for number, start in enumerate(study.search.start):
        if not start:
            yield Problem(("search", "start", number), "must name at least one setting but is empty")
        for key, value in start.items():
            place: Path = ("decode", key) if key in DECODE else ("search", "space", key)
            where = ".".join(str(step) for step in place)
            path: Path = ("search", "start", number, key)
            if key not in spaces:
                yield Problem(path, f"is not searched; give it a space as {where}, or leave it out here", (place,))
            elif value not in spaces[key]:
                yield Problem(path, f"must lie in {where} ({spaces[key]}) but got {value!r}", (place,))


def _decode(study: Study) -> Iterator[Problem]:
    gaps = study.decode.merge_gap
    if gaps is None:
        return
    if gaps.when:
        yield Problem(("decode", "merge_gap", "when"), "a merge gap has no conditions; let an arm set it")
    if isinstance(gaps, Range) and not gaps.integer:
        yield Problem(("decode", "merge_gap"), f"must be whole numbers of frames but got {gaps}")


def _data(study: Study) -> Iterator[Problem]:
    """Find a data set beside folds that are data sets themselves."""
    if isinstance(study.folds, tuple) and study.dataset != study.folds[0]:
        yield Problem(("dataset",), "must be left out where folds lists the data sets", (("folds",),))


def _budget(study: Study) -> Iterator[Problem]:
    """Find a budget of GPUs that no trial uses, and one for a study that decides itself how many seeds it takes."""
    if study.budget is None:
        return
    if study.budget.gpu_hours is not None and not study.resources.gpus:
        rule = "must be left out where trials use no GPU (resources.gpus is 0): give hours instead"
        yield Problem(("budget", "gpu_hours"), rule, (("resources", "gpus"),))
    if study.confirm.until is not None:
        rule = "cannot stand beside confirm.until, which decides how many seeds are trained; leave one of them out"
        yield Problem(("budget",), rule, (("confirm", "until"),))


def _names(combinations: Sequence[Combination]) -> Iterator[Problem]:
    seen: set[str] = set()
    for one in combinations:
        if one.name in seen:
            yield Problem(one.path, f"every arm must have a name of its own but {one.name!r} stands twice")
        seen.add(one.name)


def _baseline(study: Study) -> Iterator[Problem]:
    found = [arm.name for arm in baselines_of(study)]
    if len(found) != 1:
        names = ", ".join(arm.name for arm in arms_of(study))
        fits = f"fits {len(found)} ({', '.join(found)})" if found else f"fits none of {names}"
        yield Problem(("baseline",), f"must fit one arm but {study.baseline!r} {fits}", (("ablate",), ("trainable",)))


def _spaces(study: Study, arms: Sequence[tuple[Arm, Path]], idle: Mapping[str, Idle]) -> Iterator[Problem]:
    """Find spaces that no arm searches, that have no effect in an arm, or that a grid cannot list because they are infinite."""
    for key, one in study.search.space.items():
        path: Path = ("search", "space", key)
        if not any(key in arm.space for arm, _ in arms) and not _reaches(study.search.space, key, key):
            rule = "no arm searches it: every arm sets it, or its condition never holds; leave it out"
            yield Problem(path, rule, (("ablate",), *(("search", "space", other) for other in one.when)))
        if study.search.sampler == "grid" and one.size == math.inf:
            yield Problem(
                path, f"must have a step, or choices, for the sampler grid but is {one}", (("search", "sampler"),)
            )
        names = [arm.name for arm, _ in arms if key in arm.space and key in idle[arm.name]]
        if names:
            case = idle[names[0]][key]
            where = " and ".join(f"{other} is {value}" for other, value in case.items())
            rule = f"has no effect in {', '.join(names)}, where {where}; say when: {{{next(iter(case))}: [...]}}"
            yield Problem(path, rule, (("ablate",), *(("base", other) for other in case)))


def _idle(arm: Arm, resolve: Resolve | None) -> Idle:
    """Return each setting that has no effect in `arm`, with the settings of `arm` that make it so."""
    cases = {} if resolve is None else resolve(arm.settings).without_effect
    settled = {key: value for key, value in arm.settings.items() if key not in arm.space}
    idle: dict[str, Mapping[str, Any]] = {}
    for key, its_cases in cases.items():
        for case in its_cases:
            if all(other in settled and same(settled[other], value) for other, value in case.items()):
                idle.setdefault(key, case)
    return idle


def _different(arms: Sequence[tuple[Arm, Path]], idle: Mapping[str, Idle]) -> Iterator[Problem]:
    """Find arms that train and decode exactly as another one does."""
    seen: dict[str, str] = {}
    for arm, path in arms:
        settings = {
            key: value for key, value in arm.settings.items() if key not in DECODE and key not in idle[arm.name]
        }
        resets = () if "reset" in idle[arm.name] else arm.decode.reset
        gaps = arm.decode.merge_gap
        what = repr((sorted(settings.items(), key=lambda item: item[0]), arm.space, gaps, resets))
        if what in seen and seen[what] != arm.name:
            rule = f"arms must differ but {arm.name} and {seen[what]} come to the same training and decoding"
            yield Problem(path, rule, (("base",),))
        seen.setdefault(what, arm.name)
