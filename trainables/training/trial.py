"""One trial of a study: a training that reports, saves itself, and goes on from where it was whatever happened to it.

A trial owns one folder:

iteration-*/            its newest checkpoint
report.json             its last report
outputs/                what a confirmed trial leaves: detections, ground truth, metrics, configuration, some scores,
                        how scores progressed at each report, and its model folder
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from crescendo.trainables.config import Reset, TrainingConfig, configuration, gap_frames
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector.trained import MODEL_FOLDER, write_trained
from crescendo.trainables.evaluation.early_warning import alarm_thresholds
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.metric_keys import MEAN_AP, MetricKey
from crescendo.trainables.evaluation.progression import progression
from crescendo.trainables.evaluation.span_scores import span_scores
from crescendo.trainables.evaluation.subset_result import subset_result
from crescendo.trainables.files import read_json, write_json
from crescendo.trainables.registry import look_in
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.artifacts import add_snapshot, write_outputs
from crescendo.trainables.training.scored_subset import ScoredSubset
from crescendo.trainables.training.trainer import MeanLosses, Trainer

DecodeValues = Callable[[str, Sequence[int]], list[float]]
"""(reset, merge gaps) -> the objective at each gap; one forward pass for each new reset."""
DecodeSearch = Callable[[DecodeValues], tuple[str, int]]
"""Tries what it likes of `DecodeValues` and returns the best reset and merge gap."""

_REPORT = "report.json"
_OUTPUTS = "outputs"


@dataclass(frozen=True)
class Job:
    """What a trial runs.

    Attributes
    ----------
    identity
        Its name.
    phase
        `search`: scored on validation alone. `confirm`: scored on test too, once, when trained.
    dataset
        Folder of the prepared data set, or a URI (`data.remote`); each worker opens it by itself.
    settings
        Every setting of the training configuration that differs from the defaults, seed and threads among them.
    folder
        Where it keeps its checkpoint and leaves its results.
    metric
        The objective: `mAP/mean`, or `mAP/iou_0.50` for one threshold.
    decode
        How the best reset and merge gap are found once it is trained; None: the configuration's are taken.
    checkpoint_seconds
        A checkpoint is written after this time even if no report is due.
    plugin_folder
        Where modules that settings name as `module:attribute` are looked for, beside where Python looks: the working
        folder of whoever began the study. None: nowhere else.
    """

    identity: str
    phase: Literal["search", "confirm"]
    dataset: str
    settings: Mapping[str, Any]
    folder: str
    metric: str
    decode: DecodeSearch | None = None
    checkpoint_seconds: float = 60.0
    plugin_folder: str | None = None


@dataclass(frozen=True)
class ValidationReport:
    """What a trial says at an iteration; JSON-able.

    `losses` are means since the last report; `results` holds for each split what `Evaluation.to_json` returns (for the
    test split, of a confirmed trial, `SubsetResult.to_json`); `chosen` the reset and merge gap they were decoded with;
    `tried` (reset, merge gap, objective) of every combination tried.
    """

    iteration: int
    objective: float
    done: bool
    losses: Mapping[str, float] = field(default_factory=dict)
    frames_per_second: float = 0.0
    results: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    tried: Sequence[tuple[str, int, float]] = ()
    seconds: float = 0.0


def outputs(folder: Path | str) -> Path:
    """Return where under a trial's folder its results lie, once it is confirmed."""
    return Path(folder) / _OUTPUTS


def last_report(folder: Path | str) -> ValidationReport | None:
    """Return the last report of the trial in `folder`, None if it has made none; `InputError` if it is damaged."""
    file = Path(folder) / _REPORT
    return ValidationReport(**read_json(file)) if file.is_file() else None


