"""The training settings under a study: its base configuration, completed, and which settings have a place of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crescendo.search_spaces.arms import DECODE
from crescendo.search_spaces.problems import Path, Problem
from crescendo.search_spaces.study import ModelReset, Study


@dataclass(frozen=True)
class Resolved:
    """Training settings, completed and checked.

    Attributes
    ----------
    settings
        Every setting with its value; empty if there are errors.
    errors
        Pairs of a key and the rule that it breaks; an empty key stands for a rule between several settings.
    known
        The names of all settings.
    without_effect
        Setting -> the cases in which it has no effect, each a mapping of other settings to their values.
    metrics
        The objectives that can be measured with these settings.
    pixels
        Whether the model learns from pictures instead of features.
    parted
        The settings that may have a value for each of several names: `KEY.NAME` is then a setting, too.
    """

    settings: Mapping[str, Any]
    errors: Sequence[tuple[str, str]]
    known: Sequence[str]
    without_effect: Mapping[str, Sequence[Mapping[str, Any]]]
    metrics: Sequence[str] = ()
    pixels: bool = False
    parted: Sequence[str] = ()


Resolve = Callable[[Mapping[str, Any]], Resolved]
"""Completes and checks training settings; a key `config` names a configuration, which the other settings override."""

ELSEWHERE = {
    "seed": "the search phase's is search.seed, the confirm phase's are confirm.seeds",
    "threads": "a trial has as many as resources.cpus",
}
IN_FRAMES = {"merge_gap_seconds": "a study gives the merge gap in frames, as decode.merge_gap"}
IN_BASE = {**ELSEWHERE, **IN_FRAMES, "model": "write it as trainable"}
MEASURE = "every arm must be measured alike; set it under base"
IN_ABLATE = {
    **ELSEWHERE,
    **IN_FRAMES,
    **dict.fromkeys(("protocol", "iou", "fractions", "evaluate_every"), MEASURE),
    "device": "set it under base",
}
IN_SPACE = {
    **IN_ABLATE,
    **dict.fromkeys(DECODE, "it needs no training; search it under decode"),
    "model": "make arms of it under ablate",
}


def complete(study: Study, resolve: Resolve | None) -> tuple[Study, list[Problem]]:
    """Return the study with its base configuration completed, and the problems of that configuration."""
    problems = [Problem(("base", key), f"cannot be set here: {IN_BASE[key]}") for key in study.base if key in IN_BASE]
    if resolve is None:
        return study, problems
    base = {key: value for key, value in study.base.items() if key not in IN_BASE}
    model = {} if study.trainable is None else {"model": study.trainable}
    resolved = resolve({**base, **model})
    while resolved.errors:  # go on with the sound part, so that errors elsewhere show too
        problems += [Problem(_base_entry(key), rule) for key, rule in resolved.errors]
        wrong = {key for key, _ in resolved.errors}
        sound = {} if "" in wrong else {key: value for key, value in base.items() if key not in wrong}
        if "model" in wrong:
            model = {}
        elif sound == base:  # it is the named configuration that is wrong
            sound = {}
        base = sound
        resolved = resolve({**base, **model})
    if resolved.settings.get("merge_gap_seconds") is not None and study.decode.merge_gap is None:
        problems.append(
            Problem(("decode", "merge_gap"), "must be given, in frames: the base configuration's is in seconds")
        )
    settings = {key: value for key, value in resolved.settings.items() if key not in IN_BASE}
    config = {"config": base["config"]} if "config" in base else {}
    trainable = study.trainable or resolve({}).settings["model"]
    study = study.model_copy(update={"trainable": trainable, "base": {**config, **settings}})
    return study.with_model_resets(_model_resets(study, base, resolve)), problems


def _base_entry(key: str) -> Path:
    """Return where a study sets what `Resolved.errors` calls `key`."""
    return ("trainable",) if key == "model" else ("base", key) if key else ("base",)


def _model_resets(study: Study, base: Mapping[str, Any], resolve: Resolve) -> dict[str, ModelReset]:
    """Return the `ModelReset` of each model of `study` whose default is not the base's `reset`, or that needs none."""
    models = [study.trainable, *(value for _, key, value in ablated_values(study) if key == "model")]
    resets = {}
    for model in dict.fromkeys(models):
        resolved = resolve({**base, "model": model})
        if resolved.errors:
            continue
        matters = {"model": model} not in resolved.without_effect.get("reset", ())
        one = ModelReset(resolved.settings["reset"], matters)
        if not matters or one.default != study.base["reset"]:
            resets[str(model)] = one
    return resets


def ablated_values(study: Study) -> Iterator[tuple[Path, str, Any]]:
    """Yield every value that `ablate` sets: its place in the study, its key, the value."""
    for number, block in enumerate(study.ablate):
        for key, values in (block.grid or {}).items():
            for index, value in enumerate(values):
                yield ("ablate", number, "grid", key, index), key, value
        for key, value in block.settings.items():
            yield ("ablate", number, "settings", key), key, value
