"""Cohorts: trials that train side by side in one process, from batches that they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crescendo.search_spaces.schema.phases import Resources

FILLS_A_GPU = 10
"""Trials that keep a GPU busy: on an H100 ten are 1.9 times as fast as one, each for itself, and twenty no faster."""

SHARE_A_GPU = 3
"""Cohorts that take turns at a GPU: results take about as long as trainings, and the next cohort is to be ready by then."""

Batches = tuple[Any, ...]
"""What the batches of a training follow from, its data set aside."""

# What decides which frames a batch holds, how many there are, and where they are learnt from.
_SHARED = ("sequences", "sequence_length", "iterations", "seed", "device")


def batches_of(settings: Mapping[str, Any]) -> Batches:
    """Return what trainings on one data set must agree on to share every batch; None for what is not known yet."""
    return tuple(settings.get(key) for key in _SHARED)


def agree(first: Batches, second: Batches) -> bool:
    """Tell whether two `batches_of` are the same as far as both are known."""
    return all(one == other or one is None or other is None for one, other in zip(first, second, strict=True))


def together(resources: Resources) -> bool:
    """Tell whether trials train in cohorts at all."""
    return resources.gpus == 1 if resources.cohort == "auto" else resources.cohort > 1


def largest(resources: Resources, waiting: int, free: int) -> int:
    """Return how many trials the next cohort may hold.

    `waiting` is the number of trials that can start now, `free` that of the processes that are free for them: `auto`
    leaves none of those idle.
    """
    if not together(resources):
        return 1
    return min(FILLS_A_GPU, -(-waiting // free)) if resources.cohort == "auto" else resources.cohort


def take_turns(resources: Resources) -> bool:
    """Tell whether several cohorts share a GPU: one trains while the others begin or work out their results."""
    return together(resources) and resources.gpus == 1


def gpu_share(resources: Resources) -> float:
    """Return the share of a GPU that a process asks for."""
    # Ray knows four decimals.
    return round(resources.gpus / SHARE_A_GPU, 4) if take_turns(resources) else resources.gpus
