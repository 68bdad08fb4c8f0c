"""Studies that run until they are decided: the looks of the report, by hand and in the simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_looks import decided, looks
from simulated_studies import Case, differences, simulated

from crescendo.reports.analysis.comparisons import looks_of
from crescendo.reports.analysis.differences import Comparison, Question
from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.analysis.looks import LookPlan, compared_at_looks
from crescendo.reports.analysis.matched_runs import Resampled
from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.spending import LEAST, level_of_look
from crescendo.reports.analysis.statistics import LEVEL, paired_differences
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.analysis.variance import FoldSample
from crescendo.reports.analysis.verdicts import verdict
from crescendo.reports.page.part import ReportPart
from crescendo.reports.page.sections import sections_of
from crescendo.reports.page.sentences import sentences, summary, what_is_asked
from crescendo.reports.tables.table_set import tables
from crescendo.search_spaces.replicates import ONLY
from crescendo.search_spaces.schema.confirm import Confirm


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_the_levels_of_all_looks_add_up_to_the_whole(shares):
    levels = []
    for number, share in enumerate(shares):
        levels.append(level_of_look(share, sum(levels), len(shares), len(shares) - number - 1))
    assert min(levels) >= LEAST * (1 - 1e-9)
    assert sum(levels) == pytest.approx(LEVEL)


@pytest.mark.parametrize(
    "case",
    [
        Case(seeds=20),
        Case(seeds=20, seed=0.5),
        Case(seeds=20, arms=1, seed=0.5),
        Case(seeds=12, repeats=3, search=1.0),
        Case(seeds=12, folds=5, groups=6, search=1.0),
    ],
    ids=str,
)
def test_of_equal_arms_any_is_called_different_in_at_most_7_percent_over_all_looks(case):
    studies, planned = 800, looks(3, case.seeds)
    margin = 2 * case.error
    found = [decided(case, values, margin, planned) for values in simulated(case, studies, 5)]
    called = np.concatenate([(np.abs(one.answers) == 1).any(axis=1) for one in found])
    assert called.mean() < 0.07 + 3 * math.sqrt(0.05 * 0.95 / studies)
    assert np.concatenate([one.seeds for one in found]).mean() < 0.7 * case.seeds


def by_the_report(values, planned, margin):
    """Arm -> answer and seeds, of one study: (arms, seeds, groups) differences."""
    arms, _, groups = values.shape
    shares = np.random.default_rng(1).multinomial(groups, np.full(groups, 1 / groups), size=20_000) / groups
    runs = {f"arm {arm}": {(ONLY, seed): one[seed] for seed in range(len(one))} for arm, one in enumerate(values)}
    runs["baseline"] = {(ONLY, seed): None for seed in range(values.shape[1])}

    def compare(known, question, level):
        names = [name for name in known if name != "baseline"]
        samples = [np.stack(list(known[name].values())) for name in names]
        folds = [[FoldSample((one.mean(axis=1),), (shares @ one.T,), groups)] for one in samples]
        asked = dict(zip(names, paired_differences(folds), strict=True))
        at = level(asked)
        found = dict(zip(names, paired_differences(folds, level=at), strict=True))
        answers = {
            name: {"m": made(one, verdict(one, comparisons=arms, margin=question.margin, level=at))}
            for name, one in found.items()
        }
        return Comparison(answers, Resampled(), (), asked, at)

    places = {name: {key: key[1] for key in one} for name, one in runs.items()}
    plan = LookPlan(planned, places, {name: frozenset() for name in runs})
    comparison, made_looks = compared_at_looks(runs, "baseline", plan, Question("m", margin), compare)
    seeds = {name: look.seeds for look in made_looks for name in look.outcomes}
    return [(one["m"].verdict.answer, seeds[name]) for name, one in comparison.differences.items()]


def made(one, answer):
    rest = dict.fromkeys(("improvement", "detectable", "percentile_low", "percentile_high", "seeds", "seeds_each"), 0)
    figures = {name: getattr(one, name) for name in ("value", "low", "high", "p", "p_adjusted", "standard_error")}
    return Difference("m", **figures, verdict=answer, degrees=one.degrees, recordings=1, groups=1, **rest)


def test_the_simulation_decides_as_the_report_does():
    case, planned = Case(arms=3, seeds=12, groups=8, seed=0.5), looks(3, 12)
    values = differences(case, 6, np.random.default_rng(3))
    values += (np.linspace(0, 5, 6)[:, None] * case.error * np.array([0, 1, -1]))[..., None, None, None, None, None]
    margin = 4 * case.error
    expected = decided(case, values, margin, planned)
    names = {1: "better", -1: "worse", 2: "equivalent", 0: "undecided"}
    same = 0
    for study in range(6):
        found = by_the_report(values[study, :, 0, 0].mean(axis=-1), planned, margin)
        told = [
            (names[int(one)], int(seeds))
            for one, seeds in zip(expected.answers[study], expected.seeds[study], strict=True)
        ]
        same += sum(one == other for one, other in zip(found, told, strict=True))
    assert len({one for row in expected.answers for one in row}) > 2
    assert same >= 17  # of 18: the bootstrap of the one is drawn, of the other known


def test_an_arm_of_which_nothing_has_varied_yet_gets_more_seeds():
    values = np.stack([np.full((12, 8), 0.05), np.full((12, 8), -0.002)])
    assert by_the_report(values, looks(3, 12), 0.01) == [("undecided", 12)] * 2
    values[:, 3:] += np.random.default_rng(1).normal(0, 0.01, (2, 9, 8))
    [(better, seeds), (_, others)] = by_the_report(values, looks(3, 12), 0.001)
    assert better == "better"
    assert min(seeds, others) > 3


def with_looks(runs, **confirm):
    changed = runs.study.model_copy(update={"confirm": Confirm(**{"until": "decided", "margin": 1.0} | confirm)})
    return replace(runs, study=changed)


def test_a_report_finds_again_what_the_study_decided_at_its_looks(golden_runs, golden_model):
    runs = with_looks(golden_runs, seeds=3, at_most=4)
    [look] = looks_of(runs)
    assert look.seeds == 3
    assert set(look.outcomes) == {arm.name for arm in golden_model.arms if not arm.baseline}
    assert all(outcome.startswith("undecided: 1 of 3 labels") for outcome in look.outcomes.values())
    assert look.undecided == ()
    model = summarise([runs], resamples=50)
    assert model.looks == (look,)
    assert {one.level for arm in model.arms[1:] for one in arm.difference.values()} == {look.level}
    assert "as planned; the looks share the 5 % of error" in summary(model)
    later = summary(replace(model, added_late=("seeds",)))
    assert "as planned" not in later
    assert "By the study as it is now, the arms are compared with 3 seeds" in later
    *others, last = model.arms
    ahead = {key: replace(one, seeds_each=9) for key, one in last.difference.items()}
    told = dict(sentences(replace(model, arms=(*others, replace(last, difference=ahead)))))
    assert f"points of {what_is_asked(model)} with 3 seeds, " in told[others[-1].name]
    assert f"points of {what_is_asked(model)}, " in told[last.name]
    [table] = [one for one in tables(model) if one.name == "looks"]
    assert [row[1].text for row in table.rows] == list(look.outcomes.values())
    assert report_json(model)["looks"][0]["seeds"] == 3
    assert "looks" not in report_json(golden_model)
    [compared] = [one for one in sections_of(ReportPart(model, [], [], [], []), pictures=False) if one.details]
    assert dict(compared.details)["Confirmation"].endswith(
        "0, 1, 2; where these do not decide it, with more, so that there are 4."
    )


def test_before_the_first_look_nothing_is_answered(golden_runs):
    runs = with_looks(golden_runs, seeds=[0, 1, 2, 3], at_most=9)
    assert looks_of(runs) == ()
    model = summarise([runs], resamples=50)
    asked = [model.asked(arm) for arm in model.arms[1:]]
    assert all("first once all have 4 seeds" in one.verdict.unfit for one in asked)


def test_beside_another_study_it_is_not_answered(golden_runs):
    runs = with_looks(golden_runs, seeds=3, at_most=4)
    several = summarise([runs, replace(golden_runs, name="other")], resamples=50)
    asked = [one for arm in several.arms if (one := several.asked(arm)) is not None]
    assert several.looks == ()
    assert {one.verdict.answer for one in asked} == {"undecided"}
    assert any("its own report" in one.verdict.unfit for one in asked)
