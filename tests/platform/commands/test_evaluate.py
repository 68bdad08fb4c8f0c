"""`crescendo evaluate`, as a user calls it."""

import gzip
import json
import sys

import pytest

from crescendo.platform import cli
from crescendo.platform.commands.evaluate_files import parse_thresholds
from crescendo.trainables.errors import InputError

TRUTH = {
    "version": "1",
    "taxonomy": [],
    "database": {
        "a": {
            "duration": 20.0,
            "subset": "validation",
            "annotations": [{"segment": [0.0, 10.0], "label": "run"}, {"segment": [12.0, 16.0], "label": "walk"}],
        },
        "b": {"duration": 20.0, "subset": "training", "annotations": [{"segment": [0.0, 10.0], "label": "jump"}]},
    },
}
FOUND = {
    "version": "1",
    "results": {
        "a": [
            {"segment": [0.0, 6.0], "label": "run", "score": 0.9},
            {"segment": [12.0, 16.0], "label": "walk", "score": 0.4},
        ]
    },
    "external_data": {},
}


@pytest.fixture
def crescendo(tmp_path, monkeypatch, capsys):
    def run(*options, truth=TRUTH, found=FOUND, subset="validation"):
        for name, content in (("truth.json", truth), ("found.json", found)):
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
        files = {"--ground-truth": "truth.json", "--detections": "found.json"}
        named = [word for key, file in files.items() if key not in options for word in (key, str(tmp_path / file))]
        monkeypatch.setattr(sys, "argv", ["crescendo", "evaluate", *named, "--subset", subset, *options])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        return stopped.value.code, out, err

    return run


def test_json(crescendo):
    code, out, err = crescendo("--iou", "0.5", "--iou", "0.75", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "mAP": {"0.50": 1.0, "0.75": 0.5},
        "mAP_mean": 0.75,
        "AP": {"run": {"0.50": 1.0, "0.75": 0.0}, "walk": {"0.50": 1.0, "0.75": 1.0}},
    }


def test_default_thresholds_are_the_papers(crescendo):
    _, out, _ = crescendo("--json")
    assert list(json.loads(out)["mAP"]) == ["0.10", "0.20", "0.30", "0.40", "0.50", "0.60", "0.70", "0.80"]


def test_table(crescendo):
    code, out, _ = crescendo("--iou", "0.5:0.75:0.25")
    assert code == 0
    lines = [line.replace("│", " ").split() for line in out.splitlines()]
    assert ["run", "100.0", "0.0"] in lines
    assert ["mAP", "100.0", "50.0"] in lines
    assert "75.00 %" in out


TIED = {"results": {"a": [
    {"segment": [0.0, 10.0], "label": "run", "score": 0.5},
    {"segment": [1.0, 2.0], "label": "run", "score": 0.5},
    {"segment": [12.0, 16.0], "label": "walk", "score": 0.5},
]}}  # fmt: skip


def test_what_ties_make_of_map_is_said(crescendo):
    _, out, _ = crescendo("--iou", "0.5", "--json", found=TIED)
    assert json.loads(out)["mAP"] == {"0.50": 1.0}
    assert json.loads(out)["ties"] == {"0.50": {"lowest": 0.75, "highest": 1.0, "exact": True}}
    _, out, _ = crescendo("--iou", "0.5", found=TIED)
    lines = [line.replace("│", " ").split() for line in out.splitlines()]
    assert ["ties:", "lowest", "75.00"] in lines
    assert ["ties:", "highest", "100.00"] in lines
    assert "Some detections have equal scores" in out


def test_ties_in_the_order_of_the_file(crescendo):
    turned = {"results": {"a": TIED["results"]["a"][::-1]}}
    for found, file in ((TIED, 1.0), (turned, 0.75)):
        for order, expected in (("fixed", 1.0), ("file", file)):
            _, out, _ = crescendo("--iou", "0.5", "--json", "--ties", order, found=found)
            assert json.loads(out)["mAP"]["0.50"] == expected
    code, _, err = crescendo("--ties", "random")
    assert (code, "--ties random: must be fixed or file" in err) == (2, True)


def test_gzip_and_protocol(crescendo, tmp_path):
    zipped = tmp_path / "zipped.json.gz"
    zipped.write_bytes(gzip.compress(json.dumps(TRUTH).encode()))
    # IoU 0.6 is no less than 0.6 and not above it.
    for protocol, expected in (("paper", 0.0), ("activitynet", 1.0), ("thumos14", 0.0)):
        code, out, _ = crescendo("--ground-truth", str(zipped), "--protocol", protocol, "--iou", "0.6", "--json")
        assert code == 0
        assert json.loads(out)["AP"]["run"]["0.60"] == expected


def test_detections_outside_the_subset_are_left_out_and_said(crescendo):
    found = {"results": {**FOUND["results"], "b": [{"segment": [0.0, 10.0], "label": "jump", "score": 1.0}]}}
    code, out, err = crescendo("--iou", "0.5", "--json", found=found)
    assert code == 0
    assert set(json.loads(out)["AP"]) == {"run", "walk"}
    assert "left out 1 detection, on recordings outside subset 'validation': 1 recording, the first is 'b'" in err


