"""The lowest and the highest AP over all orders of detections with equal scores, by trying each."""

import itertools
from dataclasses import replace

import numpy as np
from reference_evaluation import average_precision


def extremes(truth, detections, iou, protocol, labels, **options):
    """Return the lowest and the highest mean AP of `labels` at one threshold; their scores differ by 0.01 or not at all."""
    lowest, highest = [], []
    for label in labels:
        mine = np.flatnonzero(detections.label == label)
        groups = [mine[detections.score[mine] == score] for score in np.unique(detections.score[mine])]
        found = []
        for orders in itertools.product(*map(itertools.permutations, groups)):
            # Ties are broken by scores, too little to change anything else.
            score = detections.score.copy()
            for order in orders:
                score[list(order)] -= 1e-6 * np.arange(len(order))
            broken = replace(detections, score=score)
            found.append(average_precision(truth, broken, [iou], protocol, **options)[label][0])
        lowest.append(min(found))
        highest.append(max(found))
    return float(np.mean(lowest)), float(np.mean(highest))
