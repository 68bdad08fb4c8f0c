"""Why arms differ, and how sure the answers are, of the findings: sentences and tables from the studies' numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from findings_study import CONTROLS, RANKING, RIVALS, Arm, Finished
from findings_words import direct, interval, listed

from crescendo.reports.analysis.causes import LATENCY
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.escaping import markdown_text
from crescendo.reports.formatting import points, recordings_text
from crescendo.reports.tables.causes import KIND_NAMES
from crescendo.trainables.plurals import counted


class _Measure(NamedTuple):
    """A measure in a table: its head, what it is multiplied by, decimals."""

    head: str
    scale: float = 100.0
    decimals: int = 1


MEASURES = {
    **{kind: _Measure(KIND_NAMES[kind]) for kind in ("wrong_label", "poor_overlap", "both", "double", "background")},
    "not_found": _Measure("not found (%)"),
    "start_error/absolute": _Measure("beginning (s)", 1, 2),
    "end_error/absolute": _Measure("end (s)", 1, 2),
    LATENCY: _Measure("latency (s)", 1, 2),
    "p_mAP/1s": _Measure("starts, p-mAP at 1 s (%)"),
    "expected_calibration_error": _Measure("calibration error (%)"),
    "broken": _Measure("broken (%)"),
    "merging": _Measure("merging (%)"),
    "violations/score/shortfall": _Measure("score below its maximum (points)"),
    "violations/margin/shortfall": _Measure("margin below its maximum (points)"),
}
"""Of `CausesSummary.measures`, those shown."""
_LIES = "within an activity the score (of `margin`, the margin) lies"
_FLATTERS = 0.10
"""By how much validation figures are better than those of the test split where it is worth saying."""


def what_they_ask(study: Finished) -> Iterator[str]:
    """Yield whether the ranking losses do what they ask for: that score, or margin, falls less far within an activity."""
    changes = [(arm, arm.causes.get(_asked_of(arm))) for arm in study.of(RANKING)]
    known = [(arm, one) for arm, one in changes if one is not None and one.low is not None and one.high is not None]
    less = [_change(arm, one) for arm, one in known if (one.high or 0) < 0]
    further = [_change(arm, one) for arm, one in known if (one.low or 0) > 0]
    unclear = [_change(arm, one) for arm, one in known if (one.low or 0) <= 0 <= (one.high or 0)]
    for arms, said in (
        (less, f"What is asked for is learned: {_LIES} less far below its maximum so far with"),
        (further, f"What is asked for is not learned: {_LIES} further below its maximum so far with"),
        (unclear, f"It is not shown that {_LIES} less far below its maximum so far with"),
    ):
        if arms:
            yield f"{said} {listed(arms)}."


def _asked_of(arm: Arm) -> str:
    return f"violations/{'margin' if arm.variant == 'margin' else 'score'}/shortfall"


def _change(arm: Arm, one: Estimate) -> str:
    return f"`{arm.variant}` ({interval(one)})"


def by_chance(study: Finished) -> str:
    """Return how many intervals of the table of causes exclude 0, and how many would by chance."""
    every = [arm.causes[key] for arm in study.arms for key in MEASURES if key in arm.causes]
    return _counted(every, "no arm differed from the baseline") or "The runs are of a version without diagnosis."


def without_0(study: Finished) -> Iterator[str]:
    """Yield each arm's differences in the table of causes whose intervals exclude 0, with these."""
    for arm in study.arms:
        found = [
            f"{measure.head} {_with_interval(arm.causes[key], measure)}"
            for key, measure in MEASURES.items()
            if key in arm.causes and _excludes_0(arm.causes[key])
        ]
        if found:
            yield f"`{arm.variant}`: {'; '.join(found)}."


def _with_interval(one: Estimate, measure: _Measure) -> str:
    ends = " to ".join(_value(end, measure, "+") for end in (one.low, one.high) if end is not None)
    return f"{_value(one.mean, measure, '+')} ({ends})"


