"""The trials of a study's folder, and its best confirmed run: read at any time, chosen by validation alone."""

import json

import pytest
from trivial_study import trivial_study, value
from virtual_study import Virtual

from crescendo.platform.studies.ledger import LEDGER, Ledger
from crescendo.platform.studies.record import record_study
from crescendo.platform.studies.recorded_trials import best_run, read_trials
from crescendo.platform.studies.trial_table import trial_tables, trials_json
from crescendo.platform.terminal_text import terminal_console
from crescendo.trainables.errors import InputError

FOLDS = ("anna", "bo")


def luckiest(settings: dict, iteration: int) -> float:
    """`score` is better on the mean of its runs, `none` has the best single one: seed 1 of repeat 2."""
    bonus = {"none": 0.5 if settings["seed"] == 10_001 else 0.0, "score": 0.2}[settings["variant"]]
    return 0.1 * value(settings, iteration) + bonus


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A study of two arms in two folds and two repeats, as its output folder."""
    folder = tmp_path_factory.mktemp("played")
    study = trivial_study(folder, changes=["repeats=2", "folds={count: 3, by: recording}"])
    output = folder / "output"
    output.mkdir()
    virtual = Virtual(study, output, score=luckiest, folds=FOLDS)
    record_study(study, virtual.run.place, extend=False)
    virtual.play()
    return output


def test_the_arm_with_the_best_mean_is_taken_and_of_it_the_best_run(played):
    best = best_run(played)
    assert (best.entry.arm, best.among, best.of_arms) == ("variant=score", 8, 2)
    assert best.entry.value == max(
        one.value for one in read_trials(played).confirmed("variant=score", best.entry.replicate)
    )
    assert best.folder == played / "trials" / best.entry.identity
    said = best.described()
    assert (
        "arm variant=score, which has the best mean of 2 arms, fold anna, repeat 2, seed 10001: best of its 8" in said
    )
    assert f"validation split (mAP/iou_0.50 {100 * best.entry.value:.1f} %; folds validate" in said


def test_a_named_arm_is_taken_at_its_best_run(played):
    best = best_run(played, "variant=none")
    assert (best.entry.phase, best.entry.settings["seed"], best.entry.replicate.repeat) == ("confirm", 10_001, 2)


def test_what_cannot_be_chosen_lists_what_there_is(played, tmp_path):
    with pytest.raises(InputError, match="variant=none: 8 confirmed runs; variant=score: 8 confirmed runs"):
        best_run(played, "variant=margin")
    with pytest.raises(InputError, match="holds no study"):
        best_run(tmp_path)
    study = trivial_study(tmp_path)
    virtual = Virtual(study, tmp_path)
    record_study(study, virtual.run.place, extend=False)
    virtual.play(turns=5)
    with pytest.raises(InputError, match=r"has no confirmed run yet \(variant=none: no confirmed runs; .*study show"):
        best_run(tmp_path)


def test_the_list_has_every_trial_and_marks_what_export_takes(played, capsys):
    trials = read_trials(played)
    console = terminal_console(width=80)
    for part in trial_tables(trials, played):
        console.print(part, soft_wrap=isinstance(part, str))
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.strip().startswith(("search", "confirm"))]
    assert len(rows) == 2 * 2 * 2 * (3 + 2)
    assert all(len(line) <= 80 for line in lines[1:-1])
    best = best_run(played, "variant=none")
    [marked] = [row for row in rows if f"{best.entry.identity}*" in row]
    assert marked.split()[:6] == ["confirm", "1", best.entry.replicate.fold, "2", "10001", "complete"]
    assert sum("*" in row for row in rows) == 2


def test_the_json_has_values_as_fractions_and_the_setting_of_the_search_trial(played):
    listed = json.loads(json.dumps(trials_json(read_trials(played), played)))
    confirmed = [one for one in listed if one["confirmed"]]
    assert len(confirmed) == 16
    assert all(0 < one["value"] < 1 and "learning_rate" in one["setting"] for one in listed)
    searched = {
        (one["arm"], one["fold"], one["repeat"], json.dumps(one["setting"]))
        for one in listed
        if one["phase"] == "search"
    }
    assert all((one["arm"], one["fold"], one["repeat"], json.dumps(one["setting"])) in searched for one in confirmed)


def test_a_study_is_read_while_a_sweep_writes_to_it_and_stays_as_it_is(played):
    ledger = Ledger(played)
    before = (played / LEDGER).read_bytes()
    with (played / LEDGER).open("ab") as file:
        file.write(b'{"half a')
    try:
        assert len(list(read_trials(played).everything())) == 40
    finally:
        ledger.close()
    assert (played / LEDGER).read_bytes() == before + b'{"half a'
    (played / LEDGER).write_bytes(before)
