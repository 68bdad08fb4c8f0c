"""Why a process of trials broke, in a line, and through whose fault, from what Ray says of it."""

from __future__ import annotations

import re
from typing import Literal

from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError

from crescendo.trainables.errors import DatasetChangedError, SurroundingsError
from crescendo.trainables.training.cohort_step import failure_line, shortened

Blame = Literal["data", "surroundings", "machine", "trial"]

# `module.NameError: message`, as a traceback ends in.
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*(?=[A-Za-z_]\w*(?:Error|Exception|Exit|Interrupt|Warning)\b)", re.MULTILINE)
# How Ray says why a process of its own is gone.
_DETAIL = re.compile(r"Worker exit detail:\s*(?P<detail>.*)")
_LOW_MEMORY = re.compile(r"running low on memory", re.IGNORECASE)
_USED = re.compile(r"was (?P<used>[\d.]+\w+ ?/ ?[\d.]+\w+)")
_NODE = re.compile(r"node has died|node was (?:terminated|preempted|drained)", re.IGNORECASE)


def blame(error: Exception | str | None) -> Blame:
    """Return through whose fault a process broke.

    `data`: another data set lies there; `surroundings`: a disk or data set is gone or full for now; `machine`: it was
    lost; else the trial's own.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, DatasetChangedError):
        return "data"
    if isinstance(cause, SurroundingsError):
        return "surroundings"
    # Unavailable: the connection broke, and Ray does not know yet that the machine is gone. A process that died is said to be.
    gone = isinstance(error, ActorUnavailableError)
    if isinstance(error, RayActorError) and (gone or error.preempted or _NODE.search(str(error))):
        return "machine"
    return "trial"


def reason(error: Exception | str | None) -> str:
    """Return one line on why a process of trials broke: the cause, without Ray's words around it."""
    if error is None:
        return "unknown: Ray kept no word of it"
    cause = getattr(error, "cause", None)
    if isinstance(cause, DatasetChangedError | SurroundingsError):
        return str(cause)
    if isinstance(error, RayTaskError) and cause is not None:
        return failure_line(cause)
    text = str(error)
    if isinstance(error, ActorUnavailableError):
        return f"its machine, or the connection to it, was lost ({shortened(' '.join(text.split()))})"
    lost = _lost(text, isinstance(error, RayActorError) and not error.actor_init_failed)
    ends = [found.end() for found in _RAISED.finditer(text)]
    name = "" if ends or isinstance(error, str) else f"{type(error).__name__}: "
    return lost or shortened(f"{name}{' '.join(text[ends[-1] if ends else 0 :].split())}")


def _lost(text: str, died: bool) -> str | None:
    """Return what became of a process that was ended, None if it ended of itself; `died`: it is gone, whatever the text."""
    line = " ".join(text.split())
    if _LOW_MEMORY.search(line):
        found = _USED.search(line)
        used = f" ({found['used']} in use)" if found else ""
        return (
            f"Ray ended its process because the machine ran out of memory{used}; "
            "run fewer trials at once (resources.concurrent), or smaller ones"
        )
    if _NODE.search(line):
        return f"its machine was lost ({shortened(line)})"
    detail = _DETAIL.search(line)
    return f"its worker was lost ({shortened(detail['detail'] if detail else line)})" if died else None
