"""What a study was begun with, and what was added to it once there were results."""

import json

from crescendo.platform.studies.record import read_record, record_study
from crescendo.platform.studies.workspace import Workspace
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.record import STUDY_FILE

TEXT = """
name: recorded
dataset: data
search: {trials: 2, space: {learning_rate: {low: 0.01, high: 0.1}}}
confirm: {seeds: [0, 1]}
"""


def recorded(output, changes=(), *, extend=False, results=False):
    place = Workspace(output, "data", "hash")
    record_study(parse_study(TEXT, overrides=changes), place, extend=extend, results=lambda: results)
    return read_record(output).added_late


def test_only_what_is_added_after_results_is_late_and_stays_so(tmp_path):
    assert recorded(tmp_path) == ()
    assert recorded(tmp_path, results=True) == ()
    assert recorded(tmp_path, ("confirm.seeds=[0, 1, 2]",), extend=True) == ()
    assert json.loads((tmp_path / STUDY_FILE).read_text()).keys() == {"study", "dataset_hash"}
    assert recorded(tmp_path, ("confirm.seeds=[0, 1, 2, 3]",), extend=True, results=True) == ("seeds",)
    more = ("confirm.seeds=[0, 1, 2, 3]", "search.trials=5", "repeats=2")
    assert recorded(tmp_path, more, extend=True, results=True) == ("seeds", "trials", "repeats")
    assert recorded(tmp_path, more, results=True) == ("seeds", "trials", "repeats")
    assert recorded(tmp_path, more, extend=True, results=True) == ("seeds", "trials", "repeats")


def test_more_arms_are_not_late(tmp_path):
    """They change no comparison that was looked at, but for the number over which p is corrected."""
    recorded(tmp_path, ("ablate={variant: [none, score]}",))
    assert recorded(tmp_path, ("ablate={variant: [none, score, margin]}",), extend=True, results=True) == ()


def test_a_baseline_that_is_changed_after_results_is_noted(tmp_path):
    arms = "ablate={variant: [none, score, margin]}"
    recorded(tmp_path, (arms,))
    assert recorded(tmp_path, (arms, "baseline={variant: score}")) == ()
    assert recorded(tmp_path, (arms, "baseline=variant=score"), results=True) == ()
    assert recorded(tmp_path, (arms, "baseline=variant=margin"), results=True) == ("baseline",)
    assert recorded(tmp_path, (arms, "baseline=variant=score"), results=True) == ("baseline",)
    both = (arms, "baseline=variant=none", "confirm.seeds=[0, 1, 2]")
    assert recorded(tmp_path, both, extend=True, results=True) == ("baseline", "seeds")
