"""Numbers of things agree with their nouns, wherever a sentence is made of both."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crescendo.trainables.plurals import agreeing, counted, rate_text

ROOT = Path(__file__).parents[2]
ROOMS = ("platform", "trainables", "search_spaces", "reports")
ELSEWHERE = ("reports/page", "reports/charts", "reports/tables")
"""What the report's page counts."""
NOUNS = [
    "activities",
    "arms",
    "batches",
    "columns",
    "decodings",
    "detections",
    "entries",
    "faults",
    "features",
    "files",
    "folds",
    "frames",
    "groups",
    "iterations",
    "labels",
    "rows",
    "pairs",
    "records",
    "recordings",
    "repeats",
    "runs",
    "samples",
    "seeds",
    "segments",
    "sequences",
    "steps",
    "studies",
    "times",
    "trainings",
    "trials",
    "videos",
    "weights",
]
WORDS = ("counted(", "agreeing(")
AT_LEAST_TWO = {
    "first",  # seeds of `until: decided`, which begins with three
    "study.repeats",  # a repeat's seeds are told where there are several
    "count",  # parts, of which folds take three
    "len(content)",  # more folds than there may be
    "len(found.lists)",  # numbered splits, which are folds where there are several
    "len(folds)",
    "len(views)",
    "len(marked)",  # one file of several
    "len(members)",  # trainings at once, which are halved
    "len(parents)",  # studies of an experiment, of which the last is taken
    "counts[twice]",
    "seeds.count(twice[0])",
    "self.of_arms",
    "line",  # of a file: it labels samples
}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (counted(0, "arm"), "0 arms"),
        (counted(1, "arm"), "1 arm"),
        (counted(1200, "forward pass"), "1,200 forward passes"),
        (counted(2, "activity"), "2 activities"),
        (counted(2, "day"), "2 days"),
        (counted(3, "batch"), "3 batches"),
        (counted(1, "trial is", "trials are"), "1 trial is"),
        (counted(3, "trial is", "trials are"), "3 trials are"),
        (agreeing(1.0, "has", "have"), "has"),
        (agreeing(0.5, "frame", "frames"), "frames"),
        (rate_text(1.0), "1 frame a second"),
        (rate_text(6.25), "6.25 frames a second"),
    ],
)
def test_words_agree_with_their_number(told: str, expected: str) -> None:
    assert told == expected


def bare(tree: ast.AST, guarded: bool = False) -> Iterator[tuple[int, str, str]]:
    """Yield line, number and noun of all numbers that stand before a plural as they are, whether they may be 1 or not.

    A condition that compares with a number of things (`if folds > 1`) guards what it decides on.
    """
    for child in ast.iter_child_nodes(tree):
        compares = isinstance(child, ast.IfExp | ast.If | ast.comprehension) and re.search(
            r"(>|==|!=|<) [12]\b|[<>] (trials|cohorts|[A-Z_]+)$",
            ast.unparse(child.test if hasattr(child, "test") else child),
        )
        yield from bare(child, guarded or bool(compares))
    if isinstance(tree, ast.JoinedStr) and not guarded:
        for value, text in zip(tree.values, tree.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant):
                noun = re.match(r" (?:more |broken |training |confirmed )?([a-z]+)\b", str(text.value))
                decimal = value.format_spec is not None and re.search(r"[fg]", ast.unparse(value.format_spec))
                if noun and noun[1] in NOUNS and not decimal:
                    yield tree.lineno, ast.unparse(value.value), noun[1]


def test_no_number_stands_before_a_plural_that_it_may_not_agree_with() -> None:
    found = []
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if name.startswith(ELSEWHERE):
                continue
            for line, number, noun in bare(ast.parse(file.read_text(encoding="utf-8"))):
                if not (
                    number in AT_LEAST_TWO or number.isupper() or number.endswith("subset") or number.startswith(WORDS)
                ):
                    found.append(f"{name}:{line}: {number} {noun}")
    assert found == []
