"""What a user wrote, through every writer of a report and back: the same text, and nothing but text."""

import csv
import io
import itertools
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from invented_model import BETTER, LABELS, invented
from markdown_it import MarkdownIt

from crescendo.reports.charts import fonts
from crescendo.reports.charts.chart import Numbers
from crescendo.reports.charts.chart_set import charts
from crescendo.reports.charts.fonts import lacking_letters
from crescendo.reports.charts.style import image
from crescendo.reports.escaping import csv_lines, csv_text, latex_text, markdown_cell, markdown_text
from crescendo.reports.page.document import html, markdown
from crescendo.reports.page.part import ReportPart
from crescendo.reports.tables.table import Cell, Table
from crescendo.reports.tables.table_set import tables
from crescendo.trainables.text import visible

MARKUP = ["|", "\\", "`", "*", "_", "[", "]", "(", ")", "<", ">", "#", "+", "-", "=", "@", "~", "$", "&", "!", ":", "'"]
PIECES = st.sampled_from(
    [*MARKUP, " ", "\n", "\n\n", "\r", "\t", "1.", "12)", "&lt;", "<b>", "</td>", "<!--", "]]>", "](x)", "**", "--", "a", "x_y"]
)  # fmt: skip
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NASTY = st.lists(PIECES | ANY, max_size=8).map("".join)
LABELS_OF_HELL = (
    "<script>alert(1)</script>", "a|b\\|c", "[x]: /y", "[click](javascript:alert(1))", "![x](y)", "# one", "1. one", "- x",
    "===", "---", "> x", "~~~", "`x`", "``", "*x*", "_x_", "__x__", "a_b_c", "&lt;b&gt;", "&copy", "=1+1", "+1", "-x", "@x",
    "\t=1", "'=1", "-1.5", "＝1", "[red]x[/blue]", "*", "[x", "{x}", "100 %", "$x$", "^~#&_{}\\", "--x''y``z,,", "a\n\nb",
    "\x1b[31m", "\x00", "\u202ex", "\ufffe", "<td>", "'\"", "]]>", "?`!`", "",
)  # fmt: skip

MD = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def inline_text(token) -> str:
    assert {child.type for child in token.children} <= {"text", "text_special", "strong_open", "strong_close"}, token
    return "".join(child.content for child in token.children)


def examples(test):
    for text in LABELS_OF_HELL:
        test = example(text)(test)
    return test


@examples
@given(NASTY)
def test_markdown_says_the_text_wherever_it_stands(text):
    expected = one_line(text)
    for written, wrap in ((markdown_text(text), "{}"), (markdown_text(text), "- {}"), (markdown_cell(text), "a {} b")):
        tokens = [token for token in MD.parse(wrap.format(written)) if token.type == "inline"]
        found = inline_text(tokens[0]) if tokens else ""
        assert found == wrap.removeprefix("- ").format(expected).strip()
        assert len(tokens) <= 1


@examples
@given(NASTY)
def test_a_markdown_table_has_the_same_cells(text):
    table = Table("t", text, text, ("head", text), ((Cell(text), Cell("1", 1.0)), (Cell("x"), Cell(text, bold=False))))
    tokens = MD.parse(table.markdown())
    cells = [
        inline_text(after) for before, after in itertools.pairwise(tokens) if before.type in ("th_open", "td_open")
    ]
    line = one_line(text)
    assert cells == ["head", line, line, "1", "x", line]
    assert [inline_text(token) for token in tokens if token.type == "inline"][6:] == ([line] if line else [])


@examples
@given(NASTY)
def test_csv_gives_the_text_back_and_nothing_to_compute(text):
    [[cell, number]] = list(csv.reader(io.StringIO(csv_lines([[text, -1.5]]), newline="")))
    assert number == "-1.5"
    assert cell == csv_text(text)
    # As docs/reports.md says.
    assert re.sub(r"^'(?='*\s*[=+\-@＝＋－＠])", "", cell) == visible(text)
    if cell.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠") and cell.lstrip():
        assert cell == "-" or float(cell) is not None


@pytest.mark.parametrize("number", ["-1", "+2.5", "-.5", "-1e-05", "0", "-12.0000"])
def test_a_number_in_csv_stays_one(number):
    assert csv_text(number) == number


