"""Small pictures whose labels can be told apart by sight."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.pixels import encode_picture
from crescendo.trainables.video.backbones import Preparation

SIZE = 32
FPS = 4.0
COLOURS = {"background": (110, 110, 110), "red": (200, 60, 60), "blue": (60, 60, 200)}


def write_pictures(destination: Path, preparation: Preparation, recordings: int = 9) -> Dataset:
    """Recordings of 10 s: background, one colour, background, the other colour; noise over all."""
    random = np.random.default_rng(5)
    names, pictures = {}, []
    labels = list(COLOURS)
    for number in range(recordings):
        order = [0, 1, 0, 2] if number % 2 else [2, 0, 1, 0]
        target = np.repeat(order, 10)
        noise = random.integers(-40, 40, (len(target), 3, preparation.size, preparation.size))
        base = np.array([COLOURS[labels[label]] for label in target])[:, :, None, None]
        pictures.append([encode_picture(one) for one in np.clip(base + noise, 0, 255).astype(np.uint8)])
        segments = tuple(
            Segment(labels[label], 10 * place / FPS, 10 * (place + 1) / FPS)
            for place, label in enumerate(order)
            if label
        )
        subset = ("training", "validation", "test")[number * 3 // recordings]
        names[f"recording {number}"] = Recording(subset, len(target) / FPS, segments)
    return write_dataset(
        destination,
        DatasetMetadata("colours", FPS, "pictures", "made for the tests", "MIT"),
        Annotations(names),
        frames={name: len(some) for name, some in zip(names, pictures, strict=True)},
        features=pictures,
        feature_dim=3 * preparation.size**2,
        dtype="jpeg",
        store_metadata={"preparation": asdict(preparation)},
    )
