"""What the stored examples of formats were made with: see tests/formats/make.py."""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).parents[1] / "formats" / "stored"
TRAINING = {
    "hidden_size": 6, "layers": 2, "fc7_size": 5, "variant": "margin", "lambda_r": 2, "sequences": 8,
    "sequence_length": 30, "bptt": 12, "iterations": 80, "evaluate_every": 20, "learning_rate": 0.03,
    "fc7_learning_rate": 0.01, "dropout": 0.1, "merge_gap": 4, "iou": [0.3, 0.5], "fractions": [0.3, 1.0],
    "threads": 1, "device": "cpu",
}  # fmt: skip


def assignments(settings: dict) -> list[str]:
    """Settings as options of `crescendo train`."""
    return [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]


def write_source(folder: Path) -> None:
    """Write a folder that `crescendo data import directory` takes: two recordings of stated numbers."""
    folder.mkdir()
    database = {}
    for number, (name, subset) in enumerate({"first": "training", "second": "validation"}.items()):
        np.save(folder / f"{name}.npy", (np.arange(40, dtype=np.float32).reshape(20, 2) + number) / 8)
        annotations = [{"label": "walk", "segment": [1.0, 2.5]}, {"label": "run", "segment": [3.0, 4.75]}]
        database[name] = {"subset": subset, "duration": 5.0, "annotations": annotations}
    (folder / "annotations.json").write_text(json.dumps({"version": "1", "taxonomy": [], "database": database}))
