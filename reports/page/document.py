"""A report as one HTML page and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from crescendo.reports.analysis.report_model import Content, StudyContent
from crescendo.reports.charts.chart import Chart, LeftOut
from crescendo.reports.charts.style import looks, theme, themed_svg
from crescendo.reports.numbers import measure_name
from crescendo.reports.tables.table import Table
from crescendo.trainables.losses.variants import VARIANTS

_TEMPLATES = Path(__file__).parent / "templates"
_LONG = 60
_WIDE = 6.0
"""Inches from which on a chart is scrolled on a phone rather than shrunk."""

# Section -> tables and charts, in order. Timelines are numbered.
_SECTIONS = {
    "What came out": ("difference_to_baseline", "differences"),
    "What was compared": (),
    "Detection": ("ablation", "mAP_against_iou"),
    "Early detection": ("early_detection", "early_against_fraction", "observed_fraction"),
    "Online": ("online", "time_to_detection"),
    "Labels": ("gains_detection", "gains_early", "per_label"),
    "Scores along an activity": ("progression", "progression_while_training"),
    "The search": ("search", "mAP_against_lambda_r", "mAP_against_merge_gap", "optimisation_history"),
    "Recordings": ("timeline_1", "timeline_2", "timeline_3"),
    "Cost and provenance": ("cost", "provenance"),
}

_EXPLAINED = {
    "Detection": (
        "A detection counts where it has the right label and overlaps an annotated activity by more than the IoU threshold "
        "(intersection over union, in time). AP is the average precision of one label, mAP its mean over the labels; all "
        "in percent."
    ),
    "Early detection": "How well an activity is found while only its beginning has been seen.",
    "Online": (
        "How the detector does while it watches. Frame by frame: how well a label's score ranks the frames of its activity "
        "before all others. As an early warning: an alarm goes off when the mean score of a span, so far, reaches its "
        "label's threshold; it is false if no activity of that label goes on from then until the span's end."
    ),
    "Scores along an activity": (
        "A ranking loss asks that the score of the true label, or its margin over the other labels, never falls while the "
        "activity goes on."
    ),
    "The search": (
        "On the validation split alone. lambda_r weighs the ranking loss against cross entropy. Spans of one label with "
        "fewer frames between them than the merge gap become one detection; the reset says what the LSTM forgets after a "
        "frame it takes for background."
    ),
}


@dataclass(frozen=True)
class Part:
    """The report of one study, or of several together.

    Attributes
    ----------
    sentences
        (arm, what came out) for every arm but the baseline.
    left_out
        Charts that could not be drawn.
    heading
        Of the part, where a page has several.
    prefix
        What the part's file names and anchors begin with.
    compares
        Whether it is about several studies that have parts of their own.
    """

    content: Content
    sentences: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    charts: Sequence[Chart]
    left_out: Sequence[LeftOut]
    heading: str | None = None
    prefix: str = ""
    compares: bool = False


@dataclass(frozen=True)
class _Cell:
    text: str
    classes: str = ""


@dataclass
class _Section:
    title: str
    anchor: str
    text: list[str] = field(default_factory=list)
    answers: list[dict[str, str]] = field(default_factory=list)
    details: list[tuple[str, str]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)


def html(title: str, parts: Sequence[Part]) -> str:
    """Return the page: one file, without anything from elsewhere."""
    environment = _environment()
    light, dark = theme()
    css = environment.from_string((_TEMPLATES / "page.css").read_text()).render(light=light, dark=dark)
    page = environment.get_template("report.html")
    return _rendered(page.render(css=Markup(css), **_values(title, parts, pictures=True)))  # noqa: S704  # our own


def markdown(title: str, parts: Sequence[Part]) -> str:
    """Return the same in Markdown, with pictures from `figures/`."""
    page = _environment().get_template("report.md")
    return re.sub(r"\n{3,}", "\n\n", _rendered(page.render(**_values(title, parts, pictures=False))))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown
    return environment


def _rendered(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def _markdown(text: str) -> str:
    """Return `text` with what Markdown would take for markup escaped, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _values(title: str, parts: Sequence[Part], *, pictures: bool) -> dict[str, Any]:
    return {
        "title": title,
        "version": version("crescendo-ablation"),
        "studies": [study for part in parts if not part.compares for study in part.content.studies],
        "parts": [
            {
                "content": part.content,
                "heading": part.heading,
                "prefix": part.prefix,
                "sections": _sections(part, pictures=pictures),
            }
            for part in parts
        ],
    }


def _sections(part: Part, *, pictures: bool) -> list[_Section]:
    tables = {table.name.removeprefix(part.prefix): _table(table) for table in part.tables}
    charts = {chart.name.removeprefix(part.prefix): _chart(chart, pictures=pictures) for chart in part.charts}
    left_out = {one.name: {"kind": "left out", "title": one.title, "reason": one.reason} for one in part.left_out}
    items: Mapping[str, dict[str, Any]] = {**left_out, **tables, **charts}
    placed = {name for names in _SECTIONS.values() for name in names}
    sections = []
    for title, names in _SECTIONS.items():
        section = _Section(title, part.prefix + re.sub(r"\W+", "-", title.lower()))
        section.items = [items[name] for name in names if name in items]
        sections.append(section)
    sections[-1].items += [item for name, item in items.items() if name not in placed]
    _answer(sections[0], part)
    sections[1].details = _compared(part.content)
    for section in sections:
        if section.title in _EXPLAINED and section.items:
            section.text = [_EXPLAINED[section.title]]
    return [one for one in sections if one.items or one.text or one.details or one.answers]


