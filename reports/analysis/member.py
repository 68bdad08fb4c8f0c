"""An arm of a report, which may be of one study or of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crescendo.reports.source.runs import ArmRuns, StudyRuns
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics


@dataclass(frozen=True)
class Member:
    """An arm of a report: its name there, its study and that one's name there, and its runs."""

    name: str
    study_name: str
    study: StudyRuns
    runs: ArmRuns

    @property
    def variant(self) -> str | None:
        """The variant of its loss; None where that is searched."""
        variant = self.runs.arm.settings.get("variant")
        return None if variant is None else str(variant)

    def metrics(self) -> dict[int, SubsetMetrics]:
        """Return seed -> figures of the test split, of the seeds that have them."""
        kept = {seed: artifacts.metrics for seed, artifacts in self.runs.artifacts.items()}
        return {seed: metrics for seed, metrics in kept.items() if metrics is not None}


def members_of(studies: Sequence[StudyRuns]) -> list[Member]:
    """Return the arms of all studies, in order; of several studies, each is named `STUDY: ARM`."""
    return [
        Member(f"{name}: {runs.name}" if len(studies) > 1 else runs.name, name, study, runs)
        for name, study in zip(distinct_names(studies), studies, strict=True)
        for runs in study.arms
    ]


def distinct_names(studies: Sequence[StudyRuns]) -> list[str]:
    """Return a name for each study; of two with the same name the second is numbered."""
    counts: Counter[str] = Counter()
    names = []
    for study in studies:
        counts[study.name] += 1
        names.append(study.name if counts[study.name] == 1 else f"{study.name} ({counts[study.name]})")
    return names
