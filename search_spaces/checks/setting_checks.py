"""Rules between a study and the training settings: which there are, which values they may have, and which go together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crescendo.search_spaces.arms import Arm
from crescendo.search_spaces.checks.resolution import ELSEWHERE, IN_ABLATE, IN_SPACE, Resolve, ablated_values
from crescendo.search_spaces.checks.schema_errors import suggestion
from crescendo.search_spaces.problems import Path, Problem
from crescendo.search_spaces.schema.parts import is_real
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.study import Study

_CORNERS = 4096


def wrong_values(study: Study, resolve: Resolve) -> Iterator[Problem]:
    """Find settings that do not exist, and values that a setting cannot have, whatever the others are."""
    known = [key for key in resolve({}).known if key not in ELSEWHERE]
    parted = resolve({}).parted

    def wrong(path: Path, key: str, values: Sequence[Any]) -> Iterator[Problem]:
        whole = key.partition(".")[0]
        if key not in known and whole not in parted:
            yield Problem(path, "no such setting" + suggestion(key, known))
            return
        for value in values:
            for name, rule in resolve({key: value}).errors:
                if name == whole:
                    yield Problem(path, rule)

    for path, key, value in ablated_values(study):
        if key not in IN_ABLATE:
            yield from wrong(path, key, [value])
    for key, one in study.search.space.items():
        real = isinstance(one, Range) and is_real(study.base, key)
        extremes = (one.floating() if real and isinstance(one, Range) else one).extremes()
        if key not in IN_SPACE:
            yield from wrong(("search", "space", key), key, extremes)
        for other, values in one.when.items():
            if other in known or other.partition(".")[0] in parted:
                yield from wrong(("search", "space", key, "when", other), other, values)
    if study.decode.merge_gap is not None:
        yield from wrong(("decode", "merge_gap"), "merge_gap", study.decode.merge_gap.extremes())
    if study.decode.reset is not None:
        yield from wrong(("decode", "reset"), "reset", study.decode.reset)
    if isinstance(study.baseline, dict):
        for key, value in study.baseline.items():
            yield from wrong(("baseline", key), key, [value])


def wrong_together(study: Study, arms: Sequence[tuple[Arm, Path]], resolve: Resolve) -> Iterator[Problem]:
    """Find what arms cannot be measured, reset or trained with, each setting by itself being one that exists."""
    yield from _measured(study, resolve)
    yield from _together(arms, resolve)
    yield from _one_data_set(arms, resolve)
    yield from _resets(study, arms, resolve)


def _one_data_set(arms: Sequence[tuple[Arm, Path]], resolve: Resolve) -> Iterator[Problem]:
    """Find an arm that learns from features where others learn from pixels: no data set holds both."""
    pixels = {arm.settings["model"]: resolve(arm.settings).pixels for arm, _ in arms}
    others = [(arm, path) for arm, path in arms if not pixels[arm.settings["model"]]]
    if 0 < len(others) < len(arms):
        arm, path = others[0]
        model = next(model for model, its in pixels.items() if its)
        rule = (
            f"model {model} learns from pixels and {arm.settings['model']} from features (arm {arm.name}); no data set"
        )
        yield Problem(path, f"{rule} holds both: make a study of each", (("trainable",),))


def _resets(study: Study, arms: Sequence[tuple[Arm, Path]], resolve: Resolve) -> Iterator[Problem]:
    """Find resets that the model of an arm does not have although other models do."""
    for arm, path in arms:
        model, settled = arm.settings["model"], arm.settings.get("reset")
        for reset in dict.fromkeys((*arm.decode.reset, settled)):
            rules = [rule for key, rule in resolve({"model": model, "reset": reset}).errors if key == "reset"]
            if not rules or resolve({"reset": reset}).errors:
                continue
            place: Path = ("base", "reset")
            remedy = f"(arm {arm.name}; an arm may set a reset of its own)"
            if "reset" in arm.ablated:
                place, remedy = (*path, "settings", "grid", "reset"), f"(arm {arm.name})"
            elif study.decode.reset is not None:
                place = ("decode", "reset", study.decode.reset.index(reset))
            yield Problem(place, f"{rules[0]} {remedy}", (("trainable",),))


def _measured(study: Study, resolve: Resolve) -> Iterator[Problem]:
    """Find an objective that is not measured, and early stopping that would never stop a trial."""
    metric, measured = study.objective.metric, resolve(study.base).metrics
    if metric not in measured:
        rule = f"must be one of {', '.join(measured)} (the thresholds are those of base.iou) but got {metric!r}"
        yield Problem(("objective", "metric"), rule, (("base", "iou"),))
    if study.early_stopping is not None:
        grace = study.early_stopping.asha.grace
        iterations: Any = study.base["iterations"]
        if grace >= iterations:
            rule = f"must be below base.iterations ({iterations}) but got {grace}: no trial would ever be stopped"
            yield Problem(("early_stopping", "asha", "grace"), rule, (("base", "iterations"),))


def _together(arms: Sequence[tuple[Arm, Path]], resolve: Resolve) -> Iterator[Problem]:
    """Find rules between several settings that are broken at a corner of an arm's space."""
    for arm, path in arms:
        said: set[str] = set()
        for corner in _corners(arm.space):
            for key, rule in resolve({**arm.settings, **corner}).errors:
                if not key and rule not in said:
                    said.add(rule)
                    searched = sorted(name for name in corner if name in rule)
                    place: Path = ("search", "space", searched[0]) if searched else path
                    yield Problem(place, f"{rule} (arm {arm.name})", (("base",),))


def _corners(space: Mapping[str, Range | Choices]) -> Iterator[dict[str, Any]]:
    """Yield every combination of extreme values; if there are too many, those in which one setting changes at a time."""
    extremes = {key: one.extremes() for key, one in space.items()}
    if math.prod(len(values) for values in extremes.values()) <= _CORNERS:
        for values in itertools.product(*extremes.values()):
            yield dict(zip(extremes, values, strict=True))
        return
    first = {key: values[0] for key, values in extremes.items()}
    for key, values in extremes.items():
        for value in values:
            yield {**first, key: value}
