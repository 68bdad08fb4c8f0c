"""What a reader sees first: the question, the answer for every arm, their differences as one picture, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.style import ArmStyle, looks
from crescendo.reports.formatting import (
    estimate_text,
    hours_text,
    margin_text,
    percent,
    plain,
    recordings_text,
    says_nothing,
    signed,
)
from crescendo.reports.page.forest import Scale, Strip, scale_of, strip_of
from crescendo.reports.page.sentences import headline, probability_text, what_is_asked, why_not_compared
from crescendo.reports.tables.captions import seeds
from crescendo.trainables.plurals import counted

_SIGNS = {"better": "▲", "worse": "▼", "equivalent": "=", "undecided": "?"}


@dataclass(frozen=True)
class ArmAnswer:
    """A row of the first screen: an arm and what came of it.

    Attributes
    ----------
    kind
        `better`, `worse`, `equivalent`, `undecided`, `baseline`, or `none` where it is not compared.
    answer, sign
        The answer in words, and as a sign beside them.
    difference, interval, reached
        To the baseline, in points; and the arm's own mAP, in percent. Empty where unknown.
    strip
        Where the picture shows it; None where it is not compared.
    told
        What the picture says when pointed at.
    """

    arm: str
    colour: str
    kind: str
    answer: str
    sign: str = ""
    difference: str = ""
    interval: str = ""
    reached: str = ""
    strip: Strip | None = None
    told: str = ""


@dataclass(frozen=True)
class FirstScreen:
    """The first screen of a part: `headline` is the answer in a line, which `limits` end; `facts` are (what, value)."""

    question: str
    headline: str
    limits: str
    measure: str
    baseline: str
    rows: tuple[ArmAnswer, ...]
    scale: Scale | None
    explained: str
    facts: tuple[tuple[str, str], ...]

    @property
    def letters(self) -> int:
        """How many letters the longest name of an arm has."""
        return max(len(row.arm) for row in self.rows)


def first_screen(model: ReportModel) -> FirstScreen:
    """Return the first screen of a report."""
    look = looks([arm.name for arm in model.arms], model.baseline)
    found = {arm.name: one for arm in model.arms if (one := model.asked(arm)) is not None}
    scale = scale_of([(one.low, one.high) for one in found.values()], _margin(model)) if found else None
    return FirstScreen(
        _question(model),
        *headline(model),
        f"{model.scored} {what_is_asked(model)}",
        model.baseline,
        tuple(_row(model, arm, look[arm.name], scale) for arm in model.arms),
        scale,
        _explained(model, found),
        tuple(_facts(model)),
    )


def _margin(model: ReportModel) -> float:
    """Return the margin of the study's question, a fraction of 1; 0 where none is known."""
    verdicts = [one.verdict for arm in model.arms if (one := model.asked(arm)) is not None]
    stated: Mapping[str, float] = model.studies[0].settings.get("confirm", {})
    return next((one.margin for one in verdicts if one is not None), float(stated.get("margin", 0.0)) / 100)


def _question(model: ReportModel) -> str:
    margin = _margin(model)
    within = f", and which are equivalent to it within {margin_text(margin)}" if margin else ""
    observed = (
        f" ({percent(model.early_fraction)} observed)" if model.primary == "early" and model.early_fraction else ""
    )
    return f"Which arms are better or worse than {model.baseline}{within}, in {model.scored} {what_is_asked(model)}{observed}?"


def _row(model: ReportModel, arm: ArmSummary, look: ArmStyle, scale: Scale | None) -> ArmAnswer:
    colour = f"var(--{look.colour[1:]})"
    reached = (arm.detection if model.primary == "detection" else arm.early.get(model.early_fraction or "", {})).get(
        model.headline_key
    )
    mean = "" if reached is None else estimate_text(reached)
    if arm.baseline:
        return ArmAnswer(arm.name, colour, "baseline", "baseline", reached=mean)
    one = model.asked(arm)
    if one is None or one.verdict is None or scale is None:
        return ArmAnswer(arm.name, colour, "none", "not compared", reached=mean, told=why_not_compared(model, arm))
    answer = one.verdict.answer
    interval = "?" if says_nothing(one.low, one.high, sign=True) else f"{signed(one.low)} to {signed(one.high)}"
    return ArmAnswer(
        arm.name,
        colour,
        answer,
        answer,
        _SIGNS[answer],
        signed(one.value),
        interval,
        mean,
        strip_of(scale, one.value, one.low, one.high),
        f"{arm.name}: {answer}\n{signed(one.value)} points, {_level(one)} interval {interval}\np {probability_text(one)}",
    )


def _level(one: Difference) -> str:
    return f"{plain(round(100 - 100 * one.level, 2))} %"


def _explained(model: ReportModel, found: Mapping[str, Difference]) -> str:
    if not found:
        return ""
    levels = sorted({_level(one) for one in found.values()})
    margin = _margin(model)
    shade = f" Shaded: differences within {margin_text(margin)}." if margin else ""
    return (
        f"Bars: {' and '.join(levels)} intervals that hold for all arms together.{shade} Filled: better or worse; hollow: "
        "equivalent or undecided."
    )


def _facts(model: ReportModel) -> list[tuple[str, str]]:
    names = ", ".join(dict.fromkeys(study.dataset for study in model.studies))
    facts = [("Data", names)]
    if model.recordings:
        tested = recordings_text(model.recordings, model.groups, model.groups_are)
        facts.append((model.scored.capitalize(), f"{tested}, {counted(len(model.labels), 'label')}"))
    if any(arm.seeds for arm in model.arms):
        facts.append(("Each arm", seeds(model)))
    trainings = sum(one.trainings for one in model.costs)
    if trainings:
        hours, gpu = (sum(values) for values in zip(*((one.hours, one.gpu_hours) for one in model.costs), strict=True))
        on_gpu = f", {hours_text(gpu)} of a GPU" if gpu else ""
        facts.append(("Cost", f"{counted(trainings, 'training')}, {hours_text(hours)} of training{on_gpu}"))
    devices = dict.fromkeys(one for study in model.studies for one in study.provenance.get("device", ()))
    if devices:
        facts.append(("Machine", "; ".join(devices)))
    return facts
