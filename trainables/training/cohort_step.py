"""What a cohort of trials and whoever runs it say to each other: what a step came to, and who is to leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crescendo.trainables.training.validation_report import ValidationReport

_STOPPED = "stopped"


@dataclass(frozen=True)
class CohortStep:
    """What a step of a cohort came to, by the trials' identities.

    Attributes
    ----------
    reports
        Of the trials that were validated. One that is done has left the cohort.
    failures
        Why a trial broke, in a line. It has left the cohort, the others go on.
    """

    reports: Mapping[str, ValidationReport] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


def failure_line(error: BaseException) -> str:
    """Return a line on why a trial broke."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def leave_cohort(folder: str | Path) -> None:
    """Have the trial in `folder` leave its cohort before its next step.

    A process that trains is reached through the trial's folder alone, which all nodes see.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / _STOPPED).touch()


def leaves_cohort(folder: str | Path) -> bool:
    """Tell whether the trial in `folder` is to leave its cohort, once for each `leave_cohort`."""
    try:
        (Path(folder) / _STOPPED).unlink()
    except FileNotFoundError:
        return False
    return True
