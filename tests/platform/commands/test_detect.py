"""`crescendo detect`: the same detections by every way in, and live events on a pipe."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from finished_runs import command, training

from crescendo.platform.cli import main
from crescendo.trainables.detector.trained import read_trained
from crescendo.trainables.evaluation.result_format import read_detections

CRESCENDO = (sys.executable, "-c", "from crescendo.platform.cli import main; main()")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def run(tiny_dataset, tmp_path_factory):
    return training(tiny_dataset, tmp_path_factory.mktemp("detect") / "run")


@pytest.fixture(scope="module")
def detector(run):
    return read_trained(run)


@pytest.fixture(scope="module")
def model(detector, tmp_path_factory):
    folder = tmp_path_factory.mktemp("detect") / "model"
    detector.save(folder)
    return folder


@pytest.fixture(scope="module")
def recording(tiny_dataset):
    """The longest test recording's features."""
    return tiny_dataset.features(max(tiny_dataset.recordings("test"), key=tiny_dataset.frames))


def detected(*arguments):
    done = command("detect", *arguments)
    assert done.exit_code == 0, done.output
    return done


def refused(*arguments) -> str:
    done = command("detect", *arguments)
    assert done.exit_code == 1
    return str(done.exception)


@pytest.fixture
def live(monkeypatch, capsys):
    """Events, and what was said beside them, of bytes on standard input: the command itself, in this process."""

    def run(model, data: bytes, *options: str):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
        monkeypatch.setattr("sys.argv", ["crescendo", "detect", str(model), "--stream", *options])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        done = capsys.readouterr()
        return ended.value.code, [json.loads(line) for line in done.out.splitlines()], done.err

    return run


def npy(tmp_path, *arrays) -> bytes:
    with (tmp_path / "frames").open("wb") as file:
        for array in arrays:
            np.save(file, array)
    return (tmp_path / "frames").read_bytes()


def lines(rows, times=None) -> bytes:
    frames = [{"features": row.tolist()} for row in rows]
    for number, frame in enumerate(frames):
        if times is not None:
            frame["time"] = times[number]
    return "".join(json.dumps(frame) + "\n" for frame in frames).encode()


def test_of_a_data_set_it_finds_what_the_training_run_found_byte_for_byte(run, model, tiny_dataset, tmp_path):
    detected(model, tiny_dataset.path, "--out", tmp_path / "found.json")
    assert (tmp_path / "found.json").read_bytes() == (run / "detections.json").read_bytes()
    detected(model, tiny_dataset.path, "--subset", "validation", "--out", tmp_path / "validation.json")
    assert set(read_detections(tmp_path / "validation.json")) == set(tiny_dataset.recordings("validation"))


def test_files_and_folders_of_features(detector, model, tiny_dataset, tmp_path):
    names = tiny_dataset.recordings("test")
    for name in names:
        np.save(tmp_path / f"{name}.npy", tiny_dataset.features(name))
    (tmp_path / "notes.txt").write_text("none of them")
    said = detected(model, tmp_path, "--out", tmp_path / "found.json").stderr
    assert "1 of what is in it are no .npy files and are left out: notes.txt" in said
    expected = {name: detector.detect(tiny_dataset.features(name)) for name in names}
    assert read_detections(tmp_path / "found.json") == expected
    one = detected(model, tmp_path / f"{names[0]}.npy")
    content = json.loads(one.stdout)
    assert list(content["results"]) == [names[0]]
    assert len(content["results"][names[0]]) == len(expected[names[0]]) > 0
    assert "detections in 1 recording" in one.stderr


