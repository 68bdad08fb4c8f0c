"""A model of somebody's own, from training to detection elsewhere; nobody's code is run who was not allowed to."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import own_models
import pytest
from finished_runs import assignments, command, training

from crescendo.trainables.detector import Detector
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import read_detections

OWN = "own_models:Convolution"


@pytest.fixture(scope="module")
def run(tiny_dataset, tmp_path_factory):
    return training(tiny_dataset, tmp_path_factory.mktemp("own") / "run", model=OWN)


@pytest.fixture(scope="module")
def model(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "model"
    done = command("export", run, folder, "--allow-plugin")
    assert done.exit_code == 0, done.output
    assert f"{OWN}, 3 labels, 6 features at 5 frames a second, reset state" in done.output
    return folder


def test_what_it_detects_is_what_the_run_did(run, model, tiny_dataset, tmp_path):
    done = command("detect", model, tiny_dataset.path, "--out", tmp_path / "found.json", "--allow-plugin")
    assert done.exit_code == 0, done.output
    assert read_detections(tmp_path / "found.json") == read_detections(run / "detections.json") != {}


def test_it_streams_what_it_detects(model, tiny_dataset):
    detector = Detector.load(model, allow_plugin=True)
    for name in tiny_dataset.recordings("test"):
        matrix = tiny_dataset.features(name)
        ended = [event.detection for event in detector.stream(matrix) if event.kind == "ended"]
        assert sorted(ended) == sorted(detector.detect(matrix))


def test_its_step_is_exported_as_onnx(model, tiny_dataset, tmp_path):
    done = command("export", model, tmp_path / "step.onnx", "--format", "onnx", "--allow-plugin")
    assert done.exit_code == 0, done.output
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(tmp_path / "step.onnx", providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["features", "past"]
    step, rows = Detector.load(model, allow_plugin=True), tiny_dataset.features(tiny_dataset.recordings("test")[0])
    past = [one.numpy() for one in step.model.initial_state(1)]
    expected = _scores(step, rows)
    for row, scores in zip(rows, expected, strict=True):
        found, *past = session.run(None, {"features": row[None].astype("float32"), "past": past[0]})
        np.testing.assert_allclose(found[0], scores, rtol=0, atol=2e-6)


def _scores(detector, rows):
    import torch

    state, scores = detector.model.initial_state(1), []
    with torch.inference_mode():
        for row in rows:
            found, *state = detector.step(torch.from_numpy(np.array(row, "float32"))[None], *state)
            scores.append(found[0].numpy())
    return scores


def test_mlflow_takes_the_module_along(model, tiny_dataset, tmp_path):
    done = command("export", model, tmp_path / "mlmodel", "--format", "mlflow", "--allow-plugin")
    assert done.exit_code == 0, done.output
    np.save(tmp_path / "frames.npy", tiny_dataset.features(tiny_dataset.recordings("test")[0]))
    code = (
        "import json, mlflow, numpy as np; model = mlflow.pyfunc.load_model('mlmodel');"
        "print(json.dumps(model.predict(np.load('frames.npy')).to_dict('records')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = Detector.load(model, allow_plugin=True).detect(np.load(tmp_path / "frames.npy"))
    assert json.loads(done.stdout.splitlines()[-1]) == [one._asdict() for one in expected] != []


def change_model(folder, name):
    """Let a model folder, or a training's newest checkpoint and its model folder, name another model."""
    files = [*folder.glob("**/detector.json"), *folder.glob("checkpoints/*/checkpoint.json")]
    assert files
    for file in files:
        content = json.loads(file.read_text())
        content["architecture" if "architecture" in content else "config"]["model"] = name
        file.write_text(json.dumps(content))


@pytest.mark.parametrize("what", ["model", "run"])
def test_nothing_is_imported_without_being_allowed(what, request, tmp_path, monkeypatch, tiny_dataset):
    folder = tmp_path / what
    shutil.copytree(request.getfixturevalue(what), folder)
    change_model(folder, "malice:Model")
    (tmp_path / "malice.py").write_text("open('it ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    attempts = [("export", folder, tmp_path / "other")]
    if what == "model":
        attempts.append(("detect", folder, tiny_dataset.path))
    else:
        (folder / "metrics.json").rename(folder / "kept.json")
        resumed = command("train", tiny_dataset.path, "--output", folder, "--resume", *assignments({"model": OWN}))
        assert "was trained with model=malice:Model, not own_models:Convolution" in str(resumed.exception)
        (folder / "kept.json").rename(folder / "metrics.json")
    for words in attempts:
        message = str(command(*words).exception)
        assert len(message.splitlines()) == 1
        assert "names malice:Model, code that does not come with Crescendo" in message
        assert "pass --allow-plugin" in message
    assert not (tmp_path / "it ran").exists()
    assert not (tmp_path / "other").exists()


def test_elsewhere_its_module_must_be_there_too(crescendo, model, tmp_path, monkeypatch):
    here = Path(own_models.__file__).parent
    monkeypatch.delitem(sys.modules, "own_models")
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if Path(folder).resolve() != here])
    done = crescendo("detect", model, "frames.npy", "--allow-plugin", folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "model: own_models:Convolution: the module own_models cannot be imported" in done.stderr


def test_a_folder_that_names_a_model_it_does_not_hold_is_refused(model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    change_model(copy, "own_models:Stateless")
    with pytest.raises(InputError, match=r"convolution.bias belongs to no such model"):
        Detector.load(copy, allow_plugin=True)
