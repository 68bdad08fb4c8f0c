"""A training that reports at every validation, writes checkpoints, and resumes from its folder after any interruption.

It owns one folder:

checkpoints/iteration-*     its newest checkpoint
report.json                 its last report
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.progression import progression
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.storage.reading import expecting
from crescendo.trainables.training import checkpoint_folders
from crescendo.trainables.training.artifacts import METRICS, FinishedRun, add_snapshot
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.cohort_session import CohortSession
from crescendo.trainables.training.job import DecodeSearch
from crescendo.trainables.training.listeners import Listener, SilentListener, Validation
from crescendo.trainables.training.mean_losses import MeanLosses
from crescendo.trainables.training.measurement import Measurement, configured_decoding, measure
from crescendo.trainables.training.scored_subset import ScoredSubset
from crescendo.trainables.training.shared_scores import SharedScores
from crescendo.trainables.training.trainer import Trainer
from crescendo.trainables.training.validation_report import ValidationReport, last_report, metric_value, write_report


class TrainingSession:
    """One training, resumed from its folder if it ran before.

    Attributes
    ----------
    finished : the finished run, once trained and measured in this process; None before
    """

    def __init__(
        self,
        config: TrainingConfig,
        dataset: Dataset,
        folder: Path,
        *,
        metric: str = "mAP/mean",
        decode: DecodeSearch | None = None,
        measurement: Measurement | None = None,
        checkpoint_seconds: float = 60.0,
        listener: Listener | None = None,
    ) -> None:
        """Build the model, or restore it from the newest checkpoint in `folder`.

        Parameters
        ----------
        metric
            The objective: `mAP/mean`, or `mAP/iou_0.50` for one threshold.
        decode
            How the best reset and merge gap are found once it is trained; None: the configuration's are taken.
        measurement
            What is measured once it is trained, beside the validation mAP; None: nothing, and no output is written.
        checkpoint_seconds
            A checkpoint is written after this time even if no report is due.

        Raises
        ------
        InputError
            If the checkpoint is damaged or of another configuration or data set, or this machine or data set lacks what the
            configuration asks for.
        """
        self._dataset, self._folder = dataset, folder
        self._metric, self._decode, self._measurement = metric, decode, measurement
        self._checkpoint_seconds, self._listener = checkpoint_seconds, listener or SilentListener()
        self._trainer = Trainer(config, dataset)
        self._trainer.on_note, self._trainer.on_scored = self._listener.noted, self._listener.scored
        self._alone: Cohort | None = None
        self._trained = 0.0
        self.finished: FinishedRun | None = None
        self._last, self._unheard = self._take_up()
        self._saved = time.monotonic()
        self._listener.began(self._trainer)

    @property
    def trainer(self) -> Trainer:
        """What trains."""
        return self._trainer

    @property
    def stage_end(self) -> int:
        """The iteration of the next validation."""
        config = self._trainer.config
        return min(config.iterations, (_validated(self._trainer) // config.evaluate_every + 1) * config.evaluate_every)

    @property
    def measured(self) -> bool:
        """Whether it is trained, and its report measures it in every way."""
        return self._measurement is not None and self._trainer.iteration >= self._trainer.config.iterations

    def step(self) -> ValidationReport:
        """Train alone to the next validation and report; with the last one, measure the trained model and write its outputs.

        Raises
        ------
        DivergedError
            If the loss is no longer finite.
        """
        together = CohortSession([self], cohort=self._alone)
        self._alone = together.cohort
        [outcome] = together.step().values()
        if isinstance(outcome, InputError):
            raise outcome
        return outcome

    def again(self) -> ValidationReport | None:
        """Return the last report before an interruption, once, if it may not have been heard."""
        unheard, self._unheard = self._unheard, False
        return self._last if unheard else None

    def advanced(self, iteration: int, loss: float) -> None:
        """Take in that an iteration is done; a checkpoint is written when it is time.

        Of a training that came further before its losses were read the weights are not those of `iteration`: it waits for
        the last one of which they are told, which never comes if one of them is not finite.
        """
        self._listener.advanced(iteration, loss)
        if iteration == self._trainer.iteration and time.monotonic() - self._saved > self._checkpoint_seconds:
            self._save()

    def trained(self, seconds: float) -> None:
        """Take in what the training since the last call took, or this training's share of what a cohort took."""
        self._trained += seconds

    def report(self, shared: SharedScores | None = None) -> ValidationReport:
        """Validate what has trained to the end of its stage, and keep the report.

        `shared` finds the scores of several trainings at once; None: of this one.
        """
        began, self._trained = time.monotonic() - self._trained, 0.0
        losses = self._trainer.end_stage()
        self._save()
        self._last = self._report(losses, began, shared)
        write_report(self._folder, self._last)
        return self._last

    def _take_up(self) -> tuple[ValidationReport | None, bool]:
        """Resume from the folder's newest checkpoint and last report; return the report, and whether to give it again."""
        trainer, config = self._trainer, self._trainer.config
        newest = checkpoint_folders.newest(self._folder)
        if newest is not None:
            trainer.restore(newest)
        last = last_report(self._folder)
        if last is not None and last.iteration > trainer.iteration:
            last = None
        if last is not None and _validated(trainer) < last.iteration:
            # The checkpoint was written before it.
            with expecting("a report of this training", self._folder / "report.json", "remove it"):
                losses = MeanLosses(**last.losses, frames_per_second=last.frames_per_second)
                evaluation = last.results["validation"].evaluation
            trainer.history.append(Validation(last.iteration, losses, evaluation).to_json())
        if _validated(trainer) < trainer.iteration:
            trainer.resume_stage()
        self._timed = last is not None or trainer.iteration == 0
        if last is None or last.done != (last.iteration >= config.iterations):
            return last, False  # it now trains for longer, or shorter
        written = self._measurement is None or (self._measurement.folder / METRICS).is_file()
        # The last report before an interruption may not have been heard: it is the first that is given after it.
        return last, written or not last.done

    def _save(self) -> None:
        checkpoint = checkpoint_folders.checkpoint_folder(self._folder, self._trainer.iteration)
        if not checkpoint.exists():
            self._trainer.save(checkpoint)
        checkpoint_folders.prune(self._folder, keep=checkpoint)
        self._saved = time.monotonic()

    def _report(self, losses: MeanLosses, began: float, shared: SharedScores | None) -> ValidationReport:
        trainer = self._trainer
        done = trainer.iteration >= trainer.config.iterations
        scored = ScoredSubset(trainer, "validation", shared)
        search = self._decode if done else None
        reset, gap = scored.best(search, self._metric) if search is not None else configured_decoding(trainer)
        [evaluation] = scored.evaluate(reset, [gap])
        row = self._record(Validation(trainer.iteration, losses, evaluation))
        results = {"validation": SubsetMetrics(evaluation)}
        if self._measurement is not None:
            curves = progression(self._dataset, "validation", scored.decoded(reset, gap).scores)
            add_snapshot(self._measurement.folder, trainer.iteration, curves)
            if done:
                self.finished = measure(
                    trainer,
                    self._measurement,
                    scored,
                    reset,
                    gap,
                    seconds=self._seconds(began) if self._timed else None,
                    scoring=self._listener.scoring,
                    shared=shared,
                )
                results |= {
                    subset: result.metrics for subset, result in self.finished.results.items() if subset != "validation"
                }
        return ValidationReport(
            iteration=trainer.iteration,
            objective=metric_value(evaluation, self._metric),
            done=done,
            losses={name: row[name] for name in ("loss", "cross_entropy", "ranking")},
            frames_per_second=row["frames_per_second"],
            clipped_share=trainer.clipped.share,
            results=results,
            chosen={"reset": reset, "merge_gap": gap},
            tried=[
                (*decoding, metric_value(scored.evaluations[decoding], self._metric))
                for decoding in sorted(scored.evaluations)
            ],
            seconds=self._seconds(began),
            notes=tuple(trainer.notes),
        )

    def _seconds(self, began: float) -> float:
        """Return how long this training has gone on, over all its starts; the step now under way since `began`."""
        return (0.0 if self._last is None else self._last.seconds) + time.monotonic() - began

    def _record(self, validation: Validation) -> dict[str, Any]:
        """Add a validation to the history, and tell of it, unless it is there already; return its row."""
        history = self._trainer.history
        if not history or history[-1]["iteration"] < validation.iteration:
            history.append(validation.to_json())
            self._listener.validated(validation)
        return history[-1]


def _validated(trainer: Trainer) -> int:
    """Return the iteration of the last validation, 0 before the first."""
    return int(trainer.history[-1]["iteration"]) if trainer.history else 0
