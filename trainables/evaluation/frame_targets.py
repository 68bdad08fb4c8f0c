"""The annotated labels of frames that frame-wise measures are taken against."""

from __future__ import annotations

import numpy as np

from crescendo.trainables.evaluation.protocols import AMBIGUOUS, DEFAULT_RULE, MatchingRule
from crescendo.trainables.inference.decoded_subset import DecodedSubset

_LEFT_OUT = -1


def frame_targets(decoded: DecodedSubset, rule: MatchingRule = DEFAULT_RULE) -> list[np.ndarray]:
    """Return (frames,) int64 of each recording of `decoded`, the index of each frame's label (protocol section 1, reading 8).

    Under a rule that drops ambiguous segments, frames labelled `Ambiguous` have -1: they are left out.
    """
    dataset = decoded.dataset
    targets = [dataset.frame_labels(recording) for recording in decoded.recordings]
    if rule.drops_ambiguous and AMBIGUOUS in dataset.labels:
        ambiguous = dataset.labels.index(AMBIGUOUS)
        targets = [np.where(target == ambiguous, _LEFT_OUT, target) for target in targets]
    return targets
