"""What `confirm: {until: decided}` finds and saves beside as many seeds for every arm, by simulation.

    .venv/bin/python benchmarks/until_decided.py [--studies N] [--page FILE]

Four arms, one of which differs from the baseline by `effect`, in differences that 20 seeds of every arm detect with 80 %; the
margin is one of them. Better, equivalent: studies that call that arm so; others wrong: that call any of the other three
different; seeds: the mean number an arm, the baseline counted, has in the end. `--page` puts the table between its marks in
docs/statistics.md.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from marked import fill
from simulated_looks import Decided, decided, looks
from simulated_studies import Case, simulated

from crescendo.reports.analysis.statistics import detectable_difference
from crescendo.reports.analysis.variance import gained

MOST, FIRST, SEED = 20, 3, 77
CASES = {
    "recordings vary most": Case(seeds=MOST),
    "seeds as much as recordings": Case(seeds=MOST, seed=0.4),
    "seeds vary most": Case(seeds=MOST, seed=1.0),
}
EFFECTS = (0.0, 0.5, 1.0, 1.5)


def detectable(case: Case) -> float:
    """Return the difference that this case, with all seeds, detects with 80 %."""
    degrees = gained(case.arms) * (case.groups - 1)
    return detectable_difference(math.sqrt(2) * case.error, degrees, case.arms)


def found(case: Case, effect: float, margin: float, seeds: tuple[int, ...], studies: int) -> Decided:
    """Return what becomes of studies whose first arm is better by `effect`."""
    parts = []
    for values in simulated(case, studies, SEED):
        values[:, 0] += effect
        parts.append(decided(case, values, margin, seeds))
    return Decided(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("answers", "seeds")))


def rows(studies: int) -> Iterator[list[str]]:
    """Yield the rows of the table."""
    for name, case in CASES.items():
        size = detectable(case)
        for effect in EFFECTS:
            shares = []
            for first, most in ((FIRST, FIRST), (MOST, MOST), (FIRST, MOST)):
                plan = looks(first, most) if first < most else (most,)
                one = found(replace(case, seeds=most), effect * size, size, plan, studies)
                better, wrong = (one.answers[:, 0] == 1).mean(), (np.abs(one.answers[:, 1:]) == 1).any(axis=1).mean()
                same = (one.answers[:, 0] == 2).mean()
                shares.append((better, same, wrong, (one.seeds.sum(axis=1) + one.seeds.max(axis=1)).mean() / 5))
            cells = [f"{100 * value:.0f} %" for share in shares for value in share[:2]]
            yield [name, f"{effect:g}", *cells, f"{100 * shares[2][2]:.1f} %", f"{shares[2][3]:.1f}"]


HEAD = (
    "| | effect | 3 seeds: better | equivalent | 20 seeds: better | equivalent | until decided: better | equivalent | "
    "others wrong | seeds |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--page", type=Path, metavar="FILE")
    options = parser.parse_args()
    print(HEAD)
    lines = [HEAD]
    for row in rows(options.studies):
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
    if options.page:
        fill({options.page: {"until decided": "\n".join(lines)}})


if __name__ == "__main__":
    main()
