"""The arms of a report compared with the baseline, in detection and in early detection: what a study asks, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from crescendo.reports.analysis.arms import Measured
from crescendo.reports.analysis.differences import NOT_COMPARED, Comparison, Levels, Question, compare
from crescendo.reports.analysis.looks import Artifacts, Look, compared_at_looks, plan_of
from crescendo.reports.analysis.measured import early_evaluations, iou_keys
from crescendo.reports.analysis.member import ReportedArm, members_of, untested
from crescendo.reports.source.runs import StudyRuns
from crescendo.search_spaces.study import Study
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.metric_keys import MetricKey, number_key
from crescendo.trainables.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS, MatchingRule
from crescendo.trainables.registry import check_no_plugin

RESAMPLES = 10_000
UNTESTED = "nothing was tested, and the validation split, by which settings were chosen, cannot answer"
UNFINISHED = "the study has not finished, and answers once every arm has all its seeds"
SEVERAL = "a study that runs until it is decided is answered by its own report, not by one of several studies"


@dataclass(frozen=True)
class Comparisons:
    """All arms compared in detection, and in early detection at `Measured.early_fraction`; the looks of the study, if any."""

    detection: Comparison = NOT_COMPARED
    early: Comparison = NOT_COMPARED
    looks: tuple[Look, ...] = ()


def baseline_of(members: Sequence[ReportedArm]) -> ReportedArm:
    """Return the member that all others are compared with."""
    first = members[0].study
    return next(member for member in members if member.study is first and member.arm.name == first.baseline)


def measured_at(members: Sequence[ReportedArm]) -> Measured:
    """Return what the arms were measured at, by the first confirmed run; without one, what the study asks for."""
    runs = [metrics for member in members for metrics in member.metrics().values()]
    study = members[0].study.study
    iou = iou_keys(runs[0]) if runs else tuple(map(number_key, _list(study.base.get("iou"))))
    fractions = tuple(early_evaluations(runs[0])) if runs else ()
    return Measured(
        iou=iou,
        fractions=fractions,
        early_fraction=_nearest(fractions, 0.3),
        label_iou=_nearest(iou, 0.5),
        labels=tuple(sorted({label for metrics in runs for label in metrics.evaluation.labels})),
    )


def comparisons(
    members: Sequence[ReportedArm],
    measured: Measured,
    *,
    resamples: int,
    seed: int,
    allow_plugin: bool,
    asked_only: bool = False,
) -> Comparisons:
    """Compare all arms with the baseline. `asked_only`: in what the study asks about alone, which takes a fraction of the time.

    What the looks of a study decided, they decided by `RESAMPLES` resamples.
    """
    first = members[0].study
    if not measured.iou or not any(member.artifacts for member in members):
        return Comparisons()
    rule = _matching_rule(first, allow_plugin=allow_plugin)
    study, artifacts, baseline = (
        first.study,
        {member.name: member.artifacts for member in members},
        baseline_of(members),
    )
    early = None if measured.early_fraction is None else float(measured.early_fraction)
    iou = [float(key) for key in measured.iou]
    if asked_only:
        # A mean over all thresholds needs them all.
        iou = [one for one in iou if str(MetricKey("mAP", iou=one)) == study.objective.metric] or iou

    def compared(
        arms: Artifacts, fraction: float | None, question: Question | None, level: Levels | None, drawn: tuple[int, int]
    ) -> Comparison:
        return compare(
            arms,
            baseline.name,
            iou=iou,
            rule=rule,
            question=question,
            fraction=fraction,
            resamples=drawn[0],
            seed=drawn[1],
            level=level,
        )

    in_early = study.primary == "early"
    found, looks = NOT_COMPARED, tuple[Look, ...]()
    if not in_early or early is not None:
        fraction = early if in_early else None
        question = Question(study.objective.metric, study.confirm.margin / 100)
        if _looked_at(members):
            found, looks = compared_at_looks(
                artifacts,
                baseline.name,
                plan_of(members),
                question,
                lambda arms, asked, level: compared(arms, fraction, asked, level, (RESAMPLES, 0)),
            )
        else:
            found = compared(artifacts, fraction, _of_several(members, question), None, (resamples, seed))
    if asked_only or (not in_early and early is None):
        return Comparisons(NOT_COMPARED if in_early else found, found if in_early else NOT_COMPARED, looks)
    other = compared(artifacts, None if in_early else early, None, None, (resamples, seed))
    return Comparisons(other, found, looks) if in_early else Comparisons(found, other, looks)


def looks_of(runs: StudyRuns) -> tuple[Look, ...]:
    """Return the looks of a study that are due by the runs that it has."""
    members = members_of([runs])
    measured = measured_at(members)
    return comparisons(members, measured, resamples=RESAMPLES, seed=0, allow_plugin=True, asked_only=True).looks


def _looked_at(members: Sequence[ReportedArm]) -> bool:
    """Tell whether they are of one study, which runs until it is decided."""
    return len(_studies(members)) == 1 and members[0].study.study.confirm.until is not None


def _of_several(members: Sequence[ReportedArm], question: Question) -> Question:
    if untested(members) is not None:
        return replace(question, unfit=UNTESTED)
    if any(_stopped_by_hand(member.study) for member in members):
        return replace(question, unfit=UNFINISHED)
    until = any(study.confirm.until is not None for study in _studies(members))
    return replace(question, unfit=SEVERAL) if until else question


def _stopped_by_hand(runs: StudyRuns) -> bool:
    """Tell whether somebody who looked at a study that lacks seeds might have chosen the moment to look.

    One that stopped by itself, because an arm kept failing, answers with what it has.
    """
    lacking = (len(arm.confirmed) < runs.study.confirm.looks[0] for arm in runs.arms)
    return runs.status in ("running", "interrupted") and any(lacking)


def _studies(members: Sequence[ReportedArm]) -> list[Study]:
    return list({id(member.study): member.study.study for member in members}.values())


def _matching_rule(runs: StudyRuns, *, allow_plugin: bool) -> MatchingRule:
    """Return the rule by which the study's detections were matched; `InputError`, naming the study, if it cannot be had."""
    protocol = str(runs.study.base.get("protocol", DEFAULT_PROTOCOL))
    if not allow_plugin:
        check_no_plugin({PROTOCOLS.key: protocol}, runs.name)
    try:
        return PROTOCOLS.resolve(protocol)
    except InputError as error:
        raise InputError(f"{runs.name}: {error}") from error


def _nearest(keys: Iterable[str], value: float) -> str | None:
    return min(keys, key=lambda key: abs(float(key) - value), default=None)


def _list(setting: object) -> Sequence[float]:
    return setting if isinstance(setting, list | tuple) else ()
