"""Which findings are told follows by rule from the verdicts and intervals of finished studies' report.json."""

import pytest
from finding_reports import compared, write
from findings_causes import by_chance, directly_by_chance, sure, what_they_ask, without_0
from findings_parts import parts
from findings_study import read_findings
from findings_words import agreement, answers, controls, early, finding

APART, ALIKE = (-0.002, -0.001, 0.001, 0.002), (-0.03, -0.01, 0.01, 0.03)
"""What folds vary by, of an arm that can be told apart from one that is 2 points away, and of one that cannot."""
NONE = compared(0.001, None)
ONLY = "; the studies on TUG and HAPT have not finished, so of them there is no finding."


def found(folder, name="findings_gtea", **arms):
    """Return one finished study; `arms`: variant -> its difference in detection."""
    return read_findings([write(folder, name, **{arm: (one, NONE) for arm, one in arms.items()})])


def better(value=0.02, **said):
    return compared(value, "better", **said)


def worse(value=-0.02, **said):
    return compared(value, "worse", **said)


def equivalent(value=0.002):
    return compared(value, "equivalent", half=0.006)


EVERY = ("score", "margin", "combined", "naive")


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        (
            {},
            "on GTEA none is shown to detect better or worse than cross entropy alone. A true difference of 2.0 points on GTEA "
            "would have been shown in four studies of five, a smaller one may be there",
        ),
        (
            dict.fromkeys(EVERY, equivalent()),
            "on GTEA all are equivalent to cross entropy alone within 1 point. Gains of 1 point or more are ruled out",
        ),
        (
            {"naive": worse()},
            "on GTEA none is shown to detect better than cross entropy alone, `naive` (-2.0 points, -3.2 to -0.8) detects worse "
            "and `score`, `margin` and `combined` are undecided (mAP at IoU 0.5, with 95 % intervals). A true difference of 2.0 "
            "points on GTEA would have been shown in four studies of five, a smaller one may be there",
        ),
        (
            {**dict.fromkeys(EVERY, equivalent()), "score": worse()},
            "on GTEA none is shown to detect better than cross entropy alone, `score` (-2.0 points, -3.2 to -0.8) detects worse "
            "and `margin`, `combined` and `naive` are equivalent to it within 1 point (mAP at IoU 0.5, with 95 % intervals). "
            "Gains of 1 point or more are ruled out",
        ),
        (
            {"score": better(spread=APART), "margin": better(0.024, spread=APART), "naive": equivalent()},
            "on GTEA `score` (+2.0 points, +0.8 to +3.2) and `margin` (+2.4 points, +1.2 to +3.6) detect better than cross "
            "entropy alone, `naive` is equivalent to it within 1 point and `combined` is undecided (mAP at IoU 0.5, with 95 % "
            "intervals). Compared directly, as exploration, `score` gains more than every control on GTEA and `margin` gains "
            "more than every control on GTEA, so more weight on activities, more confidence or smoother scores alone would not "
            "explain it",
        ),
        (
            {"score": better(spread=APART), "weighted": better(0.019, spread=ALIKE)},
            "on GTEA `score` (+2.0 points, +0.8 to +3.2) detects better than cross entropy alone and `margin`, `combined` and "
            "`naive` are undecided (mAP at IoU 0.5, with 95 % intervals). Compared directly, as exploration, it is not shown "
            "that `score` gains more than `weighted` on GTEA, so progression need not be the reason",
        ),
    ],
    ids=["undecided", "equivalent", "worse", "worse and equivalent", "better than the controls", "no better than a control"],
)  # fmt: skip
def test_the_main_finding_follows_from_the_verdicts(tmp_path, arms, said):
    assert finding(found(tmp_path, **arms)) == f"Of the four losses that make the score rise, {said}{ONLY}"


def test_without_a_finished_study_there_is_no_finding():
    assert finding([]) == "The studies on GTEA, TUG and HAPT have not finished. So there is no finding yet."
    made = parts([])
    assert made["answers"] == "Nothing yet: no study has finished."
    assert made["studies"].count("not finished") == 3