LATEX_BACK = {
    r"\textbackslash{}": "\\", r"\&": "&", r"\%": "%", r"\$": "$", r"\#": "#", r"\_": "_", r"\{": "{", r"\}": "}",
    r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textasciigrave{}": "`", r"\textbar{}": "|", "$<$": "<",
    "$>$": ">", r"$\pm$": "±", "$-$": "−", r"\dots{}": "…", r"$\leq$": "≤", r"$\geq$": "≥", r"$\times$": "×", "{}": "",
}  # fmt: skip


@examples
@given(NASTY)
def test_latex_says_the_text_and_nothing_else(text):
    written = latex_text(text)
    pattern = "|".join(re.escape(one) for one in sorted(LATEX_BACK, key=len, reverse=True))
    plain = re.sub(pattern, "\0", written)
    assert not re.search(r"[\\&%$#_{}~^`|<>\n]|--|''|,,", plain)
    assert not written.startswith(("[", "*"))
    assert re.sub(pattern, lambda found: LATEX_BACK[found.group()], written) == one_line(text)


class Words(HTMLParser):
    """Tags and texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag != "wbr":  # where a word may break is the word's
            self.tags.append((tag, sorted(name for name, _ in attributes)))

    def handle_data(self, data):
        self.words.append(" ".join(data.split()))

    def handle_comment(self, data):
        raise AssertionError(data)


def renamed(text: str):
    """Return the invented report with `text` where users write: labels, arms, descriptions, notes."""
    model = invented()
    named = dict.fromkeys((LABELS[0], BETTER), text)
    arms = tuple(
        replace(
            arm,
            name=named.get(arm.name, arm.name),
            labels={named.get(label, label): value for label, value in arm.labels.items()},
            gain={named.get(label, label): value for label, value in arm.gain.items()},
        )
        for arm in model.arms
    )
    studies = tuple(replace(study, description=text, dataset=text) for study in model.studies)
    labels = tuple(named.get(label, label) for label in model.labels)
    return replace(model, arms=arms, studies=studies, labels=labels, missing=(text,), notes=(text,), timelines=())


def page_of(text: str) -> tuple[str, str]:
    model = renamed(text)
    part = ReportPart(model, [(text, text)], tables(model), [], [])
    return html(text, [part]), markdown(text, [part])


PLAIN = cache(lambda: page_of("plain"))


@settings(max_examples=5)
@given(NASTY.filter(str.strip))
@example("<script>alert(1)</script> | \x1b \n\n- [x](y)")
@example("\x00<!-- ]]> --><td>")
def test_a_page_has_the_same_elements_whatever_users_wrote(text):
    page, told = page_of(text)
    plain, nasty = Words(PLAIN()[0]), Words(page)
    assert nasty.tags == [(tag, names) for tag, names in plain.tags]
    assert " ".join(visible(text).split()) in nasty.words
    assert [token.type for token in MD.parse(told)] == [token.type for token in MD.parse(PLAIN()[1])]


def test_charts_are_good_xml_whatever_users_wrote():
    text = "<b>&\x00\x1b[31m \u202e$x$ \ufffe"
    drawn, _ = charts(renamed(text))
    assert drawn
    for chart in drawn[:4]:
        root = ElementTree.fromstring(image(chart.figure, "svg"))
        assert {element.tag.rpartition("}")[2] for element in root.iter()}.isdisjoint({"b", "script", "a"})
        assert image(chart.figure, "png")


def test_letters_that_the_font_lacks_are_known_and_nothing_warns(recwarn, monkeypatch):
    monkeypatch.setattr(fonts, "_installed", list)
    drawn, _ = charts(renamed("naïve 中\x00 я"))
    assert lacking_letters(chart.figure for chart in drawn) == "中"
    for kind in ("svg", "pdf", "png"):
        image(drawn[0].figure, kind)
    # Files that other tests left open may be found just now.
    assert [str(one.message) for one in recwarn if one.category is not ResourceWarning] == []


def test_numbers_of_a_chart_are_guarded_too():
    numbers = Numbers(("=head",), (("=1+1",), (-0.5,), (None,)))
    assert csv_lines([numbers.columns, *numbers.rows]).splitlines() == ["'=head", "'=1+1", "-0.5", '""']


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex: bash .ci/tools installs it")
def test_latex_compiles_whatever_ascii_users_wrote(tmp_path):
    known = [text for text in LABELS_OF_HELL if text.isascii()] + [chr(code) for code in range(128)]
    table = Table(
        "t", known[0], " ".join(known), ("", "[x"), tuple((Cell(text), Cell(text, bold=True)) for text in known)
    )
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\usepackage{graphicx}\n"
        f"\\begin{{document}}\n{table.latex()}\n\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
