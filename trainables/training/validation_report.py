"""The report that a training makes at every validation, and the file that keeps the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.metric_keys import MEAN_AP, MetricKey
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.storage.json_files import can_be_written, read_json, write_json

_FILE = "report.json"


class Decoding(TypedDict, total=False):
    """The settings that a model's scores were decoded with: `reset`, and `merge_gap` in frames."""

    reset: str
    merge_gap: int


@dataclass(frozen=True)
class ValidationReport:
    """What a training reports at a validation.

    Attributes
    ----------
    objective
        What a study maximises: an mAP of the validation split, a fraction of 1.
    done
        Whether this is the training's last report.
    losses
        Means since the last report: `loss`, `cross_entropy`, `ranking`.
    clipped_share
        Share of the training's steps so far whose gradient was clipped; None if they were not counted.
    results
        Split -> metrics: always the mAP of validation; in the last report of a confirmed trial, all metrics of test.
    chosen
        The reset and merge gap that `results` were decoded with.
    tried
        (reset, merge gap in frames, objective) of every combination that was tried.
    seconds
        How long the training has taken so far, over all its starts.
    notes
        What its user should know of how it trained: that it went without CUDA graphs, say, and why.
    """

    iteration: int
    objective: float
    done: bool
    losses: Mapping[str, float] = field(default_factory=dict)
    frames_per_second: float = 0.0
    clipped_share: float | None = None
    results: Mapping[str, SubsetMetrics] = field(default_factory=dict)
    chosen: Decoding = field(default_factory=Decoding)
    tried: Sequence[tuple[str, int, float]] = ()
    seconds: float = 0.0
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able object."""
        return {
            "iteration": self.iteration,
            "objective": self.objective,
            "done": self.done,
            "losses": dict(self.losses),
            "frames_per_second": self.frames_per_second,
            "clipped_share": self.clipped_share,
            "results": {split: metrics.to_json() for split, metrics in self.results.items()},
            "chosen": dict(self.chosen),
            "tried": [list(combination) for combination in self.tried],
            "seconds": self.seconds,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, content: Any) -> ValidationReport:
        """Return the report whose `to_json` is `content`; `InputError` if `content` is no report."""
        try:
            results = {split: SubsetMetrics.from_json(metrics) for split, metrics in content["results"].items()}
            tried = [(str(reset), int(merge_gap), float(value)) for reset, merge_gap, value in content["tried"]]
            report = cls(**{**content, "results": results, "tried": tried})
            clipped = 0.0 if report.clipped_share is None else report.clipped_share
            numbers = (report.objective, report.seconds, report.frames_per_second, clipped, *report.losses.values())
            if not all(isinstance(value, int | float) for value in (report.iteration, *numbers)):
                raise TypeError(f"{numbers!r:.80} are no numbers")
            return report
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"not a report of a training ({type(error).__name__}: {error})") from error


def write_report(folder: Path, report: ValidationReport) -> None:
    """Write `report` as the last one of the training in `folder`."""
    write_json(folder / _FILE, report.to_json())


def last_report(folder: Path | str) -> ValidationReport | None:
    """Return the last report of the training in `folder`, or None if there is none; `InputError` if it is damaged."""
    file = Path(folder) / _FILE
    if not file.is_file():
        return None
    try:
        content = read_json(file)
        if not can_be_written(content):
            raise InputError("holds NaN or infinity, which JSON does not have")
        return ValidationReport.from_json(content)
    except InputError as error:
        raise error if str(file) in str(error) else InputError(f"{file}: {error}") from None


def metric_value(evaluation: Evaluation, metric: str) -> float:
    """Return the mAP that `metric` names, `mAP/mean` or that of a threshold (`mAP/iou_0.50`), as a fraction of 1."""
    key = MetricKey.read(metric)
    if key == MEAN_AP:
        return evaluation.mean
    return float(evaluation.mean_ap[[MetricKey("mAP", iou=threshold) for threshold in evaluation.iou].index(key)])
