"""Arms: the combinations that `ablate` asks for, each with its settings and the space left to search."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crescendo.search_spaces.problems import Path
from crescendo.search_spaces.schema.parts import is_part, is_real
from crescendo.search_spaces.schema.phases import Block
from crescendo.search_spaces.schema.spaces import Choices, Range, combinations
from crescendo.search_spaces.schema.values import Scalar, plain, same
from crescendo.search_spaces.study import Study

DECODE = ("merge_gap", "reset")
SINGLE = "base"


@dataclass(frozen=True)
class ArmDecode:
    """What is searched on the stored scores of an arm's trials.

    Attributes
    ----------
    merge_gap : Range or Choices or None
        Merge gaps to try; `merge_gap.size` says how many. None only where the base configuration was not read.
    reset : tuple of str
        Resets to try, one forward pass each. Empty only where the base configuration was not read.
    trials : int
        Merge gaps tried for each reset; a space of no more gaps than that is tried whole.
    start : tuple of mappings
        `merge_gap` and/or `reset` to try first, in this order.
    """

    merge_gap: Range | Choices | None
    reset: tuple[str, ...]
    trials: int
    start: tuple[Mapping[str, Scalar], ...]


@dataclass(frozen=True)
class Arm:
    """One combination of what is ablated.

    Attributes
    ----------
    name : str
        `variant=score`, or the name the file gives; it does not depend on the order of the file.
    ablated : mapping
        The settings that distinguish this arm.
    settings : mapping
        Settings of a training of this arm: the base, overridden by what is ablated, the model, and the decode values
        tried first. A trial adds its proposals, `seed` and `threads`.
    space : mapping
        Setting -> what may be proposed. Propose in this order, in which a parameter comes after those that its
        conditions name, and only where `space[key].applies(values proposed so far)`.
    start : tuple of mappings
        Proposals to try first, in this order; parameters that a mapping does not name are left to the sampler.
    trials : int
        Trials of the search phase: the study's, or fewer where the space holds fewer settings.
    decode : ArmDecode
    """

    name: str
    ablated: Mapping[str, Scalar]
    settings: Mapping[str, Any]
    space: Mapping[str, Range | Choices]
    start: tuple[Mapping[str, Scalar], ...]
    trials: int
    decode: ArmDecode

    @property
    def sample(self) -> dict[str, Any]:
        """Settings that some training of this arm may have: a part of a setting that is searched has no default."""
        return {**self.settings, **{key: one.extremes()[0] for key, one in self.space.items() if "." in key}}


@dataclass(frozen=True)
class Combination:
    """One arm before its space is known: its name, what it sets, and the entry of `ablate` it comes from."""

    name: str
    ablated: Mapping[str, Scalar]
    path: Path


def combinations_of(ablate: tuple[Block, ...]) -> Iterator[Combination]:
    """Yield every arm that `ablate` asks for, in the order of the file; a single one if it asks for none."""
    if not ablate:
        yield Combination(SINGLE, {}, ())
    for number, block in enumerate(ablate):
        if block.grid is None:
            yield Combination(str(block.name), block.settings, ("ablate", number))
            continue
        for values in itertools.product(*block.grid.values()):
            settings = dict(zip(block.grid, values, strict=True))
            name = ",".join(f"{key}={plain(settings[key])}" for key in sorted(settings))
            yield Combination(name, settings, ("ablate", number))


def arms_of(study: Study) -> tuple[Arm, ...]:
    """Return the arms of `study`, in the order of the file; names are stable and unique."""
    return tuple(_arm(study, combination) for combination in combinations_of(study.ablate))


def arm_named(study: Study, name: str) -> Arm:
    """Return the arm of `study` called `name`; `KeyError` if there is none."""
    return {one.name: one for one in arms_of(study)}[name]


def baselines_of(study: Study) -> tuple[Arm, ...]:
    """Return the arms that `baseline` fits; a study that was checked has exactly one."""
    arms = arms_of(study)
    if study.baseline is None:
        return arms[:1]
    if isinstance(study.baseline, str):
        return tuple(one for one in arms if one.name == study.baseline)
    wanted = study.baseline
    return tuple(
        one
        for one in arms
        if all(key in one.settings and same(one.settings[key], value) for key, value in wanted.items())
    )


def baseline_of(study: Study) -> Arm:
    """Return the arm that the others are compared with."""
    return baselines_of(study)[0]


def _laid_over(settings: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with `others` over them: `lambda_r` takes the place of `lambda_r.score`, too."""
    return {**{key: value for key, value in settings.items() if not is_part(key, others)}, **others}


