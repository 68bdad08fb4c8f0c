"""Speed as a ratio: two calls run in turn in one process, and their medians compared.

Absolute times say more about the machine than about the code, so a target is always a ratio. Rounds alternate, and the
order within a round too, so that a machine that slows down or speeds up meets both sides alike.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One comparison: `ratio` against `target`, and the median seconds of either side."""

    name: str
    ratio: float
    target: str
    holds: bool
    candidate_seconds: float
    yardstick_seconds: float
    rounds: int


def compare(
    name: str,
    candidate: Callable[[], Any],
    yardstick: Callable[[], Any],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    repeats: int = 5,
    warm_up: int = 1,
) -> Row:
    """Time `candidate` and `yardstick` in turn, `repeats` rounds, and hold the median of the rounds' ratios to a target.

    Exactly one target is given: `at_least`, the ratio is yardstick / candidate (how many times faster the candidate is);
    `at_most`, it is candidate / yardstick (how many times as long it takes).
    """
    if (at_least is None) == (at_most is None):
        raise ValueError("give exactly one of at_least and at_most")
    sides = (candidate, yardstick)
    for _ in range(warm_up):
        for side in sides:
            side()
    taken: list[tuple[float, float]] = []
    for number in range(repeats):
        seconds = [0.0, 0.0]
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            begin = time.perf_counter()
            sides[which]()
            seconds[which] = time.perf_counter() - begin
        taken.append((seconds[0], seconds[1]))
    if at_least is not None:
        ratio = statistics.median(theirs / ours for ours, theirs in taken)
        target, holds = f"at least {at_least:g}", ratio >= at_least
    else:
        assert at_most is not None
        ratio = statistics.median(ours / theirs for ours, theirs in taken)
        target, holds = f"at most {at_most:g}", ratio <= at_most
    medians = [statistics.median(pair[side] for pair in taken) for side in (0, 1)]
    return Row(name, ratio, target, holds, *medians, rounds=repeats)


def report(rows: Sequence[Row], json_path: Path | str | None = None) -> bool:
    """Print the rows as a table, write them to `json_path` if one is given, and return whether every target holds."""
    table = Table("benchmark", "ratio", "target", "holds", "candidate s", "yardstick s", "rounds")
    for row in rows:
        times = (f"{row.candidate_seconds:.4g}", f"{row.yardstick_seconds:.4g}")
        table.add_row(row.name, f"{row.ratio:.3g}", row.target, "yes" if row.holds else "NO", *times, str(row.rounds))
    Console(width=120).print(table)
    if json_path is not None:
        Path(json_path).write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return all(row.holds for row in rows)
