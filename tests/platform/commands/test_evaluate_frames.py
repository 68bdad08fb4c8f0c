"""`crescendo evaluate --metrics segmental`, as a user calls it."""

import json
import shutil

import numpy as np
import pytest
from finished_runs import command

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import read_json, write_json

SEGMENTS = [{"segment": [0.0, 1.0], "label": "run"}, {"segment": [1.0, 2.0], "label": "walk"}]
TRUTH = {
    "version": "1",
    "taxonomy": [],
    "database": {
        "a": {"duration": 3.0, "subset": "test", "annotations": SEGMENTS},
        "b": {"duration": 2.0, "subset": "test", "annotations": SEGMENTS[:1]},
        "c": {"duration": 2.0, "subset": "training", "annotations": SEGMENTS[:1]},
    },
}
# At ten frames a second: of a, the last two frames of walk are taken for background; of b, run goes on to the end.
A = ["run"] * 10 + ["walk"] * 8 + ["background"] * 12
B = ["run"] * 20
EXPECTED = {
    "subset": "test",
    "background": "left out",
    "accuracy": 38 / 50,
    "edit": 1.0,
    "F1": {"0.10": 1.0, "0.25": 1.0, "0.50": 1.0},
    "confusion": {
        "background": {"background": 10, "run": 10},
        "run": {"run": 20},
        "walk": {"background": 2, "walk": 8},
    },
}


@pytest.fixture
def folder(tmp_path):
    write_json(tmp_path / "truth.json", TRUTH)
    labels = tmp_path / "labels"
    labels.mkdir()
    for name, mine in (("a", A), ("b", B), ("c", B)):
        (labels / f"{name}.txt").write_text("\n".join(mine))
    return tmp_path


def evaluate(folder, *options, fps=10, subset="test", predictions="labels"):
    given = {"--metrics": "segmental", "--ground-truth": folder / "truth.json", "--fps": fps, "--subset": subset}
    labels = {"--predictions": folder / predictions} if predictions else {}
    others = {name: value for name, value in (given | labels).items() if name not in options}
    return command("evaluate", *(word for pair in others.items() for word in pair), *options)


def numbers(done):
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_label_vectors_are_scored(folder):
    done = evaluate(folder, "--json")
    assert numbers(done) == EXPECTED
    assert "1 file of other recordings is left out: c" in done.stderr


def test_the_names_of_numbers_may_lie_elsewhere(folder):
    # As they do where predictions are written to a folder of their own and the mapping came with the data.
    (folder / "data").mkdir()
    (folder / "data/mapping.txt").write_text("7 background\n2 run\n3 walk\n")
    of = {"background": 7, "run": 2, "walk": 3}
    for name, mine in (("a", A), ("b", B)):
        (folder / f"labels/{name}.txt").write_text("\n".join(str(of[one]) for one in mine))
    assert numbers(evaluate(folder, "--json", "--mapping", folder / "data/mapping.txt")) == EXPECTED


def test_scores_in_place_of_labels_are_told_without_an_option_of_another_command(folder):
    (folder / "labels/a.txt").unlink()
    np.save(folder / "labels/a.npy", np.eye(3)[[0] * 30])
    said = str(evaluate(folder).exception)
    assert "a.npy: has shape (30, 3); expected one label a frame, a vector (of scores" in said
    assert "--labels-from" not in said


def test_background_may_be_kept(folder):
    found = numbers(evaluate(folder, "--json", "--keep-background"))
    # a: run, walk, background, all found; b: run, background, of which only run is there.
    assert (found["background"], found["accuracy"], found["edit"]) == ("kept", 38 / 50, 0.75)
    assert found["F1"]["0.10"] == pytest.approx(2 * 4 / 9)


def test_a_table_in_percent(folder):
    out = evaluate(folder).stdout
    assert "76.0" in out
    assert "F1@25" in out
    assert "background (20.0 %)" in out
    assert "test split: 50 frames" in out


def test_numbers_with_a_mapping_and_names_of_background(folder):
    shutil.rmtree(folder / "labels")
    (folder / "labels").mkdir()
    (folder / "labels" / "mapping.txt").write_text("0 idle\n1 run\n2 walk\n")
    for name, mine in (("a", A), ("b", B)):
        codes = np.array([{"background": 0, "run": 1, "walk": 2}[one] for one in mine])
        np.save(folder / "labels" / f"{name}.npy", codes)
    assert numbers(evaluate(folder, "--json", "--background", "idle")) == EXPECTED
    with pytest.raises(InputError, match="'0' is none of the ground truth's"):
        raise evaluate(folder).exception


def test_a_vector_a_little_longer_is_cut_and_one_much_longer_refused(folder):
    (folder / "labels" / "a.txt").write_text("\n".join([*A, "run", "run"]))
    done = evaluate(folder, "--json")
    assert numbers(done) == EXPECTED
    assert "1 of 2 recordings has more or fewer labels than frames" in done.stderr
    (folder / "labels" / "a.txt").write_text("\n".join([*A, *A]))
    with pytest.raises(InputError, match=r"a.txt: has 60 labels but the recording has 30 frames at 10 a second"):
        raise evaluate(folder).exception


