"""Make the figures that `crescendo study plan` ships with from a finished study; no number is typed by hand.

    .venv/bin/python benchmarks/planning_figures.py RESULTS DATASET

RESULTS is the study's output folder or its report.json, DATASET the prepared data set that it ran on. What is written, to
reports/planning/figures/NAME.json, is what the study's report says under `sources`, and how many groups of recordings the data
set's own split tests and validates on. Hours are left out: they are those of a machine, not of a data set.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from crescendo.reports.planning.reading import measured_sources
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.files import write_json

FIGURES = Path(__file__).parents[1] / "reports" / "planning" / "figures"


def main() -> None:
    """Write the figures of one study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS")
    parser.add_argument("dataset", metavar="DATASET", type=Path)
    options = parser.parse_args()
    try:
        sources, dataset = measured_sources(options.results), Dataset(options.dataset)
        if sources.dataset_hash and sources.dataset_hash != dataset.content_hash:
            raise InputError(f"{options.results}: ran on another data set than {options.dataset}")
        groups = dataset.annotations.groups()
        tested, validated = (groups.count(dataset.recordings(subset)) for subset in ("test", "validation"))
        file = FIGURES / f"{dataset.metadata.name}.json"
        write_json(file, replace(sources, split=(tested, validated), hours=None).to_json())
    except InputError as error:
        sys.exit(f"error: {error}")
    print(file)


if __name__ == "__main__":
    main()