def directly_by_chance(study: Finished) -> str:
    """Return the same of the table of direct comparisons; empty if it has none."""
    pairs = [direct(arm, other) for arm in study.of(RANKING) for other in study.of(CONTROLS + RIVALS)]
    return _counted([one for one in pairs if one is not None], "no two arms differed")


def _counted(every: list[Estimate], equal: str) -> str:
    without, expected = sum(map(_excludes_0, every)), 0.05 * len(every)
    reads = "which of them are chance nobody can tell" if without > 2 * expected else "chance alone could make as many"
    told = f"Of {len(every)} intervals {without} exclude 0 (bold); about {expected:.0f} would if {equal}: {reads}."
    return told if every else ""


def _excludes_0(one: Estimate) -> bool:
    return one.low is not None and one.high is not None and (one.low > 0 or one.high < 0)


def causes_table(study: Finished) -> str:
    """Return the baseline's measures, and each arm's differences, those whose interval excludes 0 in bold."""
    shown = {key: measure for key, measure in MEASURES.items() if key in study.causes}
    if not shown:
        return ""
    rows = [["none", *(_value(study.causes[key].mean, measure) for key, measure in shown.items())]]
    rows += [
        [f"`{arm.variant}`", *(_gain(arm.causes, key, measure) for key, measure in shown.items())] for arm in study.arms
    ]
    return table(["", *(measure.head for measure in shown.values())], rows)


def _value(value: float, measure: _Measure, sign: str = "") -> str:
    text = f"{measure.scale * value:{sign}.{measure.decimals}f}"
    return f"{0:.{measure.decimals}f}" if float(text) == 0 else text


def _gain(causes: Mapping[str, Estimate], key: str, measure: _Measure) -> str:
    one = causes.get(key)
    if one is None:
        return "–"
    text = _value(one.mean, measure, "+")
    return f"**{text}**" if _excludes_0(one) else text


def direct_table(study: Finished) -> str:
    """Return each ranking loss less each control and rival, directly compared."""
    others = study.of(CONTROLS + RIVALS)
    rows = [[f"`{arm.variant}`", *(_direct(direct(arm, other)) for other in others)] for arm in study.of(RANKING)]
    return table(["", *(f"less `{other.variant}`" for other in others)], rows)


def _direct(one: Estimate | None) -> str:
    if one is None:
        return "–"
    text = interval(one).replace(" points", "")
    return f"**{text}**" if _excludes_0(one) else text


def sure(study: Finished) -> Iterator[str]:
    """Yield what the answers rest on, and what of a study's search and runs a reader should know."""
    sizes = sorted(points(arm.difference.detectable) for arm in study.arms)
    least, most = min(sizes, key=float), max(sizes, key=float)
    size = f"{least} points" if least == most else f"{least} to {most} points, by arm,"
    tested = recordings_text(study.recordings, study.groups, study.groups_are)
    yield (
        f"{tested}, each tested in one of {study.folds} folds, where each arm was trained with {counted(study.seeds, 'seed')}, "
        f"{study.folds * study.seeds} times in all; a true difference of {size} would have been shown in four "
        "studies of five."
    )
    less = study.chosen - study.tested
    then = (
        " With such a gap, validation may prefer other settings than the test split would." if less > _FLATTERS else ""
    )
    yield (
        f"The settings that were chosen have a validation mAP of {points(study.chosen)} % on average, and reach "
        f"{points(study.tested)} % on the test split.{then}"
    )
    if study.seen_score is not None and study.tested_score is not None:
        less = study.seen_score - study.tested_score
        then = ": less is left to make rise where it learns than where it is tested" if less > _FLATTERS else ""
        yield (
            f"The true label's score within activities is, on average and without a ranking loss, {study.seen_score:.2f} on "
            f"validation recordings and {study.tested_score:.2f} on those tested{then}."
        )
    yield (
        f"In {study.start_chosen} of {study.searches} searches the first of {study.trials} trials was the best, the one "
        "with the start values."
    )
    yield from map(markdown_text, study.notes)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown; the first column to the left, numbers to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
