import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from crescendo.trainables.data.frames import BACKGROUND_INDEX
from crescendo.trainables.detector.onnx_step import write_onnx


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"reset": "state", "layers": 2},
        {"reset": "none", "fc7_size": 5},
        {"model": "cnn"},
        pytest.param({"model": "gru", "reset": "state"}, marks=pytest.mark.slow),
        {"model": "gru", "reset": "none", "layers": 2},
        {"model": "gru", "reset": "state", "layers": 2, "fc7_size": 5},
    ],
    ids=["memory", "state, two layers", "none, fc7", "cnn", "gru", "gru, none, two layers", "gru, two layers, fc7"],
)
def test_the_step_in_onnxruntime_gives_the_same_scores_and_states(make_detector, tiny_dataset, tmp_path, settings):
    detector = make_detector(**settings)
    write_onnx(detector, tmp_path / "step.onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(tmp_path / "step.onnx", providers=["CPUExecutionProvider"])
    states = ["hidden"] if settings.get("model") == "gru" else ["hidden", "cell"]
    assert [one.name for one in session.get_inputs()] == ["features", *states]
    assert [one.name for one in session.get_outputs()] == ["scores", *(f"next_{name}" for name in states)]
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["labels"]) == ["background", "jump", "run", "walk"]
    names = [name for name in tiny_dataset.recordings("test") if tiny_dataset.frames(name) > 50]
    for together in (names[:1], names[:3]):  # the number of recordings is free
        state = detector.model.initial_state(len(together))
        theirs, background = [one.numpy() for one in state], 0
        for frames in zip(*(tiny_dataset.features(name) for name in together), strict=False):
            batch = np.stack(frames)
            with torch.inference_mode():
                scores, *state = detector.step(torch.from_numpy(batch), *state)
            inputs = dict(zip(("features", *states), (batch, *theirs), strict=True))
            found, *theirs = session.run(None, inputs)
            np.testing.assert_allclose(found, scores, rtol=0, atol=2e-6)
            for mine, other in zip(state, theirs, strict=True):
                np.testing.assert_allclose(other, mine, rtol=2e-6, atol=2e-6)  # cells are not bounded by 1
            background += int((found.argmax(1) == BACKGROUND_INDEX).sum())
        assert background > 0  # else the reset would not have been met


def test_without_the_packages_the_message_says_what_to_install(folder, tmp_path):
    program = (
        "import sys; sys.modules['onnxscript'] = None; sys.argv[0] = 'crescendo'\n"
        "from crescendo.platform.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "export", str(folder), str(tmp_path / "step.onnx"), "--format", "onnx"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: onnxscript is not installed: pip install 'crescendo-ablation[onnx]'\n"
    assert not (tmp_path / "step.onnx").exists()
