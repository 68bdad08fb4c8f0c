"""Make the figures that `crescendo study plan` ships with from a finished study; no number is typed by hand.

    .venv/bin/python benchmarks/planning_figures.py RESULTS DATASET

RESULTS is the study's output folder or its report.json, DATASET the prepared data set that it ran on, or the folder of several
that are its folds. What is written, to reports/planning/figures/NAME.json, is what the study's report says under `sources`, and
how many groups of recordings the data set's own split tests and validates on; several have none. Hours are left out: they are
those of a machine, not of a data set.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from crescendo.reports.planning.reading import measured_sources
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.fold_sets import fold_sets
from crescendo.trainables.data.metadata import hash_of
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import write_json

FIGURES = Path(__file__).parents[1] / "reports" / "planning" / "figures"


def _data_of(folder: Path) -> tuple[str, str, tuple[int, int] | None]:
    """Return name and content hash of a study's data, and the groups that its own split, if any, tests and validates on."""
    if sets := fold_sets(folder):
        return folder.resolve().name, hash_of([Dataset(one).content_hash for one in sets.values()]), None
    dataset = Dataset(folder)
    groups = dataset.annotations.groups()
    tested, validated = (groups.count(dataset.recordings(subset)) for subset in ("test", "validation"))
    return dataset.metadata.name, dataset.content_hash, (tested, validated)


def main() -> None:
    """Write the figures of one study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS")
    parser.add_argument("dataset", metavar="DATASET", type=Path)
    options = parser.parse_args()
    try:
        name, content_hash, split = _data_of(options.dataset)
        sources = measured_sources(options.results)
        if sources.dataset_hash and sources.dataset_hash != content_hash:
            raise InputError(f"{options.results}: ran on another data set than {options.dataset}")
        file = FIGURES / f"{name}.json"
        FIGURES.mkdir(exist_ok=True)
        write_json(file, replace(sources, dataset=name, split=split, hours=None).to_json())
    except InputError as error:
        sys.exit(f"error: {error}")
    print(file)


if __name__ == "__main__":
    main()
