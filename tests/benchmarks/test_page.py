"""The page of the benchmarks says what its bars are over."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))
page = importlib.import_module("page")
sys.path.remove(str(ROOT / "benchmarks"))

ROWS = {
    "GPU: cohort of 10, times the frames a second of one plain arm, HAPT's shape": 12.0,
    "GPU: cohort of 6, times the frames a second of one plain arm, the paper's shape, bfloat16": 5.25,
    "GPU: the same over one plain arm whose batches come from pageable memory, as before, the paper's shape": 9.5,
    "GPU: cohort of 6 over 6 processes at once, plain": 3.1,
    "GPU: cohort of 6 over 6 processes at once, captured": 1.75,
}


def result(rows):
    machine = {"gpu": "a GPU", "processor": "x86-64", "cores": 4, "memory_gib": 8, "python": "3.12"}
    machine |= dict.fromkeys(page._VERSIONS, "1.0")
    row = {"target": "none", "holds": True, "candidate_seconds": 1.0, "yardstick_seconds": 2.0, "rounds": 3}
    named = [{**row, "name": name, "ratio": ratio} for name, ratio in rows.items()]
    return {"machine": machine, "date": "today", "command": "gpu.py", "rows": named}


def test_a_bar_over_the_weaker_baseline_is_said_to_be_beside_what_the_stronger_one_gives():
    last = page.markdown([result(ROWS)]).strip().splitlines()[-1]
    assert "as it was before (9.5 times; over a plain arm as it is now 5.25)" in last
    assert "over plain ones (3.1 times; over captured ones 1.75)" in last


@pytest.mark.parametrize("lacking", list(ROWS)[1:])
def test_without_all_of_the_rows_nothing_is_said(lacking):
    for rows in ({**ROWS, lacking: None}, {name: ratio for name, ratio in ROWS.items() if name != lacking}):
        assert page.markdown([result(rows)]).strip().splitlines()[-1].startswith("| GPU: ")


def test_the_page_that_is_kept_says_it_of_its_own_figures():
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        cells = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
        said = page.baselines(
            {name.removeprefix("| "): None if ratio == "-" else float(ratio) for name, ratio, *_ in cells}
        )
        assert (said in section) if said else "baseline" not in section