def _arm(study: Study, combination: Combination) -> Arm:
    """Return the arm of `study` that `combination` stands for."""
    base = {key: value for key, value in study.base.items() if key != "config"}
    ablated = {
        key: float(value) if is_real(base, key) and type(value) is int else value
        for key, value in combination.ablated.items()
    }
    settings = _laid_over(base, {"model": study.trainable, **ablated})
    model_reset = study.model_resets.get(str(settings["model"]))
    if model_reset is not None and "reset" not in ablated:
        settings["reset"] = model_reset.default
    space = _space(study.search.space, settings, ablated)
    decode = _decode(study, settings, ablated)
    first = {**({"reset": decode.reset[0]} if decode.reset else {}), **_first_gap(decode, settings)}
    for start in decode.start[:1]:
        first.update(start)
    settings = {
        key: value for key, value in {**settings, **first}.items() if key not in space and not is_part(key, space)
    }
    return Arm(
        name=combination.name,
        ablated=ablated,
        settings=settings,
        space=space,
        start=_start(study, space),
        trials=combinations(space, study.search.trials),
        decode=decode,
    )


def _space(
    space: Mapping[str, Range | Choices], settings: Mapping[str, Any], ablated: Mapping[str, Scalar]
) -> dict[str, Range | Choices]:
    """Return what is left of `space` for one arm: conditions on fixed settings are resolved, the others stay."""
    left = {key: one for key, one in space.items() if key not in ablated}
    searched = _possible(left, settings)
    result: dict[str, Range | Choices] = {}
    while len(result) < len(searched):
        ready = [
            key
            for key in searched
            if key not in result and all(one in result for one in left[key].when if one in searched)
        ]
        if not ready:  # a circle of conditions, which the checks of the study name: nothing of it can be proposed
            break
        for key in ready:
            when = {
                other: tuple(map(result[other].written, values))
                for other, values in left[key].when.items()
                if other in result
            }
            one = left[key].model_copy(update={"when": when})
            real = isinstance(one, Range) and is_real(settings, key)
            result[key] = one.floating() if isinstance(one, Range) and real else one
    return result


def _possible(space: Mapping[str, Range | Choices], settings: Mapping[str, Any]) -> list[str]:
    """Return the parameters that some proposal may hold: a condition on a settled setting, or on a parameter that is
    never proposed, is decided here.
    """
    possible = list(space)
    while True:
        settled = {key: value for key, value in settings.items() if key not in possible}
        kept = [key for key in possible if _may_apply(space[key], possible, settled)]
        if kept == possible:
            return possible
        possible = kept


def _may_apply(one: Range | Choices, possible: list[str], settled: Mapping[str, Any]) -> bool:
    fixed = {key: values for key, values in one.when.items() if key not in possible}
    return one.model_copy(update={"when": fixed}).applies(settled)


def _decode(study: Study, settings: Mapping[str, Any], ablated: Mapping[str, Scalar]) -> ArmDecode:
    gap: Range | Choices | None = study.decode.merge_gap
    resets: tuple[Any, ...] = study.decode.reset or ()
    if "merge_gap" in ablated or gap is None:
        gap = Choices(choices=(settings["merge_gap"],)) if "merge_gap" in settings else None
    if "reset" in ablated or not resets:
        resets = (settings["reset"],) if "reset" in settings else ()
    model_reset = study.model_resets.get(settings["model"])
    if model_reset is not None and not model_reset.matters:  # every reset gives the same scores
        resets = resets[:1]
    start: list[Mapping[str, Scalar]] = []
    for one in study.search.start:
        first = {
            key: gap.written(value) if key == "merge_gap" and gap is not None else value
            for key, value in one.items()
            if (key == "merge_gap" and gap is not None and value in gap) or (key == "reset" and value in resets)
        }
        if first and first not in start:
            start.append(first)
    return ArmDecode(gap, tuple(str(reset) for reset in resets), study.decode.trials, tuple(start))


def _first_gap(decode: ArmDecode, settings: Mapping[str, Any]) -> dict[str, Any]:
    if decode.merge_gap is None or settings.get("merge_gap") in decode.merge_gap:
        return {}
    return {"merge_gap": decode.merge_gap.extremes()[0]}


def _start(study: Study, space: Mapping[str, Range | Choices]) -> tuple[Mapping[str, Scalar], ...]:
    starts: list[Mapping[str, Scalar]] = []
    for one in study.search.start:
        start = {key: space[key].written(value) for key, value in one.items() if key in space}
        if start and start not in starts:
            starts.append(start)
    return tuple(starts)