def test_detections_label_the_frames_that_they_cover(folder):
    results = {
        "a": [
            {"segment": [0.0, 3.0], "label": "run", "score": 0.5},
            {"segment": [1.0, 1.8], "label": "walk", "score": 0.9},
        ],
        "b": [{"segment": [0.0, 2.0], "label": "run", "score": 0.1}],
        "c": [{"segment": [0.0, 2.0], "label": "run", "score": 0.1}],
    }
    write_json(folder / "found.json", {"version": "1", "results": results, "external_data": {}})
    done = evaluate(folder, "--json", "--detections", folder / "found.json", predictions=None)
    assert numbers(done)["confusion"]["walk"] == {"run": 2, "walk": 8}
    assert numbers(done)["confusion"]["background"] == {"run": 20}
    assert "left out 1 detection" in done.stderr
    assert "has no detection on" not in done.stderr


def test_recordings_without_detections_are_said(folder):
    results = {"a": [{"segment": [0.0, 3.0], "label": "run ", "score": 0.5}], "b": []}
    write_json(folder / "found.json", {"version": "1", "results": results, "external_data": {}})
    done = evaluate(folder, "--json", "--detections", folder / "found.json", predictions=None)
    assert numbers(done)["confusion"]["background"] == {"background": 10, "run": 10}
    assert "found.json: has no detection on 1 of 2 recordings: b" in done.stderr
    assert "found.json: 1 label had blanks at the ends, which were dropped: 'run ' (1 detection)" in done.stderr


def test_no_list_of_other_recordings_ends_within_a_name(folder):
    for number in range(7):
        (folder / f"labels/{'n' * 40}{number}.txt").write_text("run")
    done = evaluate(folder)
    assert f"8 files of other recordings are left out: c, {'n' * 40}0, " in done.stderr
    assert done.stderr.split("are left out: ")[1].splitlines()[0].endswith(f"{'n' * 40}3 and 3 more")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--metrics", "median"), "--metrics median: must be one of mAP, segmental"),
        (("--iou", "0.5"), "--iou: does not belong to --metrics segmental"),
        (("--run", "somewhere"), "belongs to files, not to --run"),
        (("--dataset", "somewhere"), "either it, with --fps, or --dataset"),
        (("--detections", "found.json"), "either it, a folder of label vectors, or --detections"),
        (("--mapping", "other.txt"), "holds no file 'other.txt'"),
        (("--fps", "0"), "--fps 0: must be more than 0"),
        (("--subset", "nothing"), "subset 'nothing' has no recordings"),
        (("--metrics", "mAP"), "belongs to --metrics segmental"),
    ],
)
def test_what_does_not_fit_together_is_refused(folder, options, said):
    with pytest.raises(InputError, match=said):
        raise evaluate(folder, *options).exception


def test_a_recording_without_labels_is_refused(folder):
    (folder / "labels" / "b.txt").unlink()
    with pytest.raises(InputError, match=r"holds no labels for recording 'b' \(1 of 2 lack them\)"):
        raise evaluate(folder).exception


def test_a_run_shows_what_it_measured_and_its_scores_give_the_same(tiny_run, tiny_dataset, tmp_path):
    run, _ = tiny_run
    options = ("evaluate", "--metrics", "segmental", "--json", "--run")
    stored, anew = (
        numbers(command(*options, run, *more, "--keep-background")) for more in ((), ("--dataset", tiny_dataset.path))
    )
    assert stored == anew
    measured = read_json(run / "metrics.json")["test"]["segmental"]
    assert (stored["accuracy"], stored["F1"]) == (measured["accuracy"], measured["with_background"]["F1"])
    metrics = read_json(run / "metrics.json")
    del metrics["test"]["segmental"]
    (tmp_path / "old").mkdir()
    write_json(tmp_path / "old" / "metrics.json", metrics)
    with pytest.raises(InputError, match="by a version without segmental measures"):
        raise command(*options, tmp_path / "old").exception


def test_a_runs_data_set_is_the_truth_of_anyones_labels(tiny_dataset, tmp_path):
    for name in tiny_dataset.recordings("test"):
        labels = [tiny_dataset.labels[code] for code in tiny_dataset.frame_labels(name)]
        (tmp_path / f"{name}.csv").write_text(
            "\n".join(["frame,label", *(f"{n},{one}" for n, one in enumerate(labels))])
        )
    options = ("--dataset", tiny_dataset.path, "--subset", "test", "--predictions", tmp_path, "--json")
    found = numbers(command("evaluate", "--metrics", "segmental", *options))
    assert (found["accuracy"], found["edit"], set(found["F1"].values())) == (1.0, 1.0, {1.0})
