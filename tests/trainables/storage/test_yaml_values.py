"""YAML of configurations: plain values, the same as in studies, and nothing else."""

import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from crescendo.search_spaces.yaml_source import read
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.yaml_values import yaml_value

WORDS = """no on off yes true False null ~ 1 010 0x1f 0o7 1_000 1e-3 1E5 -.5 5. .inf -.Inf .nan 1:60 2020-99-99 2020-01-01
= << '1' "true" abc é -1 +2"""
words = st.sampled_from([*WORDS.split(), "!!str 1"])


@given(words)
@example("''")
def test_plain_values_are_those_of_studies(word):
    """The rooms do not know each other: each has its own reader, and the two must agree."""
    here = yaml_value(f"a: {word}\nb: [{word}, {{c: {word}}}]", "x")
    there = read(f"a: {word}\nb: [{word}, {{c: {word}}}]", "x")
    assert not there.problems
    assert not there.fatal
    assert repr(here) == repr(there.content)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner),
        max_leaves=10,
    )
)
def test_what_was_written_comes_back(value):
    text = yaml.safe_dump({"value": value}, allow_unicode=True, sort_keys=False)
    found = yaml_value(text, "x")["value"]
    if not any(_by_1_1(one) for one in _leaves(value)):
        assert repr(found) == repr(value)


def _leaves(value):
    if isinstance(value, dict):
        return [leaf for one in (*value, *value.values()) for leaf in _leaves(one)]
    return [leaf for one in value for leaf in _leaves(one)] if isinstance(value, list) else [value]


def _by_1_1(leaf):
    """Whether YAML 1.1, which writes here, and 1.2 understand `leaf` otherwise: words such as 1e5, 08 and yes."""
    return isinstance(leaf, str) and (
        leaf[:1] in "0123456789+-." or leaf.lower() in ("yes", "no", "on", "off", "y", "n")
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\nb: 2\na: 3", "x, line 3: 'a' must stand once but stands twice"),
        ("a: !!int abc", "x, line 1: must be a number but got 'abc'"),
        ("a: !!python/name:os.system", "without the tag"),
        ("a: !!timestamp 2020-99-99", "without the tag"),
        ("? [1]\n: 2", "every key must be plain text"),
        ("&a [*a]", "must not hold itself"),
        ('"\\ud800"', "half of a surrogate pair"),
        ("9" * 309, "has 309 digits"),
        ("[" * 2000, "nested this deep"),
        ("[", "not valid YAML"),
        ("\x07", "not valid YAML"),
        ("a: &a [1, 1, 1]\nb: &b [*a, *a, *a]\nc: [" + ", ".join(["*b"] * 20_000) + "]", "more than 100,000 values"),
    ],
)
def test_what_is_no_plain_value_is_one_line(text, reason):
    with pytest.raises(InputError, match=reason) as refused:
        yaml_value(text, "x")
    assert "\n" not in str(refused.value)


def test_an_empty_text_is_none_and_numbers_keep_their_kind():
    assert yaml_value("", "x") is None
    assert yaml_value("# nothing", "x") is None
    assert [type(one) for one in yaml_value("[1, 1.0, 1e3, .inf]", "x")] == [int, float, float, float]
    assert math.isnan(yaml_value(".nan", "x"))