def test_over_data_sets_it_is_said_what_holds_on_which(tmp_path):
    gtea = found(tmp_path / "gtea", score=better(), margin=better(), combined=equivalent())
    tug = found(tmp_path / "tug", "findings_tug", score=worse(), margin=better())
    hapt = found(tmp_path / "hapt", "findings_hapt", margin=better(), naive=worse())
    assert list(agreement([*gtea, *tug, *hapt])) == [
        "`score` is better on GTEA, worse on TUG and undecided on HAPT: what it does depends on the data.",
        "`margin` is better on GTEA, TUG and HAPT alike.",
        "`combined` is equivalent on GTEA and undecided on TUG and HAPT.",
        "`naive` is undecided on GTEA and TUG and worse on HAPT.",
    ]
    assert list(agreement(gtea)) == []
    told = finding([*gtea, *tug, *hapt])
    assert "not finished" not in told
    assert "; on TUG `margin` (+2.0 points, +0.8 to +3.2) detects better" in told
    assert ", or that `margin` gains more than `weighted`, `confident` or `smoothing` on TUG, or that" in told
    assert finding([*gtea, *hapt]).endswith("; the study on TUG has not finished, so of it there is no finding.")


def test_data_sets_of_which_the_same_holds_are_told_together(tmp_path):
    gtea, tug = found(tmp_path / "gtea"), found(tmp_path / "tug", "findings_tug")
    hapt = found(tmp_path / "hapt", "findings_hapt", margin=better())
    assert finding([*gtea, *tug, *hapt]).startswith(
        "Of the four losses that make the score rise, on GTEA and TUG none is shown to detect better or worse than "
        "cross entropy alone; on HAPT `margin` ("
    )


def test_controls_explain_a_gain_only_as_far_as_they_can_be_told_apart(tmp_path):
    [study] = found(
        tmp_path,
        score=better(0.024, spread=APART),
        weighted=better(0.02, spread=ALIKE),
        confident=compared(0.0, spread=(0.001, -0.001, 0.002, -0.002)),
        smoothing=better(0.05),
        progress=better(0.024, spread=APART),
    )
    first, second, third, *rivals = controls(study)
    assert first.startswith("`score` gains more than `confident` (+2.4 points, +")
    assert first.endswith("), so more confidence alone would not explain its gain.")
    assert second.startswith("`score` cannot be told apart from `weighted` (+0.4 points, -")
    assert second.endswith("), so its gain may be that of more weight on activities, not progression's.")
    assert third.startswith("`score` gains less than `smoothing` (-2.6 points, -")
    assert third.endswith("), so smoother scores can do more without progression.")
    assert rivals[0].startswith("`score` gains more than `linear_early` (+2.2 points, +")
    assert (
        rivals[1]
        == "`score` is not compared directly with `progress`: it takes three folds, and that something varies."
    )
    assert rivals[2] == (
        "Of the controls and rivals `weighted` (+2.0 points, +0.8 to +3.2), `smoothing` (+5.0 points, +3.8 to +6.2) and "
        "`progress` (+2.4 points, +1.2 to +3.6) are better than cross entropy alone."
    )


def test_controls_beside_a_loss_that_harms_and_without_anything_to_explain(tmp_path):
    [study] = found(tmp_path, naive=worse(spread=APART), confident=worse(spread=ALIKE))
    told = list(controls(study))
    assert told[0].startswith("`naive` does worse than `weighted` (-2.2 points, -")
    assert told[0].endswith("so more weight on activities or smoother scores alone would not explain its harm.")
    assert "`naive` cannot be told apart from `confident` (0.0 points, -" in told[1]
    assert told[1].endswith("so its harm may be that of more confidence, not progression's.")
    [study] = found(tmp_path)
    assert list(controls(study)) == [
        "No ranking loss is shown to change detection, so there is nothing whose cause the controls could tell.",
        "No control or rival is shown to be better or worse than cross entropy alone.",
    ]


