"""What the shipped studies on public data found, from their `report.json`: docs/findings.md, its figure, the README's sentences.

    .venv/bin/python benchmarks/findings.py [REPORT.json ...] [--page FILE] [--figure FILE] [--readme FILE]

Each file is the `report.json` of a finished study of those that ship as `findings_...` (`make findings` reports on those in
results/ and calls this). What has not finished is named on the page as without finding. The page's prose is written by hand; the
parts between two marks are made here, and every number is in them. Everything is written, or nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from findings_figure import svg
from findings_parts import parts
from findings_study import read_findings
from findings_words import finding
from marked import fill

from crescendo.platform.console import guarded
from crescendo.trainables.storage.files import atomic_file

DOCS = Path(__file__).resolve().parents[1] / "docs"
LINK = "[What was asked, what came out for whom, and how sure it is](docs/findings.md)."


def main() -> None:
    """Write the page, the figure and the README's part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="*", type=Path, metavar="REPORT.json")
    parser.add_argument("--page", type=Path, default=DOCS / "findings.md", metavar="FILE")
    parser.add_argument("--figure", type=Path, default=DOCS / "findings.svg", metavar="FILE")
    parser.add_argument("--readme", type=Path, default=DOCS.parent / "README.md", metavar="FILE")
    options = parser.parse_args()
    studies = read_findings(options.reports)
    figure, made = svg(studies), parts(studies)
    fill({options.page: made, options.readme: {"finding": f"{finding(studies)} {LINK}"}})
    with atomic_file(options.figure) as partial:
        partial.write_bytes(figure)
    print(made["finding"])


if __name__ == "__main__":
    guarded(main)
