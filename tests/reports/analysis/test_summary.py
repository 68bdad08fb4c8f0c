"""What a report says: numbers that agree with each other and with those of the runs."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from invented_model import BETTER, invented
from stored_study import GOLDEN, report_tables

from crescendo.reports.analysis import paper
from crescendo.reports.analysis.estimates import Verdict
from crescendo.reports.analysis.family import adjusted_p
from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.search import importances
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.formatting import recordings_text
from crescendo.reports.page.sentences import CHOSEN, answers, not_asked, opening, sentences, summary
from crescendo.reports.tables.table_set import tables
from crescendo.trainables.data.groups import Groups
from crescendo.trainables.errors import InputError


def with_base(runs, **settings):
    """The study of `runs`, with other settings in its base."""
    return runs.study.model_copy(update={"base": {**runs.study.base, **settings}})


def test_the_golden_study_gives_the_same_tables_to_the_byte(golden, tmp_path):
    report_tables(golden, tmp_path / "tables")
    expected = {file.name: file.read_bytes() for file in (GOLDEN / "tables").iterdir()}
    assert {file.name: file.read_bytes() for file in (tmp_path / "tables").iterdir()} == expected


def test_differences_are_those_of_the_means(golden_model):
    baseline = golden_model.baseline_arm
    for arm in golden_model.arms[1:]:
        for measure, one in arm.difference.items():
            key = measure.removeprefix("mAP/").removeprefix("iou_")
            assert one.value == pytest.approx(arm.detection[key].mean - baseline.detection[key].mean)
            assert (one.seeds, one.recordings) == ((0, 1, 2), golden_model.recordings)
        for threshold in golden_model.iou:
            expected = arm.early["0.30"][threshold].mean - baseline.early["0.30"][threshold].mean
            assert arm.early_difference[f"mAP/iou_{threshold}"].value == pytest.approx(expected)


def test_p_is_adjusted_over_the_arms_as_its_interval_is(golden_model):
    compared = [arm.difference["mAP/iou_0.50"] for arm in golden_model.arms[1:]]
    expected = [adjusted_p(one.value / one.standard_error, one.degrees, 2) for one in compared]
    assert [one.p_adjusted for one in compared] == pytest.approx(expected)
    for one in compared:
        assert one.holds == (one.p_adjusted <= 0.05) == (one.verdict.answer in ("better", "worse"))
        assert (one.p_adjusted <= 0.05) == (not one.low <= 0 <= one.high)


def test_only_what_the_study_asks_about_has_a_verdict(golden_runs, golden_model):
    asked = {(arm.name, key) for arm in golden_model.arms for key, one in arm.difference.items() if one.verdict}
    assert asked == {(arm.name, "mAP/iou_0.50") for arm in golden_model.arms[1:]}
    assert not any(one.verdict for arm in golden_model.arms for one in arm.early_difference.values())
    study = golden_runs.study.model_copy(update={"primary": "early"})
    early = summarise([replace(golden_runs, study=study)], resamples=50)
    asked = {(arm.name, key) for arm in early.arms for key, one in arm.early_difference.items() if one.verdict}
    assert asked == {(arm.name, "mAP/iou_0.50") for arm in early.arms[1:]}
    assert not any(one.verdict for arm in early.arms for one in arm.difference.values())
    assert all("of early detection" in text for _, text in sentences(early))


def test_what_is_about_the_arms(golden_model):
    none, score, margin = golden_model.arms
    assert (none.baseline, score.baseline, margin.variant) == (True, False, "margin")
    assert none.ablated == {"variant": "none"}
    assert set(none.setting) == {"dropout", "learning_rate", "merge_gap", "reset"}
    assert set(score.setting) == {*none.setting, "lambda_r"}
    assert none.search.lambda_r is None
    assert score.search.lambda_r == score.setting["lambda_r"]
    assert not none.gain
    assert set(score.gain) == set(golden_model.labels)
    assert [one.iteration for one in score.snapshots] == [15, 30, 45]
    assert score.progression.margin == pytest.approx(score.progression.score - score.progression.worst_negative)
    assert none.paper_detection is None


def test_decode_settings_count_as_trainings_saved(golden_model):
    for arm, cost in zip(golden_model.arms, golden_model.costs, strict=True):
        finished = arm.search.counts["finished"]
        assert (cost.decodings, cost.saved) == (26 * finished, 25 * finished)  # 13 merge gaps, 2 resets
        assert cost.trainings == 8
        assert cost.cpu_hours == pytest.approx(cost.search_hours + cost.confirm_hours) != 0


def test_timelines_show_three_recordings_as_every_arm_saw_them(golden_model):
    assert len(golden_model.timelines) == 3
    for one in golden_model.timelines:
        assert (one.seed, one.labels[0], one.fps) == (0, "background", 2.0)
        assert set(one.detections) == set(one.scores) == {arm.name for arm in golden_model.arms}
        assert all(matrix.shape[1] == len(one.labels) for matrix in one.scores.values())
        assert {label for label, _, _ in one.truth} <= set(one.labels)


def test_every_number_is_json(golden_model):
    text = json.dumps(report_json(golden_model), allow_nan=False)
    found = json.loads(text)
    assert found["arms"][1]["difference"]["mAP/mean"]["value"] == golden_model.arms[1].difference["mAP/mean"].value
    assert len(text) < 200_000


def test_the_same_seed_gives_the_same_numbers(golden_runs, golden_model):
    assert report_json(summarise([golden_runs], resamples=200)) == report_json(golden_model)
    other = summarise([golden_runs], resamples=200, seed=1)
    assert other.arms[1].difference["mAP/mean"].low != golden_model.arms[1].difference["mAP/mean"].low


def test_studies_on_the_same_data_are_compared_under_their_names(golden_runs):
    model = summarise([golden_runs, replace(golden_runs, name="other")], resamples=200)
    assert [arm.name for arm in model.arms][:4] == [
        "golden: variant=none", "golden: variant=score", "golden: variant=margin", "other: variant=none",
    ]  # fmt: skip
    assert model.baseline == "golden: variant=none"
    twin = model.arms[3].difference["mAP/iou_0.50"]
    assert (twin.value, twin.p, twin.verdict.answer) == (0, 1, "undecided")
    assert twin.verdict.unfit.startswith("nothing varied")
    twice = summarise([golden_runs, golden_runs], resamples=200)
    assert twice.arms[3].name == "golden (2): variant=none"


def test_studies_on_other_data_or_measured_otherwise_are_refused(golden_runs):
    other = replace(golden_runs, name="other", dataset_hash="0" * 64)
    with pytest.raises(InputError, match="other: ran on another data set than golden"):
        summarise([golden_runs, other])
    for key, value, said in (
        ("protocol", "thumos14", "was measured with protocol thumos14, golden with paper"),
        ("iou", (0.5,), r"was measured with iou \[0.5\], golden with \[0.3, 0.5, 0.7\]"),
    ):
        with pytest.raises(InputError, match=said):
            summarise([golden_runs, replace(golden_runs, name="other", study=with_base(golden_runs, **{key: value}))])


@pytest.mark.parametrize(
    ("config", "dataset", "shown"),
    [("paper", "activitynet", True), ("paper", "hapt", False), ("hapt", "activitynet", False), ("paper", "", False)],
)
def test_the_papers_figures_stand_beside_a_study_of_the_paper_on_activitynet_alone(golden_runs, config, dataset, shown):
    runs = replace(golden_runs, study=with_base(golden_runs, config=config), dataset=dataset)
    model = summarise([runs], resamples=100)
    assert [arm.paper_detection is not None for arm in model.arms] == [shown] * 3
    text = "".join(table.markdown() for table in tables(model))
    assert ("in the paper" in text) == shown
    if shown:
        assert model.arms[1].paper_detection["0.50"] == pytest.approx(0.364)
        assert model.arms[2].paper_early["0.80"] == pytest.approx(0.235)


def test_the_papers_rows_are_whole():
    assert all(len(row) == len(paper.IOU) for part in (paper.DETECTION, paper.EARLY) for row in part.values())
    assert paper.paper_row("cnn", "none") == "CNN"
    assert paper.paper_row("lstm", "naive") is None


def test_the_setting_that_matters_is_the_important_one(golden_runs):
    arm = golden_runs.arms[0]
    random = np.random.default_rng(0)
    trials = tuple(
        replace(
            arm.search[0],
            number=number,
            state="finished",
            settings={**arm.search[0].settings, "learning_rate": rate, "dropout": dropout},
            metrics={"objective": -abs(np.log10(rate) + 2)},
        )
        for number, (rate, dropout) in enumerate(
            zip(10 ** random.uniform(-2.5, -1.5, 20), random.uniform(0, 0.5, 20), strict=True)
        )
    )
    found = importances(replace(arm, search=trials))
    assert found["learning_rate"] > 0.8 > found["dropout"]
    assert importances(replace(arm, search=trials[:3])) is None


def test_sentences_say_how_sure_they_are(golden_model):
    shown = replace(
        golden_model.arms[1].difference["mAP/iou_0.50"],
        value=0.021, low=0.004, high=0.039, p_adjusted=0.0123, verdict=Verdict("better", 0.01),
    )  # fmt: skip
    arms = list(golden_model.arms)
    arms[1] = replace(arms[1], difference={"mAP/iou_0.50": shown})
    first, second = (text for _, text in sentences(replace(golden_model, arms=tuple(arms))))
    assert first == (
        "+2.1 points of mAP at IoU 0.5, 95 % interval +0.4 to +3.9: better than variant=none "
        "(p = 0.012, adjusted over the arms)."
    )
    assert second.startswith("undecided: ")


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict("equivalent", 0.01), r"^equivalent to variant=none within 1 point: \+2\.1 points"),
        (Verdict("worse", 0.01), "^.*: worse than variant=none"),
        (Verdict("undecided", 0.01, unfit="2 seeds are too few, it takes 3"), "; 2 seeds are too few, it takes 3.$"),
        (
            Verdict("undecided", 0.015, seeds=9, detectable=0.01),
            "with 9 seeds instead of 3, .* a difference of 1.5 points",
        ),
        (Verdict("undecided", 0.01, seeds=3, detectable=0.01), "would be shown in four such studies out of five"),
        (
            Verdict("undecided", 0.01, detectable=0.002),
            "more than 100 seeds to show a difference of 1 point on 8 recordings",
        ),
        (
            Verdict("undecided", 0.01, detectable=0.023),
            "no number of seeds .* it takes 2.3 points at least, and 10 times the recordings would not do alone.$",
        ),
        (
            Verdict("undecided", 0.01, detectable=0.023, groups=31),
            "so 31 recordings instead of 8 would decide it",
        ),
        (
            Verdict("undecided", 0.01, seeds=9, detectable=0.01, repeats=4, groups=31),
            "with 9 seeds instead of 3, on 8 recordings, or with 4 searches of each arm instead of 1, or with 31 recordings",
        ),
    ],
)
def test_an_undecided_study_says_what_would_decide_it(golden_model, verdict, said):
    shown = replace(golden_model.arms[1].difference["mAP/iou_0.50"], value=0.021, verdict=verdict)
    arms = (golden_model.arms[0], replace(golden_model.arms[1], difference={"mAP/iou_0.50": shown}))
    model = replace(golden_model, arms=arms)
    [(_, text)] = sentences(model)
    assert re.search(said, text)
    assert f"1 arm is {verdict.answer}" in summary(model)
    assert CHOSEN in summary(model)


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Verdict("worse", 0.01), "worse"),
        (Verdict("equivalent", 0.015), "equivalent within 1.5 points"),
        (
            Verdict("undecided", 0.01, unfit="2 seeds are too few, it takes 3"),
            "undecided: 2 seeds are too few, it takes 3",
        ),
        (
            Verdict("undecided", 0.02, seeds=9),
            "undecided: with 9 seeds instead of 3, on 8 recordings, a difference of 2 points",
        ),
    ],
)
def test_an_answer_in_words_says_what_would_decide_it(golden_model, verdict, told):
    shown = replace(golden_model.arms[1].difference["mAP/iou_0.50"], verdict=verdict)
    arms = (golden_model.arms[0], replace(golden_model.arms[1], difference={"mAP/iou_0.50": shown}))
    [(arm, said)] = answers(replace(golden_model, arms=arms)).items()
    assert arm == golden_model.arms[1].name
    assert said.startswith(told)


def test_where_the_searches_differ_much_more_recordings_alone_are_not_promised(golden_model):
    shown = replace(
        golden_model.arms[1].difference["mAP/iou_0.50"],
        folds=("1", "2", "3"),
        verdict=Verdict("undecided", 0.01, detectable=0.34),
    )
    arms = (golden_model.arms[0], replace(golden_model.arms[1], difference={"mAP/iou_0.50": shown}))
    [(_, text)] = sentences(replace(golden_model, arms=arms))
    assert text.endswith(
        "at least, and 20 searches of each arm in each fold or 10 times the recordings would not do alone."
    )


def grouped(runs, groups):
    """The study of `runs`, its recordings in `groups`."""
    arms = tuple(
        replace(arm, artifacts={seed: replace(one, groups=groups) for seed, one in arm.artifacts.items()})
        for arm in runs.arms
    )
    return replace(runs, arms=arms)


def test_recordings_of_one_group_are_drawn_together(golden_runs, golden_model):
    names = sorted(set(golden_runs.arms[0].artifacts[0].truth["recording"].to_pylist()))
    people = Groups({name: f"person {number % 4}" for number, name in enumerate(names)}, "people")
    model = summarise([grouped(golden_runs, people)], resamples=200)
    assert (model.recordings, model.groups, model.groups_are) == (golden_model.recordings, 4, "people")
    for arm, alone in zip(model.arms[1:], golden_model.arms[1:], strict=True):
        for measure, one in arm.difference.items():
            assert (one.groups, alone.difference[measure].groups) == (4, golden_model.recordings)
            assert one.value == alone.difference[measure].value
            assert one.low != alone.difference[measure].low
    assert recordings_text(model.recordings, model.groups, model.groups_are) == "8 recordings of 4 people"
    # In so few, no label is of more than three.
    assert all("labels are in fewer than 4 groups" in text for _, text in sentences(model))
    each = Groups({name: name for name in names})
    assert report_json(summarise([grouped(golden_runs, each)], resamples=200)) == report_json(golden_model)


def test_the_first_words_say_which_question_was_chosen_and_what_holds_of_what_was_not():
    model = invented()
    assert "Against it, in mAP at IoU 0.5, the one question that was chosen beforehand, 1 arm is" in summary(model)
    told = not_asked(model)
    assert told.startswith(
        "Not asked, and so without p, stars or an answer: in early detection (30 % observed), the interval "
    )
    assert f"lies above 0 of {BETTER}. So it is" in told
    still = {
        key: replace(one, low=one.value, high=one.value, standard_error=0.0)
        for key, one in model.arms[1].early_difference.items()
    }
    unmoved = replace(model, arms=(model.arms[0], replace(model.arms[1], early_difference=still)))
    assert "no arm's interval lies above or below 0" in not_asked(unmoved)
    other = not_asked(replace(model, primary="early"))
    assert "in detection of whole activities, the interval lies" in other
    assert not_asked(replace(model, arms=tuple(replace(arm, early_difference={}) for arm in model.arms))) == ""


@pytest.mark.parametrize("metric", ["mAP/iou_0.50", "mAP/mean"])
@pytest.mark.parametrize("primary", ["detection", "early"])
def test_what_the_study_asks_is_answered_alike_with_and_without_the_rest(golden_runs, metric, primary):
    changes = {"primary": primary, "objective": golden_runs.study.objective.model_copy(update={"metric": metric})}
    runs = replace(golden_runs, study=golden_runs.study.model_copy(update=changes))
    whole, asked = (summarise([runs], resamples=40, asked_only=only) for only in (False, True))
    assert [asked.asked(arm) for arm in asked.arms] == [whole.asked(arm) for arm in whole.arms]
    assert any(whole.asked(arm) for arm in whole.arms)
    assert opening(asked) == opening(whole)
    left_out = "early_difference" if primary == "detection" else "difference"
    assert not any(getattr(arm, left_out) for arm in asked.arms)


def test_one_group_of_recordings_says_nothing_of_others(golden_runs):
    names = set(golden_runs.arms[0].artifacts[0].truth["recording"].to_pylist())
    model = summarise([grouped(golden_runs, Groups(dict.fromkeys(names, "S1"), "people"))], resamples=200)
    assert not any(arm.difference or arm.early_difference for arm in model.arms)
    assert any("a single group of recordings" in one and "the same one of the people" in one for one in model.missing)
    assert all(text.startswith("not compared") for _, text in sentences(model))


def with_clipping(runs, shares):
    """The study of `runs`, its confirmed trainings clipped in these shares of their steps, by arm."""

    def clipped(arm, share):
        told = [replace(one, metrics={**one.metrics, "training/clipped_share": share}) for one in arm.confirmed]
        return replace(arm, confirmed=tuple(told))

    return replace(
        runs,
        arms=tuple(arm if share is None else clipped(arm, share) for arm, share in zip(runs.arms, shares, strict=True)),
    )


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ((None, None, None), None),
        ((0.0, 0.0625, 0.09375), None),
        ((None, 0.9, None), None),
        ((0.0, 0.5, 0.875), "clipped in 0 % of the steps of variant=none and in 88 % of those of variant=margin"),
        ((None, 0.5, 0.25), "clipped in 25 % of the steps of variant=margin and in 50 % of those of variant=score"),
    ],
)
def test_arms_that_differ_in_clipping_are_told_apart(golden_runs, shares, told):
    model = summarise([with_clipping(golden_runs, shares)], resamples=2)
    assert [arm.clipped_share for arm in model.arms] == list(shares)
    [table] = [one for one in tables(model) if one.name == "cost"]
    if told is None:
        assert not any("clipped" in note for note in model.notes)
        assert "Clipped" not in table.columns
    else:
        assert any(told in note for note in model.notes)
        assert table.columns[-1] == "Clipped"
        shown = ["-" if share is None else f"{100 * share:.1f}" for share in shares]
        assert [row[-1].text for row in table.rows] == [*shown, "-"]


def test_what_was_added_after_looking_is_said_at_the_top(golden_runs, golden_model):
    late = summarise([replace(golden_runs, added_late=("seeds", "trials"))], resamples=2)
    assert summary(late).endswith(f"{CHOSEN} Seeds and trials added after looking: p no longer holds.")
    assert opening(late).endswith(summary(late))
    assert " % (95 % interval over seeds " in opening(late)
    assert summary(golden_model).endswith(CHOSEN)
    other = summarise([replace(golden_runs, added_late=("baseline",))], resamples=2)
    assert summary(other).endswith(f"{CHOSEN} The baseline changed after looking: p no longer holds.")
    both = replace(late, added_late=("baseline", "repeats"))
    assert summary(both).endswith("Repeats added and the baseline changed after looking: p no longer holds.")
