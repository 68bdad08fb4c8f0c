"""Decoding, word by word as in protocol section 3: slow, and the measure of the fast one."""

import numpy as np


def decode(scores: np.ndarray, merge_gap: int, background: int = 0) -> list[tuple[int, int, int, float]]:
    """Return (label, start, end, score) of every span, by start, then label."""
    frames = [int(min(np.flatnonzero(row == row.max()))) for row in scores]
    spans = []
    for frame, label in enumerate(frames):
        if label == background:
            continue
        if spans and spans[-1][0] == label and spans[-1][2] == frame:
            spans[-1][2] = frame + 1
        else:
            spans.append([label, frame, frame + 1])
    merged = True
    while merged:
        merged = False
        for one in spans:
            later = [other for other in spans if other[0] == one[0] and other[1] >= one[2]]
            nearest = min(later, key=lambda other: other[1], default=None)
            if nearest is not None and nearest[1] - one[2] < merge_gap:
                one[2] = nearest[2]
                spans.remove(nearest)
                merged = True
                break
    scored = [
        (label, start, end, sum(float(scores[frame, label]) for frame in range(start, end)) / (end - start))
        for label, start, end in spans
    ]
    return sorted(scored, key=lambda span: (span[1], span[0]))
