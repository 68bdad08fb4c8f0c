"""Labels of any script: drawn in fonts that are installed, or named with the package that has one."""

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager

from crescendo.reports.charts import fonts
from crescendo.reports.charts.fonts import families_for, lacking_letters, packages_for
from crescendo.reports.charts.style import image, styled

NAME = "Crescendo Test"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A font of one letter, 中, beside those of matplotlib; what else is installed here is left aside."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 700), (900, 700), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder([".notdef", "middle"])
    made.setupCharacterMap({ord("中"): "middle"})
    made.setupGlyf({".notdef": pen.glyph(), "middle": pen.glyph()})
    made.setupHorizontalMetrics({".notdef": (1000, 100), "middle": (1000, 100)})
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": NAME, "styleName": "Regular"})
    made.setupOS2(sTypoAscender=800)
    made.setupPost()
    made.save(tmp_path / "middle.ttf")
    entry = FontEntry(fname=str(tmp_path / "middle.ttf"), name=NAME, style="normal", weight=400, size="scalable")
    own = [one for one in fontManager.ttflist if one.name == fonts.FIRST]
    monkeypatch.setattr(fontManager, "ttflist", [*own, entry])
    fontManager._findfont_cached.cache_clear()
    fonts._has.cache_clear()
    yield
    monkeypatch.undo()
    fontManager._findfont_cached.cache_clear()
    fonts._has.cache_clear()


def drawn(text: str) -> Figure:
    with styled(families_for(text)):
        figure = Figure()
        figure.text(0.5, 0.5, text)
        return figure


def test_a_font_that_is_here_is_taken_and_nothing_is_said(installed, recwarn):
    assert families_for("running я") == [fonts.FIRST, fonts.LAST]
    figure = drawn("run 中")
    assert [text.get_fontfamily() for text in figure.texts] == [[fonts.FIRST, NAME, fonts.LAST]]
    assert lacking_letters([figure]) == ""
    for kind in ("svg", "pdf", "png"):
        assert image(figure, kind)
    assert [one for one in recwarn if one.category is not ResourceWarning] == []


def test_letters_of_no_font_are_named_with_the_packages_that_have_them(installed):
    figure = drawn("中 走 हिन्दी 🏃 naïve")
    lacking = lacking_letters([figure])
    assert "走" in lacking
    assert "🏃" in lacking
    assert "中" not in lacking
    assert packages_for("走ह🏃한") == ["fonts-noto-cjk", "fonts-noto-core", "fonts-symbola"]
