"""A million streamed frames, one in a thousand of them unusable: memory stays flat, and the last are as fast as the first.

python benchmarks/stream_soak.py [--frames N] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from live import FEATURES, features, live_detector
from yardstick import Row, report

from crescendo.trainables.errors import InputError

PARTS, LARGEST_GROWTH = 40, 5.0  # MB
BAD = (
    np.full(FEATURES, np.nan),
    np.full(FEATURES, np.inf, np.float32),
    np.full(FEATURES, 1e300),
    np.zeros(FEATURES - 1),
    np.zeros((1, FEATURES)),
    np.zeros(FEATURES, complex),
    np.array(["a"] * FEATURES),
    [[1.0], [2.0, 3.0]],
    None,
)


def resident() -> float:
    """Memory of this process in MB, from /proc."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(frames: int) -> list[Row]:
    """Stream `frames` frames in `PARTS` parts; return memory's growth and the slow-down from the first quarter to the last."""
    detector, some = live_detector(), features(20_000)
    stream, kinds = detector.stream(alarm="1/h", revise_every=1.0), Counter[str]()
    seconds, memory = [], []
    for part in range(PARTS):
        begin = time.process_time()  # others may use the machine meanwhile
        for number in range(part * frames // PARTS, (part + 1) * frames // PARTS):
            if number % 1000 == 999:
                try:
                    stream.push(BAD[number // 1000 % len(BAD)])
                except InputError:
                    kinds["refused"] += 1
                kinds.update(event.kind for event in stream.hold())
                continue
            # A time stamp now and then that is seconds too late: what is open ends, and the stream begins afresh.
            if number % 50_000 == 49_998:
                try:
                    stream.push(some[number % len(some)], 1e9 + number)
                except InputError:
                    kinds["gaps"] += 1
                kinds.update(event.kind for event in stream.restart())
            kinds.update(event.kind for event in stream.push(some[number % len(some)]))
        seconds.append(time.process_time() - begin)
        memory.append(resident())
        print(f"{(part + 1) * frames // PARTS:>9,} frames, {memory[-1]:.1f} MB, {seconds[-1]:.2f} s", file=sys.stderr)
    print(dict(sorted(kinds.items())), file=sys.stderr)
    assert stream.frames == frames
    # The first part fills what fills once: caches, the allocator's pools.
    growth = max(memory[1:]) - memory[0]
    quarter = PARTS // 4
    first, last = statistics.median(seconds[:quarter]), statistics.median(seconds[-quarter:])
    return [
        Row(
            f"soak: memory's growth over {frames:,} frames, MB",
            growth,
            f"at most {LARGEST_GROWTH:g}",
            growth <= LARGEST_GROWTH,
            memory[-1],
            memory[0],
            PARTS,
        ),
        Row(
            "soak: the last quarter's processor time over the first's",
            last / first,
            "at most 1.1",
            last / first <= 1.1,
            last,
            first,
            quarter,
        ),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000, help="default: a million")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sys.exit(0 if report(soak(arguments.frames), arguments.json) else 1)
