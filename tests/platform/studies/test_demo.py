"""What the README says that the demo shows, on the study that it runs: `quick`, as it ships, at its start values."""

import pytest

from crescendo.platform.studies.settings import load_study
from crescendo.search_spaces.arms import arms_of
from crescendo.trainables.config import configuration
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.training.train import train_detector


def fall(curve):
    """How far the score at the end of an activity lies below the highest, of 20 points along it."""
    return curve.max() - curve[-1]


@pytest.mark.slow
def test_towards_the_end_of_an_activity_the_score_falls_without_a_ranking_loss_and_hardly_does_with_score(tmp_path):
    study, dataset = load_study("quick"), synthesize(tmp_path / "synthetic")
    falls = {}
    for arm in arms_of(study):
        if arm.settings["variant"] not in ("none", "score"):
            continue
        for seed in study.confirm.seeds:
            # As a trial of the study trains, without what takes time and is not asked here.
            config = configuration({**arm.settings, **arm.start[0], "seed": seed, "threads": 1, "fractions": (1.0,)})
            run = train_detector(config, dataset, tmp_path / arm.settings["variant"] / str(seed))
            curve = run.results["test"].metrics.progression.score
            falls.setdefault(arm.settings["variant"], []).append(fall(curve))
    assert len(falls["none"]) == len(study.confirm.seeds)
    for without, with_score in zip(falls["none"], falls["score"], strict=True):
        assert 0 <= with_score < without / 2
