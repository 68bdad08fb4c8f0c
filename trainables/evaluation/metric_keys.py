"""Names of measured numbers, as MLflow, a study's objective and reports write them: `test/mAP/iou_0.50`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

SPLITS = ("training", "validation", "test")


def number_key(value: float) -> str:
    """Return a threshold or a fraction as a key: two decimals, or as many as it has."""
    return f"{value:.2f}" if abs(value - round(value, 2)) < 1e-9 else f"{value:.12g}"


def _rate_key(value: float) -> str:
    return f"{value:g}"


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")
# Field of a key -> what stands before and after its number, and how the number is written; in the order of a name.
_FORMS = {
    "fraction": ("fraction_", "", number_key),
    "iou": ("iou_", "", number_key),
    "offset": ("offset_", "s", _rate_key),
    "rate": ("", "_per_hour", _rate_key),
}


def _numbers(part: str) -> dict[str, float]:
    """Return the field and the number that `part` of a name writes; empty if it is a word of the measure."""
    for field, (before, after, _) in _FORMS.items():
        number = part.removeprefix(before).removesuffix(after)
        if part == f"{before}{number}{after}" and _NUMBER.fullmatch(number):
            return {field: float(number)}
    return {}


@dataclass(frozen=True)
class MetricKey:
    """What a number measures, and on which recordings.

    Written `SPLIT/MEASURE/fraction_F/iou_T/offset_Ss/R_per_hour`, without the parts that it has not: `mAP/mean`,
    `test/early/fraction_0.30/iou_0.50`, `test/online/detected/1_per_hour`, `training/loss`. `read` is the inverse.

    Attributes
    ----------
    measure
        One or more words, joined by slashes: `mAP` (at one IoU threshold), `mAP/mean` (over the thresholds), `early`,
        `violations/score/share`, `frame_mAP`, `online/detected`, `segmental/F1`, `diagnosis/wrong_label`, `starts/p_mAP`,
        `loss`.
    split
        Recordings that were measured, one of `SPLITS`; None: left open, as in the objective of a study.
    fraction, iou
        Observed fraction and IoU threshold, as precise as `number_key` writes them.
    offset
        Seconds that a start may be off.
    rate
        False alarms an hour that alarm thresholds were chosen for.

    Raises
    ------
    ValueError
        If the measure or the split could not be told from the other parts of a name.
    """

    measure: str
    split: str | None = None
    fraction: float | None = None
    iou: float | None = None
    offset: float | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        words = self.measure.split("/")
        if words[0] in SPLITS or any(not _WORD.fullmatch(word) or _numbers(word) for word in words):
            raise ValueError(f"a measure must be words joined by slashes but got {self.measure!r}")
        if self.split not in (None, *SPLITS):
            raise ValueError(f"a split must be one of {', '.join(SPLITS)} but got {self.split!r}")
        for field, (_, _, written) in _FORMS.items():
            if (value := getattr(self, field)) is not None:
                object.__setattr__(self, field, float(written(value)))

    def __str__(self) -> str:
        parts = [self.measure] if self.split is None else [self.split, self.measure]
        for field, (before, after, written) in _FORMS.items():
            if (value := getattr(self, field)) is not None:
                parts.append(f"{before}{written(value)}{after}")
        return "/".join(parts)

    @classmethod
    def read(cls, name: str) -> MetricKey:
        """Return the key that is written `name`; `ValueError` if none is."""
        parts = name.split("/")
        split = parts.pop(0) if parts[0] in SPLITS else None
        numbers: dict[str, float] = {}
        while parts and (last := _numbers(parts[-1])):
            numbers |= last
            parts.pop()
        key = cls("/".join(parts), split, **numbers)
        if str(key) != name:
            raise ValueError(f"a metric must be written like {key} but got {name!r}")
        return key

    @property
    def of_curve(self) -> bool:
        """Whether it names the points of a curve, whose steps are the horizontal axis."""
        return self.measure.startswith("curve/")

    def on(self, split: str | None) -> MetricKey:
        """Return the key of the same measure on `split`."""
        return replace(self, split=split)


MEAN_AP = MetricKey("mAP/mean")
"""mAP, averaged over the IoU thresholds."""

OBJECTIVE = MetricKey("objective")
"""What a trial is judged by: the study's objective on the validation split."""

CHOSEN_MERGE_GAP = MetricKey("chosen/merge_gap")
"""Merge gap, in frames, with which the objective was reached."""

SECONDS = MetricKey("seconds")
"""How long a trial has run, all its starts together."""

CLIPPED_SHARE = MetricKey("clipped_share", "training")
"""Share of a training's steps so far whose gradient was clipped."""

GAP_CURVE = MetricKey("curve/mAP_against_merge_gap", "validation")
"""The objective at each merge gap that was tried."""


def mean_ap_keys(iou: Iterable[float]) -> list[MetricKey]:
    """Return the keys of mAP at each IoU threshold and of their mean: what a study may have as its objective."""
    return [*(MetricKey("mAP", iou=threshold) for threshold in iou), MEAN_AP]
