"""Average precision, word by word as in protocol section 4: one detection at a time, in plain NumPy."""

import numpy as np


def average_precision(truth, detections, iou, protocol, zero_over_zero=False, ambiguous=None, weights=None):
    """Return label -> (thresholds,) AP; `truth` and `detections` as in `crescendo.trainables.evaluation.matching`.

    `weights` (recordings,): a recording counts so many times. The copies of a detection come one after the other.
    """
    if weights is None:
        weights = np.ones(1 + max(truth.recording.max(initial=0), detections.recording.max(initial=0)), dtype=int)
    labels = [int(label) for label in np.unique(truth.label) if protocol != "thumos14" or label != ambiguous]
    return {
        label: np.array(list(_label_ap(truth, detections, label, iou, protocol, zero_over_zero, ambiguous, weights)))
        for label in labels
    }


def _label_ap(truth, detections, label, iou, protocol, zero_over_zero, ambiguous, weights):
    chosen = np.flatnonzero(detections.label == label)
    keys = (detections.end, detections.start, detections.recording, -detections.score)
    chosen = chosen[np.lexsort([key[chosen] for key in keys])]
    truths = {}
    for index in np.flatnonzero(truth.label == label):
        truths.setdefault(int(truth.recording[index]), []).append(index)
    rule = {"paper": _paper, "activitynet": _activitynet, "thumos14": _thumos14}[protocol]
    hits = rule(truth, detections, chosen, truths, iou, zero_over_zero)
    positives = sum(int(weights[recording]) * len(found) for recording, found in truths.items())
    unclear = {}
    if protocol == "thumos14" and ambiguous is not None:
        for index in np.flatnonzero(truth.label == ambiguous):
            unclear.setdefault(int(truth.recording[index]), []).append(index)
    for column in range(len(iou)):
        flags = []
        for row, detection in enumerate(chosen):
            if not hits[row, column] and any(
                min(detections.end[detection], truth.end[index]) > max(detections.start[detection], truth.start[index])
                for index in unclear.get(int(detections.recording[detection]), [])
            ):
                continue
            flags += [hits[row, column]] * int(weights[detections.recording[detection]])
        yield (
            np.nan
            if positives == 0
            else _ap(np.array(flags, dtype=bool), positives, interpolated=protocol != "thumos14")
        )


def _ious(truth, indices, start, end, zero_over_zero):
    shared = np.maximum(0.0, np.minimum(end, truth.end[indices]) - np.maximum(start, truth.start[indices]))
    union = (end - start) + (truth.end[indices] - truth.start[indices]) - shared
    nothing = 1.0 if zero_over_zero else 0.0
    return np.array([s / u if u > 0 else nothing for s, u in zip(shared, union, strict=True)])


def _by_falling_iou(truth, indices, ious):
    """Positions into `indices`: falling IoU, then earlier start, earlier end, earlier in the file."""
    return sorted(range(len(indices)), key=lambda k: (-ious[k], truth.start[indices[k]], truth.end[indices[k]], k))


def _paper(truth, detections, chosen, truths, iou, _):
    hits = np.zeros((len(chosen), len(iou)), dtype=bool)
    candidates = {}
    for row, detection in enumerate(chosen):
        indices = truths.get(int(detections.recording[detection]))
        if indices is None:
            continue
        ious = _ious(truth, indices, detections.start[detection], detections.end[detection], False)
        best = _by_falling_iou(truth, indices, ious)[0]
        candidates.setdefault(indices[best], []).append((row, ious[best]))
    for found in candidates.values():
        for column, threshold in enumerate(iou):
            passing = [row for row, overlap in found if overlap > threshold]
            if passing:
                longest = max(
                    passing,
                    key=lambda row: (
                        round(detections.end[chosen[row]] - detections.start[chosen[row]], 9),
                        detections.score[chosen[row]],
                        -detections.start[chosen[row]],
                    ),
                )
                hits[longest, column] = True
    return hits


def _activitynet(truth, detections, chosen, truths, iou, zero_over_zero):
    hits = np.zeros((len(chosen), len(iou)), dtype=bool)
    taken = np.zeros((len(truth.start), len(iou)), dtype=bool)
    for row, detection in enumerate(chosen):
        indices = truths.get(int(detections.recording[detection]))
        if indices is None:
            continue
        ious = _ious(truth, indices, detections.start[detection], detections.end[detection], zero_over_zero)
        order = _by_falling_iou(truth, indices, ious)
        for column, threshold in enumerate(iou):
            for k in order:
                if ious[k] < threshold:
                    break
                if not taken[indices[k], column]:
                    taken[indices[k], column] = hits[row, column] = True
                    break
    return hits


def _thumos14(truth, detections, chosen, truths, iou, _):
    hits = np.zeros((len(chosen), len(iou)), dtype=bool)
    rows_of = {}
    for row, detection in enumerate(chosen):
        rows_of.setdefault(int(detections.recording[detection]), []).append(row)
    for recording, indices in truths.items():
        rows = rows_of.get(recording, [])
        ious = {
            row: _ious(truth, indices, detections.start[chosen[row]], detections.end[chosen[row]], False)
            for row in rows
        }
        for column, threshold in enumerate(iou):
            for k in range(len(indices)):
                free = [row for row in rows if not hits[row, column]]
                best = max(free, key=lambda row: (ious[row][k], -row), default=None)
                if best is not None and ious[best][k] > threshold:
                    hits[best, column] = True
    return hits


def _ap(hits, positives, interpolated):
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    if not interpolated:
        return precision[hits].sum() / positives
    # VOC 2011: precision made to fall with recall, and the area under it.
    recall = np.concatenate(([0.0], found / positives, [1.0]))
    precision = np.concatenate(([0.0], precision, [0.0]))
    for place in range(len(precision) - 2, -1, -1):
        precision[place] = max(precision[place], precision[place + 1])
    steps = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    return float(np.sum((recall[steps] - recall[steps - 1]) * precision[steps]))
