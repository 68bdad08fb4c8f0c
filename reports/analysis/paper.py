"""What the paper reports (its tables 1 and 2): to stand beside a run of the `paper` study on ActivityNet, nowhere else.

Ma, Sigal, Sclaroff, "Learning Activity Progression in LSTMs for Activity Detection and Early Detection", CVPR 2016;
mAP in percent at IoU 0.1 ... 0.8, on a test part of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crescendo.search_spaces.arms import Arm
from crescendo.search_spaces.study import Study
from crescendo.trainables.losses.variants import VARIANTS
from crescendo.trainables.models.registry import MODELS

IOU = ("0.10", "0.20", "0.30", "0.40", "0.50", "0.60", "0.70", "0.80")
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

_BY_VARIANT = "LSTM"
"""The model that has a row for each variant of the loss."""


@dataclass(frozen=True)
class PaperFigures:
    """What the paper reports for an arm: IoU threshold -> mAP, as fractions of 1."""

    detection: Mapping[str, float]
    early: Mapping[str, float]


def figures(study: Study, dataset: str, arm: Arm) -> PaperFigures | None:
    """Return what the paper reports for `arm` of `study`, which ran on the data set called `dataset`; None if nothing."""
    if study.base.get("config") != "paper" or dataset != "activitynet":
        return None
    row = paper_row(arm.settings.get("model"), arm.settings.get("variant"))
    return None if row is None else PaperFigures(_fractions_of_1(DETECTION[row]), _fractions_of_1(EARLY[row]))


def paper_row(model: str | None, variant: str | None) -> str | None:
    """Return the row of the paper's tables that a model and a variant of the loss belong to, None if it has none."""
    spec, loss = MODELS.get(model or ""), VARIANTS.get(variant or "")
    if spec is None or spec.paper_row != _BY_VARIANT:
        return None if spec is None else spec.paper_row
    return None if loss is None else loss.paper_row


def _fractions_of_1(percentages: tuple[float, ...]) -> dict[str, float]:
    return {threshold: value / 100 for threshold, value in zip(IOU, percentages, strict=True)}
