"""The recurrent step as ONNX, for runtimes without PyTorch: features and state in, scores and state out."""

from __future__ import annotations

import importlib
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from crescendo.trainables.detector.detector import Detector
from crescendo.trainables.errors import InputError
from crescendo.trainables.registry import is_plugin
from crescendo.trainables.storage.files import atomic_file


def write_onnx(detector: Detector, path: Path | str) -> None:
    """Write one frame of n recordings through the model, its reset included, as the ONNX model `path`.

    Inputs: `features` (n, features) and the tensors of the model's state by name (`hidden` and `cell` of an LSTM, `hidden`
    of a GRU: (layers, n, hidden size)), zeros at a recording's first frame; of a frame classifier `hidden` and `cell` are
    (0, n, 0). Outputs: `scores` (n, labels), softmax, and `next_hidden` and so on, which go in with the next frame. All
    float32. The model's metadata hold `labels` (JSON), `fps` and `merge_gap`.

    Raises
    ------
    InputError
        If the packages for ONNX are not installed, the model has no such form, or `path` cannot be written.
    """
    for package in ("onnx", "onnxscript"):
        try:
            importlib.import_module(package)
        except ImportError:
            raise InputError(f"{package} is not installed: pip install 'crescendo-ablation[onnx]'") from None
    # Two recordings, so that nothing takes their number for a constant.
    state, names = detector.model.initial_state(2), detector.model.spec.state
    recordings = torch.export.Dim("n")
    with warnings.catch_warnings(), _quiet(), _blamed(detector.metadata.architecture.model):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            detector.step,
            (torch.zeros(2, detector.metadata.features.dimension), *state),
            input_names=["features", *names],
            output_names=["scores", *(f"next_{name}" for name in names)],
            dynamic_shapes=({0: recordings}, tuple({1: recordings} for _ in state)),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101  # it is where no file is named
    metadata = detector.metadata
    program.model.metadata_props.update(
        {"labels": json.dumps(metadata.labels), "fps": str(metadata.fps), "merge_gap": str(metadata.merge_gap)}
    )
    with atomic_file(path) as partial:
        program.save(partial, external_data=False)


@contextmanager
def _blamed(model: str) -> Iterator[None]:
    """Say in one line that a model of the user's own has no such form."""
    try:
        yield
    except Exception as error:
        if not is_plugin(model):
            raise
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"model: {model}: its step cannot be written as ONNX ({reason})") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's account of itself."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
