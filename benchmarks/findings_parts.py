"""The parts of docs/findings.md that are made, each with the name of its marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from findings_causes import (
    by_chance,
    causes_table,
    direct_table,
    directly_by_chance,
    sure,
    table,
    what_they_ask,
    without_0,
)
from findings_study import Arm, Finished
from findings_words import agreement, answers, controls, early, finding, unfinished

from crescendo.reports.formatting import difference_text, estimate_text, p_text

NOTHING = "Nothing yet: no study has finished."


def parts(studies: Sequence[Finished]) -> dict[str, str]:
    """Return the name of its marks -> each part of the page, in Markdown."""
    return {
        "finding": finding(studies),
        "studies": _studies(studies),
        "answers": _each(studies, lambda one: [_bullets(answers(one)), _answers(one)]),
        "agreement": _bullets(agreement(studies)) or "This takes two finished studies.",
        "early": _each(studies, lambda one: [early(one)]),
        "controls": _each(
            studies, lambda one: [_bullets(filter(None, [*controls(one), directly_by_chance(one)])), direct_table(one)]
        ),
        "causes": _each(
            studies, lambda one: [_bullets([*what_they_ask(one), by_chance(one), *without_0(one)]), causes_table(one)]
        ),
        "sure": _each(studies, lambda one: [_bullets(sure(one))]),
        "cost": _cost(studies),
    }


def _each(studies: Sequence[Finished], made: Callable[[Finished], Iterable[str]]) -> str:
    return _paragraphs(text for study in studies for text in (f"**{study.data}**", *made(study))) or NOTHING


def _paragraphs(texts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, texts))


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _studies(studies: Sequence[Finished]) -> str:
    rows = [
        [
            study.data,
            str(study.recordings),
            f"{study.groups} {study.groups_are}",
            str(study.labels),
            str(study.folds),
            str(len(study.arms) + 1),
            str(study.trials),
            str(study.seeds),
            estimate_text(study.reached),
            estimate_text(study.early_reached),
        ]
        for study in studies
    ] + [[data, "not finished", *[""] * 8] for data in unfinished(studies)]
    heads = ["recordings", "of", "labels", "folds", "arms", "trials", "seeds", "baseline's mAP (%)", "early"]
    return table(["", *heads], rows)


def _answers(study: Finished) -> str:
    return table(["", "difference", "p", "answer", "early detection", "weight"], [_answer(arm) for arm in study.arms])


def _answer(arm: Arm) -> list[str]:
    found, soon = arm.difference, arm.early
    return [
        f"`{arm.variant}`",
        difference_text(found),
        p_text(found.p_adjusted),
        arm.answer,
        difference_text(soon),
        arm.weight,
    ]


def _cost(studies: Sequence[Finished]) -> str:
    if not studies:
        return NOTHING
    told = [f"{study.data} {study.trainings} trainings, {study.hours:.1f} hours" for study in studies]
    return f"Hours of the trials' clock, one core each: {'; '.join(told)}."