def test_recordings_without_detections_and_labels_that_count_nowhere_are_said(crescendo):
    truth = {
        **TRUTH,
        "database": {**TRUTH["database"], "c": {"duration": 9.0, "subset": "validation", "annotations": []}},
    }
    jump = {"segment": [0.0, 10.0], "label": "jump", "score": 1.0}
    code, _, err = crescendo(truth=truth, found={"results": {"a": [*FOUND["results"]["a"], jump, jump]}})
    assert code == 0
    assert "has no detection on 1 of 2 recordings: c" in err
    assert "labels without a segment in the subset have no AP and count nowhere: jump (2)" in err


def test_blanks_at_the_ends_of_labels_are_dropped_and_said(crescendo):
    truth = changed_truth(
        annotations=[
            {"segment": [0.0, 10.0], "label": "run"},
            {"segment": [12.0, 16.0], "label": " walk"},
            {"segment": [17.0, 19.0], "label": "walk"},
        ]
    )
    found = [{**one, "label": f"{one['label']} "} for one in FOUND["results"]["a"]]
    code, out, err = crescendo("--iou", "0.5", "--json", truth=truth, found={"results": {"a": found}})
    assert code == 0
    assert json.loads(out)["AP"] == {"run": {"0.50": 1.0}, "walk": {"0.50": 0.5}}
    first, second = err.splitlines()
    assert first.endswith("truth.json: 1 label had blanks at the ends, which were dropped: ' walk' (1 segment)")
    assert second.endswith(
        "found.json: 2 labels had blanks at the ends, which were dropped: 'run ' (1 detection), 'walk ' (1 detection)"
    )


def changed_truth(**changes):
    return {**TRUTH, "database": {"a": {**TRUTH["database"]["a"], **changes}}}


@pytest.mark.parametrize(
    ("options", "inputs", "message"),
    [
        ([], {"truth": "{"}, "truth.json: not valid JSON"),
        ([], {"found": "{"}, "found.json: not valid JSON"),
        ([], {"truth": {"results": {}}}, "'database'"),
        ([], {"truth": changed_truth(annotations=[{"segment": [5.0, 3.0], "label": "run"}])}, "--clip"),
        ([], {"truth": changed_truth(annotations=[{"segment": [5.0, 30.0], "label": "run"}])}, "--clip"),
        ([], {"truth": changed_truth(annotations=[]), "found": {"results": {}}}, "truth.json: no recording"),
        ([], {"subset": "testing"}, "truth.json: subset 'testing'"),
        ([], {"found": {"results": {"a": [{"segment": [0, 1], "label": "fly", "score": 1}]}}}, "'fly'"),
        ([], {"found": {"results": {"a": [{"segment": [0, 1], "label": "run", "score": float("nan")}]}}}, "score nan"),
        (["--iou", "high"], {}, "--iou high"),
        (["--iou", "1.5"], {}, "--iou 1.5"),
        (["--iou", "0.5:0.4:0.1"], {}, "--iou 0.5:0.4:0.1"),
        (["--zero-over-zero"], {}, "--zero-over-zero"),
        (["--ground-truth", "nowhere/truth.json"], {}, "nowhere/truth.json: no such file"),
    ],
)
def test_bad_input_ends_in_one_line_and_code_2(crescendo, options, inputs, message):
    code, out, err = crescendo(*options, **inputs)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")


def test_clip_cuts_ground_truth(crescendo):
    truth = changed_truth(annotations=[{"segment": [0.0, 30.0], "label": "run"}])
    found = {"results": {"a": [{"segment": [0, 20], "label": "run", "score": 1}]}}
    code, out, _ = crescendo("--clip", "--iou", "0.9", "--json", truth=truth, found=found)
    assert code == 0
    assert json.loads(out)["mAP"] == {"0.90": 1.0}


def test_an_unknown_protocol_is_refused(crescendo):
    code, _, err = crescendo("--protocol", "voc")
    assert code == 2
    assert "voc" in err


def test_ranges_of_thresholds():
    assert parse_thresholds(["0.5:0.95:0.05"]) == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    assert parse_thresholds(["0.8", "0.1:0.3:0.1", "0.3"]) == [0.1, 0.2, 0.3, 0.8]
    assert parse_thresholds(["0.1:0.8:0.15"]) == [0.1, 0.25, 0.4, 0.55, 0.7]
    with pytest.raises(InputError):
        parse_thresholds(["nan"])


def test_the_official_sample_as_on_the_command_line(crescendo, real_data):
    folder = real_data / "activitynet"
    files = [
        *("--ground-truth", str(folder / "activity_net.v1-3.json.gz")),
        *("--detections", str(folder / "sample_detections.json.gz")),
    ]
    options = ["--protocol", "activitynet", "--iou", "0.5:0.95:0.05", "--json", "--zero-over-zero"]
    code, out, err = crescendo(*files, *options)
    assert code == 0
    assert json.loads(out)["mAP_mean"] == 1.0
    assert "left out 361 detections, on recordings outside subset 'validation': 198 recordings" in err
