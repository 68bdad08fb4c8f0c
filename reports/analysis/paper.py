"""What the paper reports (its tables 1 and 2): to stand beside a run of the `paper` study on ActivityNet, nowhere else.

Ma, Sigal, Sclaroff, "Learning Activity Progression in LSTMs for Activity Detection and Early Detection", CVPR 2016;
mAP in percent at IoU 0.1 ... 0.8, on a test part of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crescendo.trainables.losses.variants import CROSS_ENTROPY, VARIANTS
from crescendo.trainables.models.registry import MODELS

IOU = ("0.10", "0.20", "0.30", "0.40", "0.50", "0.60", "0.70", "0.80")
EARLY_FRACTION = "0.30"
DETECTION = {
    "CNN": (30.1, 26.9, 23.4, 21.2, 18.9, 17.5, 16.5, 15.8),
    "LSTM": (48.1, 44.3, 40.6, 35.6, 31.3, 28.3, 26.0, 24.6),
    "LSTM-m": (52.6, 48.9, 45.1, 40.1, 35.1, 31.8, 29.1, 27.2),
    "LSTM-s": (54.0, 50.1, 46.3, 41.2, 36.4, 33.0, 30.4, 28.7),
}
EARLY = {
    "CNN": (27.0, 23.4, 20.4, 17.2, 14.6, 12.3, 11.0, 10.3),
    "LSTM": (49.5, 44.7, 38.8, 33.9, 29.6, 25.6, 23.5, 22.4),
    "LSTM-m": (52.6, 47.9, 41.5, 36.2, 31.4, 27.1, 24.8, 23.5),
    "LSTM-s": (55.1, 50.3, 44.0, 38.9, 34.1, 29.8, 27.4, 26.1),
}


def is_paper_study(settings: Mapping[str, Any], dataset: str | None) -> bool:
    """Tell whether a study is of the `paper` kind: its base configuration is the paper's, its data set ActivityNet."""
    base = settings.get("base", {})
    return isinstance(base, Mapping) and base.get("config") == "paper" and dataset == "activitynet"


def paper_row(model: str | None, variant: str | None) -> str | None:
    """Return the row of the paper's tables that an arm's settings belong to, None if it has none."""
    its_model, its_variant = MODELS.get(model or ""), VARIANTS.get(variant or "")
    row = None if its_model is None else its_model.paper_row
    if row != VARIANTS[CROSS_ENTROPY].paper_row:
        return row
    return None if its_variant is None else its_variant.paper_row


def fractions_of_1(values: tuple[float, ...]) -> dict[str, float]:
    """Return a row of the tables as IoU threshold -> mAP, as a fraction of 1."""
    return {threshold: value / 100 for threshold, value in zip(IOU, values, strict=True)}
