"""What a user wrote, in files of each kind: shown as it was written, and never taken for markup or a formula.

HTML is escaped by Jinja (`page.document`), where `visible` alone is left to do.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from crescendo.trainables.text import visible

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# What a spreadsheet computes, wherever it trims, and what `csv_text` has guarded already.
_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]")

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "|": r"\textbar{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "−": "$-$",
    "…": r"\dots{}",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "×": r"$\times$",
}
_LIGATURES = re.compile("(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")

# An interval of numbers is no link; an underscore within a word, an & or < that begins nothing, are themselves.
_MARKDOWN = re.compile(
    r"(?P<interval>\[[-+\d., ]+\](?![(\[:]))"
    r"|(?P<word>(?<=[^\W_])_(?=[^\W_]))"
    r"|[\\`*_\[\]|~$]|<(?=[A-Za-z/!?])|&(?=#?\w+;)"
)
_MARKDOWN_START = re.compile(r"(?=>)|(?=[-#=+](?!\d))|(?<=\d)(?=[.)](?:\s|$))")


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV. Numbers stay numbers; texts are guarded by `csv_text`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([csv_text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()


def csv_text(text: str) -> str:
    """Return a text so that no spreadsheet computes it: an apostrophe before what begins with `=`, `+`, `-` or `@`.

    A number, and a dash alone, need none. To read a text back, take one apostrophe away where `=`, `+`, `-` or `@` follows.
    """
    shown = visible(text)
    return f"'{shown}" if _FORMULA.match(shown) and shown != "-" and not _NUMBER.fullmatch(shown) else shown


def latex_text(text: str) -> str:
    """Return a text for LaTeX, on one line; it may begin a row of a table, where `[` and `*` would be the last row's."""
    line = visible(" ".join(text.split()))
    escaped = "".join(_LATEX.get(one, one) for one in _LIGATURES.sub("\0", line))
    return ("{}" if line.startswith(("[", "*")) else "") + escaped.replace("\0", "{}")


def markdown_text(text: str) -> str:
    """Return a text for Markdown, on one line; it may stand where a heading, list or quotation would begin."""
    line = markdown_cell(text)
    start = _MARKDOWN_START.search(line, 0, 11)
    if start is None or not (start.start() == 0 or line[: start.start()].isdigit()):
        return line
    return f"{line[: start.start()]}\\{line[start.start() :]}"


def markdown_cell(text: str) -> str:
    """Return a text for Markdown within a line, such as a table's."""
    line = visible(" ".join(text.split()))
    return _MARKDOWN.sub(lambda found: found.group() if found.lastgroup else f"\\{found.group()}", line)
