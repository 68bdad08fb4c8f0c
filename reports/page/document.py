"""A report as one HTML page and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from crescendo.reports.charts.style import theme
from crescendo.reports.escaping import markdown_text
from crescendo.reports.page.first_screen import first_screen
from crescendo.reports.page.part import ReportPart
from crescendo.reports.page.progress import Renewal, progress_sections
from crescendo.reports.page.sections import sections_of
from crescendo.trainables.text import visible

_TEMPLATES = Path(__file__).parent / "templates"


def html(title: str, parts: Sequence[ReportPart], renewal: Renewal | None = None) -> str:
    """Return the page: one file, without anything from elsewhere; with `renewal` one that loads itself anew."""
    environment = _environment()
    light, dark = theme()
    css = environment.get_template("page.css").render(light=light, dark=dark) + "".join(
        (_TEMPLATES / name).read_text() for name in ("first.css", "hover.css")
    )
    page = environment.get_template("report.html")
    return _rendered(page.render(css=Markup(css), **_values(title, parts, renewal, pictures=True)))  # noqa: S704  # our own


def markdown(title: str, parts: Sequence[ReportPart]) -> str:
    """Return the same in Markdown, with pictures from `figures/`."""
    page = _environment().get_template("report.md")
    return re.sub(r"\n{3,}", "\n\n", _rendered(page.render(**_values(title, parts, None, pictures=False))))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters["md"] = markdown_text
    environment.filters["breakable"] = _breakable
    return environment


def _rendered(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(text: str) -> Markup:
    """Return a column's head so that lines may end within the names of settings: behind `=`, `_`, `/`."""
    return Markup("<wbr>").join(re.split(r"(?<=[=_/])", visible(text)))


def _values(title: str, parts: Sequence[ReportPart], renewal: Renewal | None, *, pictures: bool) -> dict[str, Any]:
    return {
        "title": title,
        "renewal": renewal,
        "progress": [one for part in parts if not part.compares for one in progress_sections(part.model)],
        "version": version("crescendo-ablation"),
        "studies": [study for part in parts if not part.compares for study in part.model.studies],
        "parts": [
            {
                "model": part.model,
                "heading": part.heading,
                "prefix": part.prefix,
                "first": first_screen(part.model),
                "sections": sections_of(part, pictures=pictures),
            }
            for part in parts
        ],
    }
