"""The sections of a page: what stands where, and what is said before it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crescendo.reports.analysis.report_model import ReportModel, StudySummary
from crescendo.reports.charts.style import looks
from crescendo.reports.formatting import measure_name, recordings_text, resampled_text
from crescendo.reports.page.items import Item, items_of
from crescendo.reports.page.part import ReportPart
from crescendo.reports.page.sentences import not_asked, opening, untested, what_is_asked
from crescendo.trainables.losses.joint import variant_names
from crescendo.trainables.losses.variants import VARIANTS
from crescendo.trainables.plurals import counted

_TABLES = "Tables"
_COMPARED = "What was compared"

# Section -> charts and tables, in order: what differs, why, and then every table. Timelines are numbered.
_SECTIONS = {
    "What came out": ("difference_to_baseline",),
    "What differs": (
        "mAP_against_iou",
        "early_against_fraction",
        "time_to_detection",
        "gains_detection",
        "gains_early",
    ),
    "Why a difference": (
        "differences_of_causes",
        "false_positives",
        "mAP_without",
        "errors_by_length_and_place",
        "reliability",
        "confusion_matrix",
        "progression",
        "progression_while_training",
    ),
    "The search": (
        "budget_curve",
        "mAP_against_lambda_r",
        "mAP_against_merge_gap",
        "optimisation_history",
    ),
    "Recordings": ("timeline_1", "timeline_2", "timeline_3"),
    _COMPARED: (),
    _TABLES: (
        "differences",
        "looks",
        "ablation",
        "replicates",
        "early_detection",
        "observed_fraction",
        "online",
        "segmental",
        "causes",
        "by_length_and_place",
        "mAP_by_length_and_place",
        "per_label",
        "search",
        "cost",
        "provenance",
    ),
}

_EXPLAINED = {
    "What differs": (
        "A detection counts where it has the right label and its IoU with an annotated activity (intersection over union, in "
        "time) passes the threshold: lies above it or, where the study's matching rule says so, equals it. AP is the average "
        "precision of one label, mAP its mean over the labels; all in percent. Early detection: how well an activity is found "
        "while only its beginning has been seen.",
        "Early warning is how the detector does while it watches: an alarm goes off when the mean score of a span, so far, "
        "reaches its label's threshold; it is false if no activity of that label goes on from then until the span's end.",
    ),
    "Why a difference": (
        "What the detections that count against an arm are, how far its scores can be believed, and what it takes for what. "
        "It explores: nothing here was asked before the study ran.",
        "A ranking loss asks that the score of the true label, or its margin over the other labels, never falls while the "
        "activity goes on: whether it does so, the scores along an activity show.",
    ),
    "The search": (
        "On the validation split alone; the best of many by one figure looks better by it than it is. "
        "lambda_r weighs the added loss against cross entropy. Spans of one label with fewer frames between them than the "
        "merge gap become one detection; the reset says what the model forgets after a frame it takes for background.",
    ),
}


@dataclass
class PageSection:
    """A section of the page: paragraphs, answers, details as (what, value), and tables and charts."""

    title: str
    anchor: str
    text: list[str] = field(default_factory=list)
    answers: list[dict[str, str]] = field(default_factory=list)
    details: list[tuple[str, str]] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


def sections_of(part: ReportPart, *, pictures: bool) -> list[PageSection]:
    """Return the sections that have something to show; what none of them names stands in the last one."""
    items = items_of(part, pictures=pictures)
    placed = {name for names in _SECTIONS.values() for name in names}
    sections = {
        title: PageSection(
            title,
            part.prefix + re.sub(r"\W+", "-", title.lower()),
            items=[items[name] for name in names if name in items],
        )
        for title, names in _SECTIONS.items()
    }
    sections[_TABLES].items += [item for name, item in items.items() if name not in placed]
    sections[_COMPARED].details = _compared(part.model)
    for title, text in _EXPLAINED.items():
        sections[title].text = list(text) if sections[title].items else []
    _answer(sections["What came out"], part)
    return [one for one in sections.values() if one.items or one.text or one.details or one.answers]


def _answer(section: PageSection, part: ReportPart) -> None:
    """Say what came out: of the baseline, and of every other arm."""
    model = part.model
    look = looks([arm.name for arm in model.arms], model.baseline)
    section.answers = [
        {"arm": arm, "sentence": sentence, "colour": f"var(--{look[arm].colour[1:]})"}
        for arm, sentence in part.sentences
    ]
    said = opening(model)
    if said:
        section.text = [said, *filter(None, [not_asked(model)])]
    elif not section.answers:
        section.text = ["Nothing yet: no arm has a confirmed run."]


def _loss(variant: str) -> str:
    names = variant_names(variant)
    if len(names) > 1:
        return f"the losses of {' and '.join(names)}, each with a weight of its own"
    return VARIANTS[variant].description if variant in VARIANTS else "a loss that does not come with Crescendo"


def _compared(model: ReportModel) -> list[tuple[str, str]]:
    """Return what was compared, as (what, value)."""
    details = []
    for study in model.studies:
        lead = f"{study.name}: " if len(model.studies) > 1 else ""
        details += [(f"{lead}{name[0].lower() + name[1:] if lead else name}", value) for name, value in _study(study)]
    variants = dict.fromkeys(arm.variant for arm in model.arms if arm.variant is not None)
    if len(variants) > 1:
        told = "; ".join(f"{variant}: {_loss(variant)}" for variant in variants)
        details.append(("Variants of the loss", told))
    drawn = resampled_text(model.recordings, model.groups, model.groups_are)
    names = [f"{arm.name} (the baseline)" if arm.name == model.baseline else arm.name for arm in model.arms]
    details += [
        (counted(len(names), "arm"), ", ".join(names)),
        (
            model.scored.capitalize(),
            f"{recordings_text(model.recordings, model.groups, model.groups_are)}, {counted(len(model.labels), 'label')}. "
            f"{'Only confirmed runs were scored on them, once.' if model.untested is None else untested(model)}",
        ),
        (
            "Certainty",
            "Arms share seeds, so differences are taken within a seed. An interval covers both what other recordings would "
            f"change ({drawn} resampled {model.resamples:,} times, AP computed anew on each) and what other "
            f"{_trained_anew(model)} would (their spread, Student's t). Intervals hold for all arms together, and so does p. One "
            f"question was stated before the study ran, {what_is_asked(model)}: it gets an answer, all else is exploration. "
            "Undecided does not mean equal.",
        ),
    ]
    return details


def _more_seeds(study: StudySummary) -> str:
    if len(study.looks) < 2:
        return ""
    more = " and then ".join(map(str, study.looks[1:]))
    return f"; where these do not decide it, with more, so that there are {more}"


def _trained_anew(model: ReportModel) -> str:
    """Return what a difference was seen to vary with, besides recordings."""
    several = any(study.repeats > 1 or study.folds for study in model.studies)
    return "searches and seeds" if several else "seeds"


def _study(study: StudySummary) -> list[tuple[str, str]]:
    seeds = ", ".join(str(seed) for seed in study.seeds) or "none"
    again = [counted(len(study.folds), "fold")] if study.folds else []
    again += [f"{study.repeats} searches of each arm"] if study.repeats > 1 else []
    whole = f"{', '.join(again)}: each is searched and confirmed by itself. " if again else ""
    return [
        ("Data set", f"{study.dataset} (content hash {study.dataset_hash[:12]})"),
        *([("Notes on the data", "; ".join(study.data_notes))] if study.data_notes else []),
        (
            "Search",
            f"{whole}Up to {counted(study.trials, 'trial')} for each arm, judged by {measure_name(study.objective)} on the "
            "validation split. The merge gap and the reset were tried on stored frame scores, without training "
            "again. Validation mAP of what was chosen by it is optimistic.",
        ),
        ("Confirmation", f"Each arm's best setting, trained again with these seeds: {seeds}{_more_seeds(study)}."),
        ("Runs", f"{study.store} ({study.status}{', ' + study.reason if study.reason else ''})"),
    ]
