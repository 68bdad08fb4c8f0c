"""What is measured of a trained model, in every way, and written beside the model itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crescendo.trainables.config import Reset, gap_frames
from crescendo.trainables.detector.trained import MODEL_FOLDER, write_trained
from crescendo.trainables.evaluation.subset_result import SubsetResult, subset_result
from crescendo.trainables.training.artifacts import FinishedRun, write_outputs
from crescendo.trainables.training.scored_subset import ScoredSubset
from crescendo.trainables.training.trainer import Trainer


@dataclass(frozen=True)
class Measurement:
    """What is measured of a trained model, and where it is written (`artifacts.write_outputs`).

    Attributes
    ----------
    folder
        Of the outputs.
    subsets
        Measured in every way: `validation`, whose alarm thresholds are used, before `test`.
    whole_scores
        Whether the frame scores of all their recordings are kept, or those of a few.
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
) -> FinishedRun:
    """Measure the trained model with `reset` and the merge gap `gap` (frames), and write its outputs and its model folder.

    Parameters
    ----------
    validation
        The validation split, with whatever was found of it.
    seconds
        That training took, None if they are not known.
    scoring
        Called with each subset before it is measured.
    """
    config = trainer.config
    results: dict[str, SubsetResult] = {}
    for subset in measurement.subsets:
        scoring(subset)
        scored = validation if subset == "validation" else ScoredSubset(trainer, subset)
        [evaluation] = scored.evaluate(reset, [gap])
        results[subset] = subset_result(
            scored.decoded(reset, gap),
            lambda sequences: trainer.score_spans(sequences, reset),
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
        history=tuple(trainer.history),
        results=results,
    )
    write_trained(trainer, measurement.folder / MODEL_FOLDER, reset=reset, merge_gap=gap, alarms=run.alarms)
    write_outputs(measurement.folder, run, whole_scores=measurement.whole_scores)
    return run


def configured_decoding(trainer: Trainer) -> tuple[Reset, int]:
    """Return the configuration's reset and merge gap, in frames."""
    return trainer.config.reset, gap_frames(trainer.config, trainer.dataset.fps)
