"""What a study answers once it is whole, as its report says it: from its ledger and the outputs of its trials alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from optuna.trial import TrialState

from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.record import read_record
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.study_trials import phases_of
from crescendo.reports.analysis.comparisons import looks_of
from crescendo.reports.analysis.looks import Look
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.page.sentences import answers, opening, sentences
from crescendo.reports.source.artifacts import read_artifacts
from crescendo.reports.source.runs import ArmRuns, StudyRuns, TrialRun
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.replicates import Replicate
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.metric_keys import CHOSEN_MERGE_GAP, OBJECTIVE
from crescendo.trainables.training.job import outputs

_STATES = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


@dataclass(frozen=True)
class StudyVerdict:
    """The first words of the report, arm -> its answer in words, and arm -> the report's sentence on it.

    There are no words if no arm can be compared, unless it is that nothing was tested.
    """

    text: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    arms: Mapping[str, str] = field(default_factory=dict)


def study_verdict(run: StudyRun) -> StudyVerdict:
    """Return what the report of a study will say, before MLflow has its runs.

    Whatever goes wrong here, the study is whole: the text then says that, and why.
    """
    try:
        model = summarise([_study_runs(run)], allow_plugin=True, asked_only=True)
    except InputError as error:
        return StudyVerdict(f"The arms cannot be compared: {error}")
    except Exception as error:  # noqa: BLE001  # of somebody's own matching rule, or of outputs that were removed
        return StudyVerdict(f"The arms cannot be compared: {type(error).__name__}: {' '.join(str(error).split())}")
    found = answers(model)
    if not found:
        return StudyVerdict(opening(model)) if model.untested is not None else StudyVerdict()
    return StudyVerdict(opening(model), found, dict(sentences(model)))


def looks(run: StudyRun) -> tuple[Look, ...]:
    """Return the looks at a study that are due by what has run: of one that runs until it is decided."""
    return looks_of(_study_runs(run))


def _study_runs(run: StudyRun) -> StudyRuns:
    return StudyRuns(
        name=run.study.name,
        study=run.study,
        store="",
        status="finished",
        reason=None,
        dataset="",
        dataset_hash=run.place.dataset_hash,
        provenance={},
        arms=tuple(_arm_runs(run, arm, one) for arm in arms_of(run.study) for one in run.replicates),
        missing=(),
        notes=(),
        folds=tuple(run.place.folds),
        added_late=read_record(run.place.output).added_late,
    )


def _arm_runs(run: StudyRun, arm: Arm, replicate: Replicate) -> ArmRuns:
    trials = {
        phase: tuple(_trial_run(arm, entry) for entry in run.entries(arm.name, phase, replicate))
        for phase in phases_of(run.study)
    }
    confirmed = tuple(_trial_run(arm, entry) for entry in run.confirmed(arm.name, replicate))
    folders = {one.seed: outputs(run.place.trial(one.id)) for one in confirmed if one.seed is not None}
    artifacts = {seed: read_artifacts(folder)[0] for seed, folder in sorted(folders.items())}
    best = run.best(arm.name, replicate)
    return ArmRuns(
        arm,
        trials["search"],
        trials["confirm"],
        confirmed,
        artifacts,
        gap_curve=(),
        replicate=replicate,
        finalists=trials.get("finalist", ()),
        chosen=None if best is None else best.number,
    )


def _trial_run(arm: Arm, entry: TrialRecord) -> TrialRun:
    metrics = dict(entry.metrics)
    if entry.value is not None:
        metrics[str(OBJECTIVE)] = entry.value
    if "merge_gap" in entry.chosen:
        metrics[str(CHOSEN_MERGE_GAP)] = entry.chosen["merge_gap"]
    return TrialRun(
        id=entry.identity,
        arm=entry.arm,
        phase=entry.phase,
        number=entry.number,
        seed=entry.settings.get("seed"),
        state=_STATES.get(entry.state, "running"),
        reason=None,
        settings={**arm.ablated, **entry.settings},
        metrics=metrics,
        seconds=entry.seconds or None,
        replicate=entry.replicate,
    )