class Trial:
    """A training run, resumed from its folder if it ran before."""

    def __init__(self, job: Job, dataset: Dataset) -> None:
        """Build the model, or restore it from the trial's newest checkpoint.

        Raises
        ------
        InputError
            If a setting is invalid, or the checkpoint is of another configuration or data set.
        """
        if job.plugin_folder is not None:
            look_in(job.plugin_folder)
        self.job, self._dataset = job, dataset
        self._folder = Path(job.folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._trainer = Trainer(configuration(job.settings, f"trial {job.identity}"), dataset)
        self._config: TrainingConfig = self._trainer.config
        self._reported = self._said = ValidationReport(0, 0.0, done=False)
        if (newest := checkpoints.newest(self._folder)) is not None:
            self.restore(newest)
        last = last_report(self._folder)
        if last is not None and last.iteration <= self._trainer.iteration:
            self._reported = last
        self._saved = time.monotonic()

    def step(self) -> ValidationReport:
        """Train to the next validation and report.

        The last report before an interruption may not have been heard: it is the first that is given after it.

        Raises
        ------
        DivergedError
            If the loss is no longer finite.
        """
        if self._said is not self._reported:
            self._said = self._reported
            return self._said
        began, every = time.monotonic(), self._config.evaluate_every
        target = min(self._config.iterations, (self._reported.iteration // every + 1) * every)
        losses = self._trainer.train(target, self._on_progress)
        self._keep_checkpoint()
        report = self._report(losses, began)
        write_json(self._folder / _REPORT, asdict(report))
        self._said = self._reported = report
        return report

    def save(self, folder: Path) -> None:
        """Write a checkpoint as `folder`, which must not exist."""
        self._trainer.save(folder)

    def restore(self, folder: Path) -> None:
        """Go on from the checkpoint `folder`."""
        self._trainer.restore(folder)

    def _on_progress(self, iteration: int, loss: float) -> None:
        if time.monotonic() - self._saved > self.job.checkpoint_seconds:
            self._keep_checkpoint()

    def _keep_checkpoint(self) -> None:
        place = checkpoints.checkpoint_folder(self._folder, self._trainer.iteration)
        if not place.exists():
            self.save(place)
        checkpoints.prune(self._folder, place)
        self._saved = time.monotonic()

    def _report(self, losses: MeanLosses, began: float) -> ValidationReport:
        config, trainer = self._config, self._trainer
        done = trainer.iteration >= config.iterations
        validation = ScoredSubset(trainer, "validation")

        def values(reset: str, gaps: Sequence[int]) -> list[float]:
            return [
                metric_value(evaluation, self.job.metric) for evaluation in validation.evaluate(_reset(reset), gaps)
            ]

        first = (config.reset, gap_frames(config, self._dataset.fps))
        reset, gap = self.job.decode(values) if done and self.job.decode else first
        [objective] = values(reset, [gap])
        reset = _reset(reset)
        results = {"validation": validation.evaluations[reset, gap].to_json()}
        decoded = validation.decoded(reset, gap)
        if self.job.phase == "confirm":
            curves = progression(self._dataset, "validation", decoded.scores)
            add_snapshot(outputs(self._folder), trainer.iteration, curves)
        if done and self.job.phase == "confirm":
            alarms = alarm_thresholds(span_scores(decoded))
            test = ScoredSubset(trainer, "test")
            [evaluation] = test.evaluate(reset, [gap])
            tested = subset_result(
                test.decoded(reset, gap),
                lambda spans: trainer.score_spans(spans, reset),
                config,
                evaluation=evaluation,
                alarms=alarms,
            )
            results["test"] = tested.metrics.to_json()
            write_outputs(outputs(self._folder), self._dataset, config, tested)
            place = outputs(self._folder) / MODEL_FOLDER
            write_trained(trainer, place, reset=reset, merge_gap=gap, alarms=alarms)
        rates = asdict(losses)
        return ValidationReport(
            iteration=trainer.iteration,
            objective=objective,
            done=done,
            frames_per_second=rates.pop("frames_per_second"),
            losses=rates,
            results=results,
            chosen={"reset": reset, "merge_gap": gap},
            tried=[
                (*key, metric_value(validation.evaluations[key], self.job.metric))
                for key in sorted(validation.evaluations)
            ],
            seconds=self._reported.seconds + time.monotonic() - began,
        )


def metric_value(evaluation: Evaluation, metric: str) -> float:
    """Return the mAP that `metric` names: one of `mean_ap_keys` of the evaluation's thresholds."""
    key = MetricKey.read(metric)
    if key == MEAN_AP:
        return evaluation.mean
    return float(evaluation.mean_ap[[MetricKey("mAP", iou=threshold) for threshold in evaluation.iou].index(key)])


def _reset(name: str) -> Reset:
    reset: Reset = TypeAdapter(Reset).validate_python(name)
    return reset