def test_what_is_undecided_has_what_would_decide_it(tmp_path):
    limit = {"seeds": None, "detectable": 0.03, "groups": 12}
    of_one = (
        "(each fold tests one of the 4 people, so what these vary is not told from what seeds and searches do: it may take "
        "more people, too)"
    )
    [study] = found(
        tmp_path, score=compared(0.01, **limit), naive=compared(0.0, **limit), combined=compared(0.002, seeds=11)
    )
    assert list(answers(study)) == [
        "`score` (+1.0 points, -0.2 to +2.2), `margin` (+0.2 points, -1.0 to +1.4), `combined` (+0.2 points, -1.0 to +1.4) and "
        "`naive` (0.0 points, -1.2 to +1.2) are undecided.",
        "What would decide `score` and `naive`: no number of seeds would show a difference of 1 point in four studies out of "
        "five: on 28 recordings of 4 people it takes 3.0 points at least, so 12 people instead of 4 would decide it "
        + of_one
        + ".",
        "What would decide `margin` and `combined`: with 11 seeds a search instead of 2, on 28 recordings of 4 people, a "
        "difference of 1 point would be shown in four studies out of five " + of_one + ".",
    ]


def test_early_detection_and_causes_are_told_as_exploration(tmp_path):
    [study] = read_findings(
        [write(tmp_path, score=(better(spread=APART), compared(0.03, None)), naive=(worse(), compared(-0.02, None)))]
    )
    assert early(study) == (
        "The interval lies above 0 with `score` (+3.0 points, +1.8 to +4.2) and below 0 with `naive` (-2.0 points, -3.2 to -0.8)."
    )
    assert directly_by_chance(study) == (
        "Of 6 intervals 6 exclude 0 (bold); about 0 would if no two arms differed: which of them are chance nobody can tell."
    )
    assert early(found(tmp_path)[0]) == "No arm's interval lies above or below 0."
    assert list(what_they_ask(study)) == [
        "What is asked for is learned: within an activity the score (of `margin`, the margin) lies less far below its maximum so "
        "far with `score` (-10.0 points, -15.0 to -5.0), `combined` (-10.0 points, -15.0 to -5.0) and `naive` (-10.0 points, "
        "-15.0 to -5.0).",
        "It is not shown that within an activity the score (of `margin`, the margin) lies less far below its maximum so far with "
        "`margin` (+1.0 points, -4.0 to +6.0).",
    ]
    assert by_chance(study) == (
        "Of 150 intervals 10 exclude 0 (bold); about 8 would if no arm differed from the baseline: chance alone could "
        "make as many."
    )
    assert "**-10.0**" in parts([study])["causes"]
    assert next(without_0(study)) == "`score`: score below its maximum (points) -10.0 (-15.0 to -5.0)."


def test_every_difference_in_bold_has_its_interval_in_its_unit(tmp_path):
    def changed(content):
        for arm in content["arms"]:
            if arm["variant"] == "confident":
                gain = arm["causes"]["gain"]
                gain["violations/score/shortfall"].update(mean=0.0, low=-0.1, high=0.1)
                gain["latency_median"].update(mean=0.75, low=0.25, high=1.25)
                gain["merging"].update(mean=-0.02, low=-0.03, high=-0.01)

    [study] = read_findings([write(tmp_path, changed=changed)])
    told = "`confident`: latency (s) +0.75 (+0.25 to +1.25); merging (%) -2.0 (-3.0 to -1.0)."
    assert told in list(without_0(study))
    assert f"- {told}\n" in parts([study])["causes"]
    assert "| +0.75 |" not in parts([study])["causes"]
    assert "| **+0.75** |" in parts([study])["causes"]


def test_validation_that_flatters_is_said(tmp_path):
    def flattered(content):
        for arm in content["arms"]:
            for one in arm["replicates"]:
                one["search"].update(best_objective=0.95, best=0)
        content["notes"] = ["Arm <b>: 1 of 3 trials failed."]

    first, second, score, third, note = sure(read_findings([write(tmp_path, changed=flattered)])[0])
    assert first.startswith(
        "28 recordings of 4 people, each tested in one of 4 folds, where each arm was trained with 2 seeds, 8 times in all; a "
        "true difference of 2.0 points would"
    )
    assert second.startswith(
        "The settings that were chosen have a validation mAP of 95.0 % on average, and reach 65.5 % on"
    )
    assert second.endswith("With such a gap, validation may prefer other settings than the test split would.")
    assert score == (
        "The true label's score within activities is, on average and without a ranking loss, 0.59 on validation recordings and "
        "0.50 on those tested."
    )
    assert third == "In 44 of 44 searches the first of 3 trials was the best, the one with the start values."
    assert note == r"Arm \<b>: 1 of 3 trials failed."
