"""An arm of a report, which may be of one study or of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crescendo.reports.source.artifacts import RunArtifacts
from crescendo.reports.source.runs import ArmRuns, StudyRuns
from crescendo.search_spaces.arms import Arm
from crescendo.search_spaces.replicates import Replicate
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics

Training = tuple[Replicate, int]
"""A confirmed run of an arm: its replicate, and its seed."""


@dataclass(frozen=True)
class ReportedArm:
    """An arm of a report: its name there, its study and that one's name there, and its runs, by replicate."""

    name: str
    study_name: str
    study: StudyRuns
    replicates: tuple[ArmRuns, ...]

    @property
    def arm(self) -> Arm:
        """What is fixed and what is searched in it."""
        return self.replicates[0].arm

    @property
    def variant(self) -> str | None:
        """The variant of its loss; None where that is searched."""
        variant = self.arm.settings.get("variant")
        return None if variant is None else str(variant)

    @property
    def artifacts(self) -> dict[Training, RunArtifacts]:
        """Replicate and seed -> what the confirmed run left."""
        return {(runs.replicate, seed): one for runs in self.replicates for seed, one in runs.artifacts.items()}

    def metrics(self) -> dict[Training, SubsetMetrics]:
        """Return replicate and seed -> figures of the test split (`RunArtifacts.metrics`), of the runs that have them."""
        return {key: one.metrics for key, one in self.artifacts.items() if one.metrics is not None}


def untested(members: Sequence[ReportedArm]) -> str | None:
    """Return why nothing could be tested; None where something was, or no run is confirmed."""
    told = (one.untested for member in members for one in member.artifacts.values())
    return next((reason for reason in told if reason is not None), None)


def members_of(studies: Sequence[StudyRuns]) -> list[ReportedArm]:
    """Return the arms of all studies, in order; of several studies, each is named `STUDY: ARM`."""
    members = []
    for name, study in zip(distinct_names(studies), studies, strict=True):
        for arm in dict.fromkeys(runs.name for runs in study.arms):
            runs = tuple(one for one in study.arms if one.name == arm)
            members.append(ReportedArm(f"{name}: {arm}" if len(studies) > 1 else arm, name, study, runs))
    return members


def distinct_names(studies: Sequence[StudyRuns]) -> list[str]:
    """Return a name for each study; of two with the same name the second is numbered."""
    counts: Counter[str] = Counter()
    names = []
    for study in studies:
        counts[study.name] += 1
        names.append(study.name if counts[study.name] == 1 else f"{study.name} ({counts[study.name]})")
    return names
