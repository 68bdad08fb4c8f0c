"""How fast training sequences are drawn: frames a second against copying as many bytes (target: at least 0.25).

    .venv/bin/python benchmarks/sampling.py [--json FILE]

Drawn are learning batches of 64 sequences of 100 frames from a prepared data set on disk that the system has in its cache.
Copied are the bytes of as many batches, each in one piece to memory that is there already, from an array in memory about
as large as the data set: like the data set, it is larger than the processor's caches. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
from training import SHAPES, random_dataset
from yardstick import Row, compare, run_script

from crescendo.trainables.data.sampler import SequenceSampler

# Batches of a round at the smaller shape; the larger one's are thirty times the size.
BATCHES = {"hapt": 200, "paper": 10}


def measure() -> list[Row]:
    """Return one row for each shape."""
    rows = []
    for name, count in BATCHES.items():
        shape = SHAPES[name]
        with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
            dataset = random_dataset(Path(scratch) / "data", shape)
            sampler = SequenceSampler(dataset, "training", sequences=shape.sequences, length=shape.length, seed=0)
            place = np.ones_like(sampler.batch(0).features)
            pieces = max(2, shape.recordings * shape.frames // (shape.sequences * shape.length))
            source = np.ones((pieces, *place.shape), place.dtype)
            numbers = itertools.count()

            def draw(sampler=sampler, numbers=numbers, count=count) -> None:
                for _ in range(count):
                    sampler.batch(next(numbers))

            def copy(place=place, source=source, count=count) -> None:
                for number in range(count):
                    np.copyto(place, source[number % len(source)])

            label = f"sampling over a memory copy, {shape.features} features in {shape.dtype}"
            rows.append(compare(label, draw, copy, at_least=0.25, repeats=7))
    return rows


if __name__ == "__main__":
    run_script(__doc__, measure)
