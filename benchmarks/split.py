"""How a number of trainings is split best into folds, repeats, trials, finalists and seeds, with what was measured.

    .venv/bin/python benchmarks/split.py [--figures FILE] [--arms 5] [--trainings 125] [--page FILE] [--json FILE]

For the figures that ship of a data set (default: hapt), or a finished study's report.json. The luck of a search is simulated
(reports/planning/luck.py), what a design sees follows from the parts of the variance as the report puts them together. The rows:
the design that loss_ablation had until it got folds, then splits of as many trainings, then the best there is for fewer and more.
`--page` puts the table between its marks in docs/statistics.md.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from marked import fill

from crescendo.reports.planning.designs import FEW_FOLDS, FOLDS, Design, candidates, keenest, outlook
from crescendo.reports.planning.reading import measured_sources, shipped_sources
from crescendo.reports.planning.sources import Sources

OLD = Design(None, 1, 20, 1, 0, 3)
NEW = Design(5, 1, 3, 1, 0, 2)
TRIED = (
    OLD,
    Design(None, 3, 6, 1, 0, 2),
    Design(None, 5, 3, 1, 0, 2),
    Design(5, 1, 1, 1, 0, 4),
    Design(5, 1, 2, 1, 0, 3),
    NEW,
    Design(5, 1, 4, 1, 0, 1),
    Design(5, 1, 2, 2, 1, 1),
    Design(6, 1, 3, 1, 0, 1),
    Design(8, 1, 2, 1, 0, 1),
)
TIMES = (0.5, 1, 2, 4, 8)


def rows(sources: Sources, arms: int, trainings: int) -> Iterator[tuple[str, Design]]:
    """Yield what a row is, and its design."""
    for design in TRIED:
        kind = "before" if design == OLD else "loss_ablation" if design == NEW else ""
        yield kind, design
    for times in TIMES:
        most = math.floor(times * trainings / arms)
        folds = FOLDS if times >= 1 else (*FEW_FOLDS, *FOLDS)
        every = candidates(sources, NEW, searched=True, folds=folds, most=most)
        best = keenest(sources, every, arms - 1)
        if best is not None:
            yield f"best of {most * arms:,}", best


def measured(sources: Sources, arms: int, trainings: int) -> Iterator[dict[str, object]]:
    """Yield each row's figures."""
    for kind, design in rows(sources, arms, trainings):
        found = outlook(sources, design, arms - 1)
        if found is not None:
            yield {
                "row": kind,
                **asdict(design),
                "trainings": design.trainings * arms,
                "detectable": found.detectable,
                "reported": found.reported,
                "short": found.luck.short if found.luck else None,
                "uneven": math.sqrt(found.luck.uneven) if found.luck else None,
            }


def page(found: list[dict[str, object]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| | folds | searches a fold | trials | finalists | seeds | trainings | shows | report says | short | uneven |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        finalists = f"{row['finalists']} x {row['finalist_seeds']}" if row["finalists"] != 1 else ""
        figures = " | ".join(f"{row[key]:.1f}" if row[key] is not None else "" for key in _FIGURES)
        folds = "one split" if row["folds"] is None else row["folds"]
        lines.append(
            f"| {row['row']} | {folds} | {row['repeats']} | {row['trials']} | {finalists} | {row['seeds']} | {row['trainings']} "
            f"| {figures} |"
        )
    return "\n".join(lines)


_FIGURES = ("detectable", "reported", "short", "uneven")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", default="hapt", help="a data set whose figures ship, or a study's report.json")
    parser.add_argument("--arms", type=int, default=5)
    parser.add_argument("--trainings", type=int, default=125)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    read = measured_sources if options.figures.endswith(".json") else shipped_sources
    found = list(measured(read(options.figures), options.arms, options.trainings))
    table = page(found)
    print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.page:
        fill({options.page: {"split": table}})


if __name__ == "__main__":
    main()