def _answer(section: _Section, part: Part) -> None:
    content = part.content
    look = looks([arm.name for arm in content.arms], content.baseline or "")
    section.answers = [
        {"arm": arm, "sentence": sentence, "colour": f"var(--{look[arm].colour[1:]})"}
        for arm, sentence in part.sentences
    ]
    baseline = content.baseline_arm
    key = content.headline.removeprefix("mAP/").removeprefix("iou_")
    if baseline is not None and key in baseline.detection:
        value = baseline.detection[key]
        spread = "" if value.low is None or value.high is None else f" (95 % interval {_range(value.low, value.high)})"
        compared = [arm.difference[content.headline] for arm in content.arms if content.headline in arm.difference]
        holding = sum(one.holds for one in compared)
        count = f" Against it, a difference is shown for {holding or 'none'} of {_count(len(compared), 'arm')}."
        section.text = [
            f"The baseline {baseline.name} reaches a test {measure_name(content.headline)} of {100 * value.mean:.1f} %"
            f"{spread}.{count if compared else ''}"
        ]
    elif not section.answers:
        section.text = ["Nothing yet: no arm has a confirmed run."]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _range(low: float, high: float) -> str:
    return f"{100 * max(low, 0.0):.1f} to {100 * min(high, 1.0):.1f}"


def _loss(variant: str) -> str:
    return VARIANTS[variant].description if variant in VARIANTS else "a loss that does not come with Crescendo"


def _compared(content: Content) -> list[tuple[str, str]]:
    details = []
    for study in content.studies:
        lead = f"{study.name}: " if len(content.studies) > 1 else ""
        details += [(f"{lead}{name[0].lower() + name[1:] if lead else name}", value) for name, value in _study(study)]
    variants = dict.fromkeys(arm.variant for arm in content.arms if arm.variant is not None)
    if len(variants) > 1:
        details.append(("Variants of the loss", "; ".join(f"{name}: {_loss(name)}" for name in variants)))
    names = [f"{arm.name} (the baseline)" if arm.name == content.baseline else arm.name for arm in content.arms]
    details += [
        (_count(len(names), "arm"), ", ".join(names)),
        (
            "Test",
            f"{_count(content.recordings, 'recording')}, {_count(len(content.labels), 'label')}. "
            "Only confirmed runs were scored on them, once.",
        ),
        (
            "Certainty",
            "Arms share seeds, so differences are taken within a seed. An interval covers both what other recordings would "
            f"change (recordings resampled {content.resamples:,} times, AP computed anew on each) and what other seeds would "
            "(their spread, Student's t). p is corrected over the arms (Holm). A difference whose interval holds 0 is called "
            "no difference, which does not mean that the arms are equal.",
        ),
    ]
    return details


def _study(study: StudyContent) -> list[tuple[str, str]]:
    trials = "An unknown number of" if study.trials is None else f"Up to {study.trials}"
    seeds = ", ".join(str(seed) for seed in study.seeds) or "none"
    return [
        ("Data set", f"{study.dataset} (content hash {study.dataset_hash[:12]})"),
        (
            "Search",
            f"{trials} trials for each arm, judged by {measure_name(study.objective)} on the validation split. "
            "The merge gap and the reset were tried on stored frame scores, without training again.",
        ),
        ("Confirmation", f"Each arm's best setting, trained again with these seeds: {seeds}."),
        ("Runs", f"{study.store} ({study.status}{', ' + study.reason if study.reason else ''})"),
    ]


def _table(table: Table) -> dict[str, Any]:
    numeric = [any(row[place].value is not None for row in table.rows) for place in range(len(table.columns))]
    rows = [
        [
            _cell(cell.text, numeric[place], "best" if cell.bold else "", "holds" if cell.mark else "")
            for place, cell in enumerate(row)
        ]
        for row in table.rows
    ]
    return {
        "kind": "table",
        "name": table.name,
        "title": table.title,
        "caption": table.caption,
        "columns": _heads(table.columns, numeric),
        "rows": rows,
        "markdown": table.markdown(),
    }


def _chart(chart: Chart, *, pictures: bool) -> dict[str, Any]:
    numbers = chart.numbers
    numeric = [
        any(isinstance(row[place], int | float) for row in numbers.rows) for place in range(len(numbers.columns))
    ]
    return {
        "kind": "chart",
        "name": chart.name,
        "title": chart.title,
        "caption": chart.caption,
        "columns": _heads(numbers.columns, numeric),
        "rows": [[_cell(text, numeric[place]) for place, text in enumerate(row)] for row in numbers.text()],
        "wide": chart.figure.get_figwidth() > _WIDE,
        "svg": themed_svg(chart.figure, chart.name, str(escape(chart.title))) if pictures else "",
    }


def _heads(columns: Sequence[str], numeric: Sequence[bool]) -> list[_Cell]:
    return [_Cell(column, "" if one else "text") for column, one in zip(columns, numeric, strict=True)]


def _cell(text: str, numeric: bool, *more: str) -> _Cell:
    classes = ("" if numeric else "text", "long" if len(text) > _LONG else "", *more)
    return _Cell(text, " ".join(name for name in classes if name))
