"""How often a report calls arms different that are equal, by simulation: family-wise, over four arms unless said.

    .venv/bin/python benchmarks/calibration.py [--quick] [--only WORD] [--json FILE] [--page FILE]

Each row is 4,000 simulated studies (`--quick`: 400), printed when it is there. `before` is the report as it was: every
recording by itself, one search, Holm's correction, looked at after every seed where seeds are added. `now` must lie between 3
and 7 %, up to the error of the simulation, where the report gives an answer. Rows of which it gives none, and those of which it
says that something is not in its answer (a single search; what all folds are trained on; seeds added by hand), are shown and
held to nothing. `--page` puts the tables between the two marks in docs/statistics.md. Exits with 1 if a row is off.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from marked import fill
from simulated_faults import FIRST_SEEDS, Habit, intervals_read, seeds_added, seeds_added_before, stars_counted
from simulated_labels import LabelCase
from simulated_labels import called_different as called_with_labels
from simulated_looks import decided, looks
from simulated_studies import Case, called_different, called_different_before, simulated

from crescendo.reports.analysis.enough import too_little, too_rare

STUDIES, QUICK, SEED = 4000, 400, 2027
LOWEST, HIGHEST = 0.03, 0.07
ONE_SEARCH = "one search: its luck is not in the answer"
ONE_MATERIAL = "what all folds were trained on is not in the answer"
BY_HAND = "seeds added after looking: p no longer holds"


@dataclass(frozen=True)
class Until:
    """A study that runs until it is decided: with 3 seeds first, at most those of the case, and a margin of 2 of its errors."""

    case: Case


Simulated = Case | LabelCase | Until | Habit


@dataclass(frozen=True)
class Measured:
    """A row: the share of studies with any arm called different, and with any called so before; why nothing is concluded."""

    part: str
    name: str
    case: Simulated
    studies: int
    now: float
    before: float | None
    refused: str | None
    outside: str | None

    @property
    def holds(self) -> bool:
        """Whether `now` is what it must be, within three standard errors of the simulation."""
        if self.outside is not None or self.refused is not None:
            return True
        error = 3 * math.sqrt(0.05 * 0.95 / self.studies)
        return LOWEST - error <= self.now <= HIGHEST + error


def cases() -> Iterator[tuple[str, str, Simulated, str | None]]:
    """Yield part of the table, what is special, the case, and what its answer leaves out."""
    part = "One split, one search"
    for groups in (3, 4, 6, 10, 19, 50, 100):
        yield part, f"{groups} groups", Case(groups=groups), None
    for kind in ("t3", "skewed"):
        for groups in (4, 19, 100):
            yield part, f"{groups} groups, {kind}", Case(groups=groups, parts=kind), None
    for seeds in (2, 5, 10):
        yield part, f"{seeds} seeds", Case(seeds=seeds), None
    yield part, "seeds spread as recordings do", Case(seed=0.5), None
    yield part, "seeds spread twice as far", Case(seed=1.0, both=0.0), None
    yield part, "seeds alone vary", Case(seed=5.0, both=0.0), None
    for arms in (1, 2, 8):
        yield part, f"{arms} arm{'s' if arms > 1 else ''} compared", Case(arms=arms), None
    yield part, "1 arm compared, 4 groups", Case(arms=1, groups=4), None
    part = "People with several recordings"
    for groups, each in ((6, 10), (4, 10), (10, 2), (30, 2)):
        for alike in (0.0, 0.2, 0.5):
            yield (
                part,
                f"{groups} people, {each} each, correlation {alike:g}",
                Case(groups=groups, each=each, alike=alike),
                None,
            )
    part = "Search spread"
    for search in (0.5, 1.0, 2.0):
        yield part, f"one search, spread {search:g}", Case(search=search), ONE_SEARCH
    for repeats in (2, 3, 5):
        for search in (0.0, 0.5, 1.0, 2.0):
            yield part, f"{repeats} searches, spread {search:g}", Case(repeats=repeats, search=search), None
    yield from _more_searches("Search spread")
    part = "Folds"
    for search in (0.0, 0.5, 1.0, 2.0):
        yield part, f"5 folds, spread {search:g}", Case(folds=5, groups=6, search=search), None
    yield from _more_folds(part)
    yield from until_decided()
    part = "Labels that few recordings have"
    for groups, having in (
        (10, (10, 10, 5)),
        (10, (10, 4, 4, 4)),
        (10, (*7 * [10], 2)),
        (10, (*7 * [10], 1)),
        (100, (100, 20, 5)),
        (30, (*3 * [30], *3 * [4])),
        (10, (10, 5, 2)),
        (10, (10, 3, 2, 2)),
        (10, (10, 1)),
    ):
        listed = ", ".join(map(str, having))
        yield part, f"labels in {listed} of {groups} groups", LabelCase(having, groups=groups), None
    for groups, having in ((10, (10, 10, 5)), (6, (6, 6, 6, 2)), (6, (6, 6, 6, 1)), (6, (6, 3, 1, 1)), (4, (4, 2, 1))):
        listed = ", ".join(map(str, having))
        yield part, f"5 folds, labels in {listed} of {groups} groups each", LabelCase(having, groups, folds=5), None
    yield from habits()


def habits() -> Iterator[tuple[str, str, Habit, str | None]]:
    """Yield the rows of what is done with reports."""
    part = "What is done with a report"
    for most in (6, 10, 20):
        for seed, spread in ((0.2, ""), (0.5, ", seeds spread as recordings do")):
            name = f"seeds added by hand until a difference shows, up to {most}{spread}"
            yield part, name, Habit(Case(seeds=most, seed=seed), seeds_added), BY_HAND
    for arms in (2, 4, 8):
        yield part, f"intervals of {arms} arms read each by itself", Habit(Case(arms=arms), intervals_read), None
    for alike in (0.5, 0.8, 0.95):
        name = f"stars of 18 columns counted, correlation {alike:g}"
        yield part, name, Habit(Case(), stars_counted(alike)), None


def until_decided() -> Iterator[tuple[str, str, Until, str | None]]:
    """Yield the rows of studies that run until they are decided."""
    part = "Until it is decided"
    usual = Case(seeds=20)
    rows = {
        "3 to 20 seeds": usual,
        "3 to 20 seeds, 4 groups": replace(usual, groups=4),
        "3 to 20 seeds, seeds spread as recordings do": replace(usual, seed=0.5),
        "3 to 20 seeds, seeds spread twice as far": replace(usual, seed=1.0, both=0.0),
        "3 to 20 seeds, seeds alone vary": replace(usual, seed=5.0, both=0.0),
        "3 to 20 seeds, seeds as recordings, t3": replace(usual, seed=0.5, parts="t3"),
        "3 to 20 seeds, seeds as recordings, skewed": replace(usual, seed=0.5, parts="skewed"),
        "3 to 20 seeds, 1 arm, seeds as recordings": replace(usual, arms=1, seed=0.5),
        "3 to 20 seeds, 1 arm, seeds twice as far": replace(usual, arms=1, seed=1.0),
        "3 to 20 seeds, 8 arms, seeds as recordings": replace(usual, arms=8, seed=0.5),
        "3 to 6 seeds, seeds as recordings": replace(usual, seeds=6, seed=0.5),
        "3 to 12 seeds, 3 searches": Case(seeds=12, repeats=3, search=1.0),
        "3 to 12 seeds, 5 folds": Case(seeds=12, folds=5, groups=6, search=1.0),
    }
    for name, case in rows.items():
        yield part, name, Until(case), None


def _more_searches(part: str) -> Iterator[tuple[str, str, Case, str | None]]:
    for kind in ("t3", "skewed"):
        for repeats in (2, 3, 5):
            yield part, f"{repeats} searches, spread 1, {kind}", Case(repeats=repeats, search=1.0, parts=kind), None
    for repeats in (3, 5):
        yield part, f"{repeats} searches, one arm's twice as wide", Case(repeats=repeats, search=1.0, unequal=2.0), None
        for arms in (1, 2, 8):
            yield (
                part,
                f"{repeats} searches, {arms} arm{'s' if arms > 1 else ''}",
                Case(arms=arms, repeats=repeats, search=1.0),
                None,
            )
    yield part, "2 searches, one arm's twice as wide", Case(repeats=2, search=1.0, unequal=2.0), None
    yield part, "2 searches, 1 arm", Case(arms=1, repeats=2, search=1.0), None
    yield part, "3 searches, 4 people", Case(groups=4, repeats=3, search=1.0), None
    yield part, "3 searches, one seed each", Case(seeds=1, repeats=3, search=1.0), None


def _more_folds(part: str) -> Iterator[tuple[str, str, Case, str | None]]:
    usual = Case(folds=5, groups=6, search=1.0)
    yield part, "5 folds, 30 people, 2 recordings each", replace(usual, each=2, alike=0.5), None
    for kind in ("t3", "skewed"):
        yield part, f"5 folds, {kind}", replace(usual, parts=kind), None
    yield part, "5 folds, one arm's search twice as wide", replace(usual, unequal=2.0), None
    for arms in (1, 2, 8):
        yield part, f"5 folds, {arms} arm{'s' if arms > 1 else ''}", replace(usual, arms=arms), None
    yield part, "4 folds of one person each", replace(usual, folds=4, groups=1, each=7), None
    yield part, "3 folds", replace(usual, folds=3, groups=10), None
    yield part, "2 folds", replace(usual, folds=2, groups=10), None
    yield part, "10 folds", replace(usual, folds=10, groups=3), None
    yield part, "5 folds, one seed", replace(usual, seeds=1), None
    yield part, "5 folds, 2 seeds", replace(usual, seeds=2), None
    yield part, "5 folds, 3 searches each", replace(usual, repeats=3), None
    yield part, "5 folds, trained on what half of them share, spread 0.5", replace(usual, training=0.5), ONE_MATERIAL
    yield part, "the same, spread 1", replace(usual, training=1.0), ONE_MATERIAL


def measure(part: str, name: str, case: Simulated, outside: str | None, studies: int) -> Measured:
    """Return a row of as many simulated studies."""
    if isinstance(case, Until):
        of, found, earlier_looks = case.case, [], []
        for values in simulated(of, studies, SEED):
            found.append(decided(of, values, 2 * of.error, looks(FIRST_SEEDS, of.seeds)).answers)
            if of.folds == of.repeats == 1:
                earlier_looks.append(seeds_added_before(of, values))
        different = (np.abs(np.concatenate(found)) == 1).any(axis=1)
        was = float(np.concatenate(earlier_looks).mean()) if earlier_looks else None
        return Measured(part, name, case, studies, float(different.mean()), was, None, outside)
    if isinstance(case, Habit):
        random = np.random.default_rng([SEED, 1])
        habit = [case.taken(case.case, values, random) for values in simulated(case.case, studies, SEED)]
        was, is_now = (float(np.concatenate(one).mean()) for one in zip(*habit, strict=True))
        return Measured(part, name, case, studies, is_now, was, None, outside)
    refused = too_little(case.layout)
    if isinstance(case, LabelCase):
        refused = refused or too_rare(case.having if case.folds == 1 else ())
        now = np.concatenate(list(called_with_labels(case, studies, SEED)))
        return Measured(part, name, case, studies, float(now.mean()), None, refused, outside)
    called, before = [], []
    for values in simulated(case, studies, SEED):
        called.append(called_different(case, values))
        if case.seeds > 1 and case.groups * case.each > 1:
            before.append(called_different_before(case, values))
    earlier = float(np.concatenate(before).mean()) if before else None
    return Measured(part, name, case, studies, float(np.concatenate(called).mean()), earlier, refused, outside)


def page(rows: list[Measured]) -> str:
    """Return the rows as the Markdown of docs/statistics.md."""
    lines = []
    for part in dict.fromkeys(row.part for row in rows):
        lines += [f"**{part}**", "", "| | before | now | |", "|---|---:|---:|---|"]
        for row in (one for one in rows if one.part == part):
            before = "" if row.before is None else f"{100 * row.before:.1f} %"
            told = row.outside or ("" if row.refused is None else "no answer is given: too little")
            lines.append(f"| {row.name} | {before} | {100 * row.now:.1f} % | {told} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Run what the command line asks for; 1 if a row is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} studies a row, not {STUDIES:,}")
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose part or name holds this word")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the tables between its marks")
    options = parser.parse_args()
    studies, rows = QUICK if options.quick else STUDIES, []
    print(f"{'':58} before    now   (% of {studies:,} studies in which any equal arm is called different)")
    for part, name, case, outside in cases():
        if options.only not in f"{part}: {name}":
            continue
        if not rows or rows[-1].part != part:
            print(part)
        row = measure(part, name, case, outside, studies)
        rows.append(row)
        before = "     -" if row.before is None else f"{100 * row.before:6.1f}"
        told = row.outside or (f"refused: {row.refused}" if row.refused else "" if row.holds else "OFF")
        print(f"{name:58} {before} {100 * row.now:6.1f}   {told}", flush=True)
    if options.json:
        options.json.write_text(json.dumps([{**asdict(row), "holds": row.holds} for row in rows], indent=1) + "\n")
    if options.page:
        fill({options.page: {"calibration": page(rows)}})
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
