"""The model folder: what was saved comes back, and what was tampered with is refused, with a reason, and runs nothing."""

import json
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from crescendo.trainables.detector import Detector
from crescendo.trainables.errors import InputError


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        Detector.load(folder)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert str(folder) in message
    return message


def change(folder: Path, **keys) -> None:
    """Set dotted keys of detector.json (`__` for a dot)."""
    file = folder / "detector.json"
    content = json.loads(file.read_text())
    for key, value in keys.items():
        *path, last = key.split("__")
        place = content
        for part in path:
            place = place[part]
        place[last] = value
    file.write_text(json.dumps(content))


def test_a_saved_detector_comes_back(detector, folder, tiny_dataset):
    loaded = Detector.load(folder)
    assert loaded.metadata == detector.metadata
    [name, *_] = tiny_dataset.recordings("test")
    assert loaded.detect(tiny_dataset.features(name)) == detector.detect(tiny_dataset.features(name)) != []
    assert sorted(path.name for path in folder.iterdir()) == ["detector.json", "model.safetensors"]


def test_the_folder_says_what_is_needed_to_use_it(folder, tiny_dataset):
    content = json.loads((folder / "detector.json").read_text())
    assert content["labels"] == ["background", "jump", "run", "walk"]
    assert content["fps"] == 5.0
    assert content["features"] == {"dimension": 6, "description": "six numbers", "extraction": None}
    assert (content["reset"], content["merge_gap"]) == ("memory", 4)
    assert content["alarms"]["1/h"]["jump"] == 0.3
    assert content["training"]["dataset"]["content_hash"] == tiny_dataset.content_hash
    weights = load_file(folder / "model.safetensors")
    assert weights["mean"].shape == weights["scale"].shape == (6,)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"surprise": 1}, "surprise: unknown key"),
        ({"architecture__lstm_class": "os.system"}, "architecture.lstm_class: unknown key"),
        ({"format_version": 2}, "format_version: Input should be 1"),
        ({"format": "torch"}, "format: "),
        ({"fps": 0}, "fps: "),
        ({"fps": "25"}, "fps: "),
        ({"labels": ["background", "jump", "jump", "walk"]}, "labels: must be names, each once"),
        ({"labels": ["jump", "background", "run", "walk"]}, "labels: must be names, each once"),
        ({"merge_gap": -1}, "merge_gap: "),
        ({"reset": "everything"}, "reset: "),
        ({"alarms": {"1/h": {"swim": 0.5}}}, "'swim' is no activity of the model"),
        ({"alarms": {"often": {}}}, "'often' is no rate"),
        ({"architecture__model": "transformer"}, "architecture.model: "),
        ({"architecture__hidden_size": 10**9}, "architecture.hidden_size: "),
        ({"architecture__layers": 10**9}, "architecture.layers: "),
        ({"features__dimension": 10**12}, "features.dimension: "),
        # Within bounds, and refused before memory is taken for them.
        ({"architecture__hidden_size": 2**16}, "expected (262144, "),
        ({"features__dimension": 2**24}, "has shape "),
        ({"architecture__layers": 2}, "lstm.bias_hh_l1 is missing"),
        ({"architecture__model": "cnn"}, "lstm.bias_hh_l0 belongs to no such model"),
        ({"labels": ["background", "jump"], "alarms": {}}, "has shape (4, 7), expected (2, 7)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_facts_that_do_not_fit_are_refused(folder, keys, reason):
    change(folder, **keys)
    assert reason in refused(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"labels": NaN}', "[" * 100_000, '{"fps": Infinity}'], ids=range(7)
)
def test_facts_that_are_no_object_are_refused(folder, text):
    (folder / "detector.json").write_text(text)
    refused(folder)


def test_every_cut_of_either_file_is_refused(folder):
    for name in ("detector.json", "model.safetensors"):
        whole = (folder / name).read_bytes()
        for size in (0, 1, 7, 8, 9, len(whole) // 2, len(whole) - 2):
            (folder / name).write_bytes(whole[:size])
            refused(folder)
        (folder / name).write_bytes(whole)
    Detector.load(folder)


def test_a_pickle_in_place_of_the_weights_is_refused_and_does_not_run(folder, tmp_path):
    marker = tmp_path / "it ran"

    class Malice:
        def __reduce__(self):
            return (Path.touch, (marker,))

    for name, write in (
        ("model.safetensors", pickle.dump),
        ("model.safetensors", torch.save),
        ("detector.json", pickle.dump),
    ):
        whole = (folder / name).read_bytes()
        with (folder / name).open("wb") as file:
            write(Malice(), file)
        refused(folder)
        (folder / name).write_bytes(whole)
    # Beside the two files nothing is opened.
    with (folder / "model.pkl").open("wb") as file:
        pickle.dump(Malice(), file)
    (folder / "__init__.py").write_text(f"open({str(marker)!r}, 'w')")
    Detector.load(folder)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["detector.json", "model.safetensors"])
def test_links_devices_and_missing_files_are_refused(folder, tmp_path, name):
    file = folder / name
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    assert "cannot be read" in refused(folder)
    file.symlink_to(elsewhere)
    assert "no plain file" in refused(folder)
    file.unlink()
    os.mkfifo(file)  # reading it would wait for ever
    assert "no plain file" in refused(folder)
    file.unlink()
    file.mkdir()
    assert "no plain file" in refused(folder)


def test_a_header_that_announces_huge_tensors_is_refused(folder):
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    for announced in (2**63, 2**40, 10**8 + 1):
        file.write_bytes(struct.pack("<Q", announced) + whole[8:])
        assert "not a complete safetensors file" in refused(folder)
    header = json.dumps({"mean": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    refused(folder)


def test_a_file_that_is_far_too_large_is_not_read(folder):
    for name in ("detector.json", "model.safetensors"):
        whole = (folder / name).read_bytes()
        with (folder / name).open("ab") as file:
            file.truncate(2**33)  # a hole: it takes no room on the disk
        assert "bytes large, more than" in refused(folder)
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: w | {"linear.weight": torch.zeros(4, 8)}, "linear.weight has shape (4, 8), expected (4, 7)"),
        (lambda w: w | {"extra": torch.zeros(1)}, "extra belongs to no such model"),
        (lambda w: {k: v for k, v in w.items() if k != "scale"}, "scale is missing"),
        (lambda w: {k: v.double() for k, v in w.items()}, "is of type F64"),
        (lambda w: w | {"mean": torch.full((6,), np.nan)}, "mean holds NaN or infinity"),
    ],
    ids=["shape", "extra", "missing", "type", "nan"],
)
def test_weights_that_do_not_fit_are_refused(folder, change, reason):
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file)
    assert reason in refused(folder)


def test_a_folder_that_is_none_is_refused(tmp_path):
    assert "no such folder" in refused(tmp_path / "nowhere")


def test_saving_over_something_is_refused(detector, folder):
    with pytest.raises(InputError, match="exists already"):
        detector.save(folder)