@pytest.mark.parametrize(
    "write",
    [
        lambda rows, folder: npy(folder, rows),
        lambda rows, folder: npy(folder, *rows),
        lambda rows, folder: lines(rows),
        lambda rows, folder: lines(rows, [number / 5 for number in range(len(rows))]),
    ],
    ids=["npy", "npy rows", "JSON lines", "with time stamps"],
)
def test_live_events_end_in_the_offline_detections(live, detector, model, recording, tmp_path, write):
    code, events, said = live(model, write(recording, tmp_path))
    assert (code, said) == (0, "")
    expected = [event.to_json() for event in detector.stream(recording)]
    assert [(one["event"], one["label"], one["score"]) for one in events] == [
        (one["event"], one["label"], one["score"]) for one in expected
    ]
    assert [one["end"] for one in events] == pytest.approx([one["end"] for one in expected], abs=1e-9)
    assert sum(one["event"] == "ended" for one in events) == len(detector.detect(recording)) > 0


@contextlib.contextmanager
def live_process(model, *shell: str):
    """`crescendo detect --stream` in a process of its own, which ends with the test."""
    with subprocess.Popen(
        [*shell, *CRESCENDO, "detect", str(model), "--stream"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        give_up = threading.Timer(300, process.kill)
        give_up.start()
        try:
            yield process
        finally:
            give_up.cancel()
            process.kill()


def until_begun(detector, recording) -> int:
    """The number of frames with which the first event comes."""
    events = detector.stream()
    return next(number for number, row in enumerate(recording, 1) if events.push(row))


def send(process, rows) -> None:
    process.stdin.write(lines(rows))
    process.stdin.flush()


@pytest.mark.parametrize(
    "numbers",
    [
        (signal.SIGINT,),
        pytest.param((signal.SIGTERM,), marks=pytest.mark.slow),
        pytest.param((signal.SIGHUP,), marks=pytest.mark.slow),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGTERM),
    ],
    ids=lambda numbers: " ".join(number.name for number in numbers),
)
def test_a_signal_ends_what_is_open_and_the_command(detector, model, recording, numbers):
    """And an event is written before the next frame comes: a reader that waits for it before it sends more gets it."""
    first = until_begun(detector, recording)
    with live_process(model) as process:
        send(process, recording[:first])
        assert json.loads(process.stdout.readline())["event"] == "begun"
        for number in numbers:
            process.send_signal(number)
        out, said = process.communicate()
        assert [json.loads(line)["event"] for line in out.splitlines()] == ["ended"]
        assert said == b""
        # Of two signals the system may give a process of several threads either first.
        assert process.returncode in {128 + number for number in numbers}


def test_a_hangup_that_is_to_be_ignored_is(detector, model, recording):
    first = until_begun(detector, recording)
    with live_process(model, "sh", "-c", 'trap "" HUP; exec "$@"', "sh") as process:
        send(process, recording[:first])
        begun = process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        out, said = process.communicate(lines(recording[first:]))
        events = [json.loads(line) for line in [begun, *out.splitlines()]]
        assert events == [event.to_json() for event in detector.stream(recording)]
        assert (process.returncode, said) == (0, b"")


def test_a_reader_that_leaves_ends_it_in_silence(model, recording):
    with subprocess.Popen(
        [*CRESCENDO, "detect", str(model), "--stream", "--revise-every", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        process.stdout.close()
        _, said = process.communicate(lines(np.concatenate([recording] * 20)), timeout=300)
        assert said == b""
        assert process.returncode == 0


def test_alarms_are_raised_at_the_rate_asked_for(live, detector, model, recording):
    _, events, _ = live(model, lines(recording), "--alarm", "rate=50/h", "--revise-every", "1000")
    expected = [event.to_json() for event in detector.stream(recording, alarm="50/h", revise_every=1000)]
    assert [(one["event"], one["label"]) for one in events] == [(one["event"], one["label"]) for one in expected]
    code, _, said = live(model, b"", "--alarm", "rate=3/h")
    assert code == 2
    assert "alarm rate 3/h: the model has no thresholds for it; it has 0.5/h, 1/h, 2/h" in said
    code, _, said = live(model, b"", "--alarm", "often")
    assert code == 2
    assert "--alarm often: expected rate=NUMBER/h" in said


def test_a_bad_frame_ends_it_with_its_name_after_what_was_open_has_ended(live, model, detector, recording):
    rows = recording[:40].copy()
    rows[30] = np.nan
    code, events, said = live(model, lines(rows))
    assert code == 2
    assert said == "error: frame 30: holds nan as feature 0; every value must be finite in float32\n"
    assert [one["event"] for one in events].count("begun") == [one["event"] for one in events].count("ended")
    assert [one["label"] for one in events if one["event"] == "ended"] == [
        one.label for one in detector.stream(recording[:30]) if one.kind == "ended"
    ]


def test_kept_going_a_bad_frame_is_replaced_by_the_one_before_it(live, model, detector, recording):
    data = lines(recording).splitlines(keepends=True)
    data[10:12] = [b"{oops\n", b'{"features": [1, 2]}\n']
    code, events, said = live(model, b"".join(data), "--keep-going")
    assert code == 0
    assert [line.split(":")[1] for line in said.splitlines()] == [" frame 10", " frame 11"]
    held = recording.copy()
    held[10:12] = held[9]
    assert events == [event.to_json() for event in detector.stream(held)]


@pytest.mark.parametrize("options", [(), ("--keep-going",)], ids=["", "kept going"])
@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \t\n", b"\xef\xbb\xbf\n"], ids=["LF", "CR LF", "space", "mark"])
def test_blank_lines_neither_end_it_nor_move_the_clock(live, model, detector, recording, blank, options):
    data = blank + blank.join(lines(recording).splitlines(keepends=True)) + blank
    code, events, said = live(model, data, *options)
    assert (code, said) == (0, "")
    assert events == [event.to_json() for event in detector.stream(recording)]


def test_kept_going_a_gap_in_time_begins_afresh(live, model, detector, recording):
    times = [number / 5 + (100 if number >= 40 else 0) for number in range(len(recording))]
    code, events, said = live(model, lines(recording, times), "--keep-going")
    assert code == 0
    assert said.startswith("warning: frame 40: has the time stamp 108 s but was due at 8 s (5 frames a second)")
    found = [(one["label"], one["score"]) for one in events if one["event"] == "ended"]
    parts = [*detector.detect(recording[:40]), *detector.detect(recording[40:])]
    assert sorted(found) == sorted((one.label, one.score) for one in parts)


def test_what_cannot_be_detected_in_is_refused(model, tiny_dataset, tmp_path):
    assert "no such file or folder" in refused(model, tmp_path / "x.mp4")
    assert "no such file" in refused(model, tmp_path / "x.npy")
    assert "give either" in refused(model)
    assert "--alarm: belongs to --stream" in refused(model, tmp_path, "--alarm", "rate=1/h")
    assert "holds neither a prepared data set nor .npy files" in refused(model, tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((4, 5)))
    assert f"{tmp_path / 'x.npy'}: has shape (4, 5); the model takes (frames, 6)" in refused(model, tmp_path / "x.npy")
    said = refused(model, tmp_path, "--out", tmp_path / "d.json")
    assert f"{tmp_path / 'x.npy'}: has shape (4, 5); the model takes (frames, 6)" in said
    assert not (tmp_path / "d.json").exists()
    assert "is no prepared data set" in refused(model, tmp_path / "x.npy", "--subset", "test")
    for name in ("x.npz", "x.csv", "x.txt", "x.json", "x", ".npy"):
        (tmp_path / name).write_bytes(b"1")
        assert f"{tmp_path / name}: is neither a .npy file of features" in refused(model, tmp_path / name)
    shutil.copy(tmp_path / "x.npy", tmp_path / "x.NPY")
    assert f"{tmp_path / 'x.NPY'}: has shape (4, 5); the model takes (frames, 6)" in refused(model, tmp_path / "x.NPY")
    assert "x.NPY and " in refused(model, tmp_path)
    (tmp_path / "clip.mp4").write_bytes(b"video")
    assert "does not know how its features are made (six numbers)" in refused(model, tmp_path / "clip.mp4")
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    (broken / "model.safetensors").write_bytes(b"")
    assert "not a complete safetensors file" in refused(broken, tiny_dataset.path)
