"""Speed as a ratio: two calls run in turn in one process, and their medians compared.

Absolute times say more about the machine than about the code, so a target is always a ratio. Rounds alternate, and the
order within a round too, so that a machine that slows down or speeds up meets both sides alike. `CRESCENDO_BENCH_ROUNDS`
in the environment is the most rounds that are run: 1 shows whether a benchmark works, not how fast anything is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One comparison: `ratio` against `target`, and the median seconds of either side; None what was not measured."""

    name: str
    ratio: float | None
    target: str
    holds: bool
    candidate_seconds: float | None
    yardstick_seconds: float | None
    rounds: int


def not_measured(name: str, why: str, *, holds: bool) -> Row:
    """Return the row of a benchmark that gave no number."""
    return Row(name, None, why, holds, None, None, 0)


def rounds(wanted: int) -> int:
    """Return how many rounds to run: `wanted`, or fewer if the environment says so."""
    return min(wanted, int(os.environ.get("CRESCENDO_BENCH_ROUNDS", wanted)))


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

    With `at_least` the ratio is yardstick / candidate (how many times faster the candidate is), with `at_most` it is
    candidate / yardstick (how many times as long it takes). With neither it is the former, and nothing is held to it.
    """
    if at_least is not None and at_most is not None:
        raise ValueError("give one of at_least and at_most")
    repeats = rounds(repeats)
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
    if at_most is not None:
        ratio = statistics.median(ours / theirs for ours, theirs in taken)
        target, holds = f"at most {at_most:g}", ratio <= at_most
    else:
        ratio = statistics.median(theirs / ours for ours, theirs in taken)
        target, holds = ("none", True) if at_least is None else (f"at least {at_least:g}", ratio >= at_least)
    medians = [statistics.median(pair[side] for pair in taken) for side in (0, 1)]
    return Row(name, ratio, target, holds, *medians, rounds=repeats)


def growth(
    name: str, calls: Sequence[Callable[[], Any]], sizes: Sequence[float], *, at_most: float, repeats: int = 5
) -> Row:
    """Hold the exponent with which the time of `calls` grows with their `sizes` to a target.

    It is the slope of a line through (log size, log of the median time). The row's times are those of the largest and
    the smallest.
    """
    repeats = rounds(repeats)
    calls[0]()
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(repeats):
        for which in range(len(calls)) if number % 2 == 0 else reversed(range(len(calls))):
            begin = time.perf_counter()
            calls[which]()
            taken[which].append(time.perf_counter() - begin)
    medians = [statistics.median(one) for one in taken]
    line = statistics.linear_regression([math.log(size) for size in sizes], [math.log(one) for one in medians])
    return Row(name, line.slope, f"at most {at_most:g}", line.slope <= at_most, medians[-1], medians[0], repeats)


def shown(value: float | None, digits: int) -> str:
    """Return a number as tables show it."""
    return "-" if value is None else f"{value:.{digits}g}"


def report(rows: Sequence[Row], json_path: Path | str | None = None) -> bool:
    """Print the rows as a table, write them to `json_path` if one is given, and return whether every target holds."""
    table = Table("benchmark", "ratio", "target", "holds", "candidate s", "yardstick s", "rounds")
    for row in rows:
        times = (shown(row.candidate_seconds, 4), shown(row.yardstick_seconds, 4))
        table.add_row(row.name, shown(row.ratio, 3), row.target, "yes" if row.holds else "NO", *times, str(row.rounds))
    Console(width=120).print(table)
    if json_path is not None:
        Path(json_path).write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return all(row.holds for row in rows)


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of `--json FILE`, which every benchmark takes, to be given more options."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    return parser


def run_script(description: str | None, measure: Callable[[], Iterable[Row]]) -> None:
    """Be a script that measures, prints its rows, writes them with `--json`, and exits with 1 if a target is missed.

    Each row of a `measure` that yields them is printed as soon as it is there, before the table of all.
    """
    options = argument_parser(description).parse_args()
    rows, hold = [], False
    try:
        for row in measure():
            rows.append(row)
            times = f"{shown(row.candidate_seconds, 4)} s, {shown(row.yardstick_seconds, 4)} s"
            print(f"{row.name}: {shown(row.ratio, 3)} ({row.target}; {times})", flush=True)
    finally:
        # What was measured before something broke is not lost.
        hold = report(rows, options.json)
    sys.exit(0 if hold else 1)
