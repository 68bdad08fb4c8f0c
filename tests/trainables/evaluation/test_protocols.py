"""Matching rules: a rule of one's own against a literal loop over its pairs; what is no rule is refused in one line."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.platform.studies.settings import resolve_settings
from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, match, temporal_iou
from crescendo.trainables.evaluation.protocols import PROTOCOLS, MatchingRule


def largest_overlap_first(pairs):
    return np.argsort(-pairs.iou, kind="stable")


def earliest_half_only(pairs):
    """The earliest detection first; of each only ground truths whose first half it meets."""
    kept = np.flatnonzero(pairs.start < (pairs.truth_start + pairs.truth_end) / 2)
    return kept[np.lexsort((-pairs.score[kept], pairs.start[kept]))]


def literal_hits(truth, detections, threshold, passes, key, leaves_out):
    """The (recording, label, start, end, score) of the true positives: one pair after the other, in plain Python."""
    ranked = sorted(detections, key=lambda one: (-one[4], one[0], one[2], one[3]))
    pairs = []
    for rank, one in enumerate(ranked):
        for place, other in enumerate(truth):
            if one[:2] == other[:2]:
                iou = float(temporal_iou(*(np.array([float(bound)]) for bound in (*one[2:4], *other[2:4])))[0])
                if passes(iou, threshold) and not leaves_out(one, other):
                    pairs.append((key(iou, one), rank, other[2], other[3], place))
    found, taken, hits = set(), set(), []
    for _, rank, _, _, place in sorted(pairs):
        if rank not in found and place not in taken:
            found.add(rank)
            taken.add(place)
            hits.append(ranked[rank])
    return sorted(hits)


RULES = {
    "overlap": (
        MatchingRule(passes="at_least", priority=largest_overlap_first),
        (lambda iou, threshold: iou >= threshold, lambda iou, one: -iou, lambda one, other: False),
    ),
    "earliest": (
        MatchingRule(passes="above", priority=earliest_half_only),
        (
            lambda iou, threshold: iou > threshold,
            lambda iou, one: (one[2], -one[4]),
            lambda one, other: one[2] >= (other[2] + other[3]) / 2,
        ),
    ),
}
segment = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 8), st.integers(1, 5))
segments = st.lists(segment.map(lambda one: (*one[:3], one[2] + one[3])), min_size=1, max_size=8)
scored = st.lists(st.tuples(segments.map(lambda many: many[0]), st.integers(0, 4)), max_size=14)


@given(st.sampled_from(sorted(RULES)), segments, scored, st.sampled_from([0.1, 1 / 3, 0.5, 0.75]))
def test_a_rule_of_ones_own_goes_through_its_pairs_in_its_order(name, truth, found, threshold):
    rule, literal = RULES[name]
    detections = [(*one, score / 4) for one, score in found]
    columns = np.array(detections, dtype=np.float64).reshape(-1, 5).T
    whole = columns[:2].astype(np.int64)
    arrays = DetectionArrays(whole[0], whole[1], *columns[2:], np.zeros_like(whole[0]), np.ones_like(whole[0]))
    table = np.array(truth, dtype=np.float64).T
    matches = match(GroundTruth(*table[:2].astype(np.int64), *table[2:]), arrays, [threshold, 0.9], rule)
    first = matches.hit[matches.hit_column == 0]
    hits = sorted(detections[row] for row in matches.order[first])
    assert hits == literal_hits(truth, detections, threshold, *literal)


@pytest.mark.parametrize(
    ("returned", "fault"),
    [
        (lambda pairs: np.array([0, 0]), "an index twice"),
        (lambda pairs: np.array([len(pairs.iou)]), "an index outside the 1 pair"),
        (lambda pairs: np.array([-1]), "an index outside"),
        (lambda pairs: -pairs.iou, "type float64"),
        (lambda pairs: None, "type object"),
        (lambda pairs: np.array([[0]]), "shape (1, 1)"),
        (lambda pairs: pairs.width, "failed (AttributeError: 'CandidatePairs' object has no attribute 'width'; "),
    ],
)
def test_what_is_no_order_of_pairs_is_refused_and_its_function_named(returned, fault):
    one = np.array([0])
    truth = GroundTruth(one, one, np.array([0.0]), np.array([9.0]))
    found = DetectionArrays(one, one, np.array([1.0]), np.array([9.0]), np.array([0.5]), one, one + 1)
    with pytest.raises(InputError, match=re.escape(fault)) as raised:
        match(truth, found, [0.5], MatchingRule("above", returned))
    assert returned.__qualname__ in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_rule_that_says_neither_is_refused():
    with pytest.raises(ValueError, match="passes must be one of above, at_least but got 'over'"):
        MatchingRule("over", largest_overlap_first)
    with pytest.raises(ValueError, match="priority must be a function"):
        MatchingRule("above", "longest")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_rules_for_a_test.py").write_text(
        "import numpy as np\n"
        "from crescendo.trainables.evaluation.protocols import MatchingRule\n"
        "good = MatchingRule('above', lambda pairs: np.argsort(-pairs.iou, kind='stable'), enveloped=False)\n"
        "nothing = 3\n"
    )
    return "my_rules_for_a_test"


def test_a_configuration_names_a_rule(plugin):
    assert TrainingConfig().matching_rule is PROTOCOLS["paper"]
    own = configuration({"protocol": f"{plugin}:good"})
    assert (own.protocol, own.matching_rule.enveloped) == (f"{plugin}:good", False)


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("voc", "config: protocol: must be one of paper, activitynet, thumos14, or MODULE:ATTRIBUTE for your own, but"),
        (3, "config: protocol: Input should be a valid string but got 3"),
    ],
)
def test_what_cannot_name_a_rule_is_one_line(protocol, message):
    with pytest.raises(InputError) as raised:
        configuration({"protocol": protocol}, "config")
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("{}:missing", "has no missing"),
        ("{}:nothing", "must be a MatchingRule"),
        ("no_such_module:rule", "cannot be imported"),
    ],
)
def test_a_study_of_a_rule_that_is_none_is_refused_before_it_runs(plugin, protocol, message):
    problems = resolve_settings({"protocol": protocol.format(plugin)}).errors
    assert [key for key, _ in problems] == ["protocol"]
    assert message in problems[0][1]
    assert "\n" not in problems[0][1]
