"""The table of variants, and the door for one's own: a name that Python can import."""

import re
import subprocess
import sys

import pytest

from crescendo.trainables.errors import InputError
from crescendo.trainables.losses.variants import TERMS, VARIANTS, Term, Variant


def test_every_variant_says_what_it_is():
    assert all(entry.description for entry in VARIANTS.values())
    assert [entry.paper_row for entry in VARIANTS.values()] == ["LSTM", "LSTM-s", "LSTM-m", *[None] * 8]
    assert [name for name, entry in VARIANTS.items() if not entry.ranks] == ["none"]


def test_reading_the_table_needs_no_torch():
    code = "import sys, crescendo.trainables.losses.variants; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantities": ("height",)}, "quantities must be among score, margin, each once, but got ('height',)"),
        ({"quantities": ("score", "score")}, "quantities must be among score, margin, each once"),
        ({"quantities": "score"}, "quantities must be among score, margin, each once, but got 'score'"),
        (
            {"quantities": ("score",), "reference": "mean"},
            "reference must be one of running_maximum, previous_frame but got 'mean'",
        ),
        (
            {"quantities": ("margin",), "margin_rivals": "none"},
            "margin_rivals must be one of all, activities but got 'none'",
        ),
        ({"quantities": ("score",), "function": max}, "a variant has either quantities or a function of its own"),
        (
            {"function": max, "term": Term("weighted")},
            "a variant has either quantities or a function of its own or a term",
        ),
        ({"exponential_seconds": 0.0}, "exponential_seconds must be above 0 but got 0.0"),
    ],
)
def test_a_variant_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Variant(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"function": "quadratic_early"},
            "the function of a term must be one of linear_early, exponential, smoothing, ",
        ),
        ({"function": "progress", "predicts": True}, "positions of the term progress must be True but got False"),
        ({"function": "progress", "positions": True}, "predicts of the term progress must be True but got False"),
        ({"function": "exponential"}, "positions of the term exponential must be True but got False"),
        ({"function": "confident", "predicts": True}, "predicts of the term confident must be False but got True"),
        ({"function": "smoothing"}, "looks_back of the term smoothing must be True but got False"),
    ],
)
def test_a_term_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Term(**arguments)


def test_every_term_has_its_function():
    from crescendo.trainables.losses import terms

    assert set(TERMS) == set(terms._TERMS)
    assert {one.term.function for one in VARIANTS.values() if one.term is not None} == set(TERMS)


BROKEN = {
    "from crescendo.trainables.losses.variants import Term, Variant\nmy_loss = Variant(term=Term('progres'))": (
        "the module broken cannot be imported (ValueError: the function of a term must be one of linear_early, "
    ),
    "from crescendo.trainables.losses.variants import Term, Variant\nmy_loss = Variant(term=Term('progress', predicts=True))": (
        "(ValueError: positions of the term progress must be True but got False)"
    ),
    "from crescendo.no_such import nothing": "the module broken cannot be imported (ModuleNotFoundError: No module named",
    "my_loss = 3": "must be a Variant or a function but is a int",
    "def other(): ...": "has no my_loss",
    "def my_loss(): ...": "it fails (TypeError: my_loss() ",
    "def my_loss(p, y, *, background, state):\n    return p.sum()": "must return the pair (loss, state) but returns a",
    "def my_loss(p, y, *, background, state):\n    return p.sum(), None": (
        "its loss must be a floating-point tensor (batch, time), here (3, 4), but is a tensor () of torch.float32"
    ),
    "def my_loss(p, y, *, background, state):\n    return p[..., 0].log().log(), None": "its losses are not finite",
    "def my_loss(p, y, *, background, state):\n    return (p[..., 0] - p[..., 0]).sqrt(), None": (
        "its gradient is not finite"
    ),
    "def my_loss(p, y, *, background, state):\n    return p.detach()[..., 0], None": "have no gradient",
    "def my_loss(p, y, *, background, state):\n    return p[..., 0] + p.missing, None": (
        "broken.py, line 2"  # where it fails
    ),
}


@pytest.mark.parametrize("source", list(BROKEN))
def test_a_variant_of_ones_own_that_is_broken_gives_one_line(source, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    with pytest.raises(InputError) as raised:
        VARIANTS.resolve("broken:my_loss")
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    message = str(raised.value)
    assert message.startswith("variant: broken:my_loss: ")
    assert BROKEN[source] in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["rank", "rank:", ":loss", "my module:loss", "my/module:loss", "a:b:c", ""])
def test_a_name_that_is_neither_known_nor_importable_is_refused(name):
    with pytest.raises(InputError, match=r"must be one of none, score, .*, progress, or MODULE:ATTRIBUTE"):
        VARIANTS.check(name)
