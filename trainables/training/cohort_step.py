"""What a cohort of trials and whoever runs it say to each other: what a step came to, and who is to leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crescendo.trainables.training.validation_report import ValidationReport

_STOPPED = "stopped"
_LONGEST = 1000


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
    """Return a line on why a trial broke: the message whole, or, of one with a traceback in it, without that."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    traceback = next((number for number, line in enumerate(lines) if "Traceback (most recent call last)" in line), None)
    if traceback is not None:
        lines = [*lines[:traceback], lines[-1]]
    return shortened(f"{type(error).__name__}: {' '.join(lines)}")


def shortened(text: str) -> str:
    """Return a line whole if it has at most 1000 letters, else both its ends: what matters may stand at either."""
    half = _LONGEST // 2 - 3
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"


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
