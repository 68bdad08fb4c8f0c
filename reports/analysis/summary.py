"""Everything a report says, computed from the runs of one study or of several on the same data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.reports.analysis import paper
from crescendo.reports.analysis.differences import Found, differences
from crescendo.reports.analysis.examples import timelines
from crescendo.reports.analysis.report_model import ArmContent, Content, Cost, Curves, Estimate, Snapshot, StudyContent
from crescendo.reports.analysis.search import ablated, best_setting, combinations_tried, search_content
from crescendo.reports.analysis.statistics import mean_interval
from crescendo.reports.source.runs import ArmRuns, Run, StudyRuns
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early_warning import alarm_measures
from crescendo.trainables.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS

RESAMPLES = 10_000
_CURVES = ("score", "margin", "worst_negative")


@dataclass(frozen=True)
class _Member:
    """An arm of a report: its name there, its runs, and the study they are of."""

    name: str
    study: StudyRuns
    runs: ArmRuns

    @property
    def settings(self) -> Mapping[str, Any]:
        return next((run.settings for run in (*self.runs.search, *self.runs.confirm)), {})

    def results(self) -> dict[int, Mapping[str, Any]]:
        """Seed -> metrics on the test split, of the seeds that have them."""
        return {seed: one.results for seed, one in self.runs.outputs.items() if one.results is not None}


def summarise(studies: Sequence[StudyRuns], *, resamples: int = RESAMPLES, seed: int = 0) -> Content:
    """Compute what the report of `studies` says; of several studies, the first one's baseline is everybody's.

    Parameters
    ----------
    resamples, seed
        Of the bootstrap over recordings; the same two give the same numbers.

    Raises
    ------
    InputError
        If the studies are not of the same data set, or were measured differently.
    """
    _check_comparable(studies)
    names = _distinct([study.name for study in studies])
    several = len(studies) > 1
    members = [
        _Member(f"{name}: {arm.name}" if several else arm.name, study, arm)
        for name, study in zip(names, studies, strict=True)
        for arm in study.arms
    ]
    first = studies[0]
    baseline = next((one.name for one in members if one.study is first and one.runs.name == first.baseline), None)
    base = first.settings.get("base", {})
    results = [one for member in members for one in member.results().values()]
    iou = tuple(results[0]["mAP"]) if results else tuple(f"{float(one):.2f}" for one in base.get("iou", ()))
    fractions = tuple(results[0]["early"]["mAP"]) if results else ()
    early_fraction, label_iou = _nearest(fractions, 0.3), _nearest(iou, 0.5)
    headline = str(first.settings.get("objective", {}).get("metric", "mAP/mean"))
    found, early = _differences(members, baseline, iou, base, early_fraction, resamples, seed)
    reference = next((one for one in members if one.name == baseline), None)
    arms = tuple(
        _arm(member, names[studies.index(member.study)], reference, iou, early_fraction, label_iou, found, early)
        for member in members
    )
    prefix = {id(study): f"{name}: " if several else "" for name, study in zip(names, studies, strict=True)}
    return Content(
        studies=tuple(_study(study, name) for name, study in zip(names, studies, strict=True)),
        arms=arms,
        baseline=baseline,
        headline=headline,
        iou=iou,
        fractions=fractions,
        early_fraction=early_fraction,
        label_iou=label_iou,
        labels=tuple(sorted({label for one in results for label in one["AP"]})),
        recordings=found.recordings,
        costs=tuple(_cost(member) for member in members),
        timelines=timelines({member.name: member.runs for member in members}),
        resamples=resamples,
        resampling_seed=seed,
        missing=(
            *(f"{prefix[id(study)]}{line}" for study in studies for line in study.missing),
            *_absent(members),
            *found.left_out,
            *early.left_out,
        ),
        notes=tuple(f"{prefix[id(study)]}{line}" for study in studies for line in study.notes),
    )


def _check_comparable(studies: Sequence[StudyRuns]) -> None:
    first = studies[0]
    for study in studies[1:]:
        ours, theirs = first.tags.get("dataset_hash"), study.tags.get("dataset_hash")
        if ours != theirs:
            raise InputError(
                f"{study.name}: ran on another data set than {first.name} (content hash {str(theirs)[:12]}, not "
                f"{str(ours)[:12]}); only studies on the same data set can be compared"
            )
        for key in ("protocol", "iou", "fractions"):
            one, other = (each.settings.get("base", {}).get(key) for each in (first, study))
            if one != other:
                raise InputError(
                    f"{study.name}: was measured with {key} {other}, {first.name} with {one}; "
                    "only studies measured alike can be compared"
                )


def _distinct(names: Sequence[str]) -> list[str]:
    counts: Counter[str] = Counter()
    found = []
    for name in names:
        counts[name] += 1
        found.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return found


def _nearest(keys: Iterable[str], value: float) -> str | None:
    return min(keys, key=lambda key: abs(float(key) - value), default=None)


def _differences(
    members: Sequence[_Member],
    baseline: str | None,
    iou: Sequence[str],
    base: Mapping[str, Any],
    early_fraction: str | None,
    resamples: int,
    seed: int,
) -> tuple[Found, Found]:
    outputs = {member.name: member.runs.outputs for member in members}
    if not iou or not any(outputs.values()):
        return Found({}, 0, ()), Found({}, 0, ())
    rule = PROTOCOLS.resolve(base.get("protocol", DEFAULT_PROTOCOL))
    thresholds = [float(key) for key in iou]
    found = differences(outputs, baseline, iou=thresholds, rule=rule, resamples=resamples, seed=seed)
    if early_fraction is None:
        return found, Found({}, 0, ())
    fraction = float(early_fraction)
    early = differences(outputs, baseline, iou=thresholds, rule=rule, fraction=fraction, resamples=resamples, seed=seed)
    return found, early


def _arm(
    member: _Member,
    study: str,
    reference: _Member | None,
    iou: Sequence[str],
    early_fraction: str | None,
    label_iou: str | None,
    found: Found,
    early: Found,
) -> ArmContent:
    results = member.results()
    theirs = {} if reference is None or reference is member else reference.results()
    settings, row = member.settings, None
    if paper.is_paper_study(member.study.settings, member.study.tags.get("dataset")):
        row = paper.paper_row(settings.get("model"), settings.get("variant"))
    best = member.runs.best
    progression = [one["progression"] for one in results.values()]
    online = [one["online"] for one in results.values() if "online" in one]

    def labels(one: Mapping[str, Any]) -> dict[str, float]:
        return {label: values[label_iou] for label, values in one["AP"].items()} if label_iou else {}

    def early_labels(one: Mapping[str, Any]) -> dict[str, float]:
        if label_iou is None or early_fraction is None:
            return {}
        return {label: values[early_fraction][label_iou] for label, values in one["early"]["AP"].items()}

    return ArmContent(
        name=member.name,
        study=study,
        baseline=member is reference,
        ablated=ablated(member.study, member.runs),
        setting={} if best is None else best_setting(member.study, member.runs, best),
        variant=settings.get("variant"),
        seeds=tuple(sorted(results)),
        wanted=_seeds(member.study),
        search=search_content(member.study, member.runs),
        detection=_estimates([{**one["mAP"], "mean": one["mAP_mean"]} for one in results.values()]),
        early={
            fraction: _estimates([one["early"]["mAP"][fraction] for one in results.values()])
            for fraction in (next(iter(results.values()))["early"]["mAP"] if results else ())
        },
        labels=_estimates([labels(one) for one in results.values()]),
        gain=_gains(results, theirs, labels),
        early_labels=_estimates([early_labels(one) for one in results.values()]),
        early_gain=_gains(results, theirs, early_labels),
        progression=_mean_curves(progression),
        violations=_estimates(
            [
                {
                    f"{quantity}/{measure}": value
                    for quantity, measures in one["violations"].items()
                    for measure, value in measures.items()
                }
                for one in progression
            ]
        ),
        snapshots=_snapshots(member.runs),
        difference=found.differences.get(member.name, {}),
        early_difference=early.differences.get(member.name, {}),
        frame=_estimates([{"mAP": one["frame_mAP"], "cAP": one["frame_cAP"]} for one in online]),
        alarms={
            rate: _estimates_of_all([alarm_measures(one["alarms"][rate]) for one in online])
            for rate in (online[0]["alarms"] if online else ())
        },
        paper_detection=None if row is None else paper.fractions_of_1(paper.DETECTION[row]),
        paper_early=None if row is None else paper.fractions_of_1(paper.EARLY[row]),
    )


def _estimates(rows: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    return {key: _estimate([row[key] for row in rows]) for key in (rows[0] if rows else ())}


def _estimates_of_all(rows: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """Return the estimates of what every row has."""
    shared = [key for key in rows[0] if all(key in row for row in rows)]
    return _estimates([{key: row[key] for key in shared} for row in rows])


def _estimate(values: Sequence[float]) -> Estimate:
    interval = mean_interval(values)
    return Estimate(interval.mean, interval.low, interval.high, tuple(values))


def _gains(results: Mapping[int, Any], theirs: Mapping[int, Any], of: Any) -> dict[str, Estimate]:
    pairs = [(of(results[seed]), of(theirs[seed])) for seed in sorted(results.keys() & theirs.keys())]
    shared = [label for label in pairs[0][0] if all(label in row for pair in pairs for row in pair)] if pairs else []
    return {label: _estimate([ours[label] - other[label] for ours, other in pairs]) for label in shared}


def _mean_curves(rows: Sequence[Mapping[str, Any]]) -> Curves | None:
    if not rows:
        return None
    return Curves(*(np.mean([row[name] for row in rows], axis=0) for name in _CURVES))


def _snapshots(runs: ArmRuns) -> tuple[Snapshot, ...]:
    kept = [{int(one["iteration"]): one for one in outputs.snapshots} for outputs in runs.outputs.values()]
    shared = set.intersection(*(set(one) for one in kept)) if kept else set()
    found = []
    for iteration in sorted(shared):
        curves = _mean_curves([one[iteration] for one in kept])
        if curves is not None:
            found.append(Snapshot(iteration, curves))
    return tuple(found)


def _seeds(study: StudyRuns) -> tuple[int, ...]:
    return tuple(int(seed) for seed in study.settings.get("confirm", {}).get("seeds", ()))


def _absent(members: Sequence[_Member]) -> list[str]:
    lines = []
    confirmed = [member for member in members if member.runs.outputs]
    if not confirmed:
        return ["No arm is confirmed yet: there are no results on the test split."] if members else ["No trial began."]
    kept = [one for member in confirmed for one in member.runs.outputs.values()]
    if not any(one.detections is not None for one in kept):
        lines.append("The runs kept no detections: differences are without interval and p, and are left out.")
    if not any(one.early_detections is not None for one in kept):
        lines.append(
            "The runs kept no detections of early detection: its differences are without interval and p, "
            "and are left out."
        )
    without = sum(one.results is not None and "online" not in one.results for one in kept)
    if without:
        lines.append(
            f"{without} of {len(kept)} confirmed runs are of a version without online metrics: per-frame mAP and early "
            "warning are left out for them."
        )
    if not any(one.scores is not None for one in kept):
        lines.append("The runs kept no frame scores: timelines show detections alone.")
    if not any(one.snapshots for one in kept):
        lines.append("The runs kept no curves from training: how scores progressed while training is left out.")
    return lines


def _cost(member: _Member) -> Cost:
    resources = member.study.settings.get("resources", {})
    cpus, gpus = (resources.get(key) for key in ("cpus", "gpus"))
    finished = sum(run.state == "finished" for run in member.runs.search)
    tried = combinations_tried(member.study, member.runs)
    return Cost(
        arm=member.name,
        trainings=len(member.runs.search) + len(member.runs.confirm),
        search_hours=_hours(member.runs.search),
        confirm_hours=_hours(member.runs.confirm),
        cpus=None if cpus is None else float(cpus),
        gpus=None if gpus is None else float(gpus),
        decodings=finished * tried,
        saved=finished * (tried - 1),
    )


def _hours(runs: Sequence[Run]) -> float:
    return sum(run.seconds or 0.0 for run in runs) / 3600


def _study(study: StudyRuns, name: str) -> StudyContent:
    settings = study.settings
    search, base = settings.get("search", {}), settings.get("base", {})
    return StudyContent(
        name=name,
        description=str(settings.get("description", "")),
        dataset=study.tags.get("dataset") or str(settings.get("dataset", "")).rstrip("/").rpartition("/")[2],
        dataset_hash=study.tags.get("dataset_hash", ""),
        store=study.store,
        status=study.status,
        reason=study.reason,
        objective=str(settings.get("objective", {}).get("metric", "")),
        protocol=str(base.get("protocol", "")),
        search_seed=search.get("seed"),
        seeds=_seeds(study),
        trials=search.get("trials"),
        settings=settings,
        provenance=study.provenance,
    )
