"""What the shipped studies on public data found, from their `report.json`: docs/findings.md, its figure, the README's sentences.

    .venv/bin/python benchmarks/findings.py [REPORT.json ...] [--kept FOLDER] [--page FILE] [--figure FILE] [--readme FILE]

Each file is the `report.json` of a finished study of those that ship as `findings_...` (`make findings` reports on those in
results/ and calls this). What the page needs of it is kept in docs/findings/, so the other studies need not be run again for the
page. What has not finished is named on the page as without finding. The page's prose is written by hand; the parts between two
marks are made here, and every number is in them. Everything is written, or nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from findings_figure import svg
from findings_kept import to_keep, with_kept
from findings_parts import parts
from findings_study import read_findings
from findings_words import finding
from marked import fill

from crescendo.platform.console import guarded
from crescendo.trainables.storage.files import atomic_file
from crescendo.trainables.storage.json_files import write_json

DOCS = Path(__file__).resolve().parents[1] / "docs"
LINK = "[What was asked, what came out for whom, and how sure it is](docs/findings.md)."


def main() -> None:
    """Write the page, the figure and the README's part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="*", type=Path, metavar="REPORT.json")
    parser.add_argument("--kept", type=Path, default=DOCS / "findings", metavar="FOLDER")
    parser.add_argument("--page", type=Path, default=DOCS / "findings.md", metavar="FILE")
    parser.add_argument("--figure", type=Path, default=DOCS / "findings.svg", metavar="FILE")
    parser.add_argument("--readme", type=Path, default=DOCS.parent / "README.md", metavar="FILE")
    options = parser.parse_args()
    new = read_findings(options.reports)
    studies = with_kept(new, options.kept)
    kept, figure, made = to_keep(new, options.kept), svg(studies), parts(studies)
    fill({options.page: made, options.readme: {"finding": f"{finding(studies)} {LINK}"}})
    with atomic_file(options.figure) as partial:
        partial.write_bytes(figure)
    for file, content in kept.items():
        write_json(file, content)
    print(made["finding"])


if __name__ == "__main__":
    guarded(main)
