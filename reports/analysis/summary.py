"""Everything a report says, computed from the runs of one study or of several on the same data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crescendo.reports.analysis.alarm_hours import alarm_hours
from crescendo.reports.analysis.arms import arm_cost, arm_summary
from crescendo.reports.analysis.clipping import clipping_notes
from crescendo.reports.analysis.comparisons import RESAMPLES, baseline_of, comparisons, measured_at
from crescendo.reports.analysis.examples import timelines
from crescendo.reports.analysis.member import distinct_names, members_of, untested
from crescendo.reports.analysis.missing import missing_parts
from crescendo.reports.analysis.progress import progress_of
from crescendo.reports.analysis.report_model import ReportModel, StudySummary
from crescendo.reports.planning.measuring import sources_of
from crescendo.reports.source.runs import StudyRuns
from crescendo.trainables.errors import InputError

UNTESTED = (
    "All figures are of the validation split, by which settings were chosen, and so look better than they are; they answer "
    "no question."
)


def summarise(
    studies: Sequence[StudyRuns],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    allow_plugin: bool = False,
    asked_only: bool = False,
) -> ReportModel:
    """Compute what the report of `studies` says; of several studies, the first one's baseline is everybody's.

    Parameters
    ----------
    resamples, seed
        Of the bootstrap over groups of recordings; the same two give the same numbers.
    allow_plugin
        Whether a matching rule that does not come with Crescendo may be imported, where the studies name one.
    asked_only
        Leave out all differences but those that the first study asks about.

    Raises
    ------
    InputError
        If the studies are not of the same data set, or were measured differently, or their detections must be matched by
        a rule that is not allowed or cannot be imported.
    """
    _check_comparable(studies)
    first, members = studies[0], members_of(studies)
    baseline, measured = baseline_of(members), measured_at(members)
    compared = comparisons(
        members, measured, resamples=resamples, seed=seed, allow_plugin=allow_plugin, asked_only=asked_only
    )
    detection, early = compared.detection, compared.early
    costs = tuple(map(arm_cost, members))
    asked = (detection if first.study.primary == "detection" else early).asked
    reason = untested(members)
    prefixes = [f"{name}: " if len(studies) > 1 else "" for name in distinct_names(studies)]
    hours = alarm_hours(members)
    arms = tuple(arm_summary(member, baseline, measured, detection, early, hours) for member in members)
    return ReportModel(
        studies=tuple(map(_study_summary, studies, distinct_names(studies))),
        arms=arms,
        baseline=baseline.name,
        headline=first.study.objective.metric,
        primary=first.study.primary,
        iou=measured.iou,
        fractions=measured.fractions,
        early_fraction=measured.early_fraction,
        label_iou=measured.label_iou,
        labels=measured.labels,
        recordings=detection.resampled.recordings,
        groups=detection.resampled.groups,
        groups_are=detection.resampled.groups_are,
        costs=costs,
        timelines=timelines({member.name: member.replicates[0] for member in members}),
        resamples=resamples,
        resampling_seed=seed,
        missing=(
            *([] if reason is None else [f"Nothing was tested: {reason}. {UNTESTED}"]),
            *_prefixed(prefixes, [study.missing for study in studies]),
            *missing_parts(members),
            *detection.left_out,
            *early.left_out,
        ),
        notes=(*_prefixed(prefixes, [study.notes for study in studies]), *clipping_notes(arms)),
        added_late=tuple(dict.fromkeys(one for study in studies for one in study.added_late)),
        sources=sources_of(first, members, asked, costs, detection.resampled.groups_are)
        if len(studies) == 1 and reason is None
        else None,
        looks=compared.looks,
        untested=reason,
        alarm_hours=hours,
    )


def _prefixed(prefixes: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    for prefix, of_study in zip(prefixes, lines, strict=True):
        yield from (f"{prefix}{line}" for line in of_study)


def _check_comparable(studies: Sequence[StudyRuns]) -> None:
    first = studies[0]
    for other in studies[1:]:
        if other.dataset_hash != first.dataset_hash:
            raise InputError(
                f"{other.name}: ran on another data set than {first.name} (content hash {other.dataset_hash[:12]}, not "
                f"{first.dataset_hash[:12]}); only studies on the same data set can be compared"
            )
        for key in ("protocol", "iou", "fractions"):
            ours, theirs = (study.study.base.get(key) for study in (first, other))
            if ours != theirs:
                raise InputError(
                    f"{other.name}: was measured with {key} {_shown(theirs)}, {first.name} with {_shown(ours)}; "
                    "only studies measured alike can be compared"
                )


def _shown(setting: Any) -> str:
    return str(list(setting) if isinstance(setting, tuple) else setting)


def _study_summary(runs: StudyRuns, name: str) -> StudySummary:
    study = runs.study
    settings: Mapping[str, Any] = study.to_json()
    return StudySummary(
        name=name,
        description=study.description,
        dataset=(not runs.folds and runs.dataset) or study.dataset.rstrip("/").rpartition("/")[2],
        dataset_hash=runs.dataset_hash,
        store=runs.store,
        status=runs.status,
        reason=runs.reason,
        objective=study.objective.metric,
        protocol=str(study.base.get("protocol", "")),
        search_seed=study.search.seed,
        seeds=study.confirm.seeds,
        trials=study.search.trials,
        folds=runs.folds,
        repeats=study.repeats,
        settings=settings,
        provenance=runs.provenance,
        data_notes=runs.data_notes,
        looks=study.confirm.looks,
        progress=progress_of(runs),
    )
