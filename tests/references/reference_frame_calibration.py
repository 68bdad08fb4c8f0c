"""Calibration of frame scores, word by word as in protocol section 4: one frame at a time."""

import math


def reliability(scores, targets, bins=15):
    """Return bin -> [frames, sum of confidences, right frames]; `scores` a list of rows for each frame of all recordings."""
    found = {}
    for row, target in zip(scores, targets, strict=True):
        if target < 0:
            continue
        confidence = max(row)
        label = row.index(confidence)
        number = next((one for one in range(bins) if confidence <= (one + 1) / bins), bins - 1)
        entry = found.setdefault(number, [0, 0.0, 0])
        entry[0] += 1
        entry[1] += confidence
        entry[2] += label == target
    return found


def calibration_error(found):
    """Return the expected calibration error of what `reliability` returns."""
    total = sum(frames for frames, _, _ in found.values())
    return sum(
        frames / total * abs(right / frames - confidence / frames) for frames, confidence, right in found.values()
    )


def negative_log_likelihood(scores, targets, least):
    """Return the mean of -log of the true label's score, which counts as `least` at least."""
    kept = [-math.log(max(row[target], least)) for row, target in zip(scores, targets, strict=True) if target >= 0]
    return sum(kept) / len(kept)
