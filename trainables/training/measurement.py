"""Measures a trained model in every way and writes the results, and the model itself, into a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crescendo.trainables.config import Reset, gap_frames
from crescendo.trainables.detector.trained import MODEL_FOLDER, write_trained
from crescendo.trainables.evaluation.subset_result import SubsetResult, subset_result
from crescendo.trainables.training.artifacts import FinishedRun, write_outputs
from crescendo.trainables.training.scored_subset import ScoredSubset
from crescendo.trainables.training.shared_scores import SharedScores
from crescendo.trainables.training.trainer import Trainer


@dataclass(frozen=True)
class Measurement:
    """What to measure of a trained model, and where to write it (`artifacts.write_outputs`).

    Attributes
    ----------
    folder
        The folder of outputs.
    subsets
        The splits to measure. `validation` comes first: its alarm thresholds are used on all of them.
    whole_scores
        Whether to keep the frame scores of all recordings, or of a few.
    """

    folder: Path
    subsets: tuple[str, ...]
    whole_scores: bool


def measure(
    trainer: Trainer,
    measurement: Measurement,
    validation: ScoredSubset,
    reset: Reset,
    gap: int,
    *,
    seconds: float | None,
    scoring: Callable[[str], None],
    shared: SharedScores | None = None,
) -> FinishedRun:
    """Measure the trained model with `reset` and the merge gap `gap` (frames), and write its outputs and its model folder.

    Parameters
    ----------
    validation
        The validation split; what has been computed of it already is used again.
    seconds
        How long training took; None if that is not known.
    scoring
        Called with each subset before it is measured.
    shared
        Finds the scores of several trainings at once; None: of this one.
    """
    config, shared = trainer.config, shared or SharedScores([trainer])
    results: dict[str, SubsetResult] = {}
    for subset in measurement.subsets:
        scoring(subset)
        scored = validation if subset == "validation" else ScoredSubset(trainer, subset, shared)
        [evaluation] = scored.evaluate(reset, [gap])
        results[subset] = subset_result(
            scored.decoded(reset, gap),
            lambda sequences: shared.score_spans(trainer, sequences, reset),
            config,
            evaluation=evaluation,
            alarms=results["validation"].alarms if results else None,
        )
    if (reset, gap) != configured_decoding(trainer):
        config = config.model_copy(update={"reset": reset, "merge_gap": gap, "merge_gap_seconds": None})
    run = FinishedRun(
        config=config,
        dataset=trainer.dataset,
        merge_gap=gap,
        iterations=trainer.iteration,
        training_seconds=seconds,
        clipped_share=trainer.clipped.share,
        history=tuple(trainer.history),
        results=results,
    )
    model, hours = measurement.folder / MODEL_FOLDER, run.alarm_hours
    write_trained(trainer, model, reset=reset, merge_gap=gap, alarms=run.alarms, alarm_hours=hours)
    write_outputs(measurement.folder, run, whole_scores=measurement.whole_scores)
    return run


def configured_decoding(trainer: Trainer) -> tuple[Reset, int]:
    """Return the configuration's reset and merge gap, in frames."""
    return trainer.config.reset, gap_frames(trainer.config, trainer.dataset.fps)
