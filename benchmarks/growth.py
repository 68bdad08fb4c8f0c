"""How time grows with the data: training, evaluation and report at 1, 4 and 16 times the size (exponent at most 1.1).

    .venv/bin/python benchmarks/growth.py [--json FILE] [--only training|evaluation|report]

Training is as many iterations as go once over the recordings, feature moments included; evaluation is frame scores and
mAP of all recordings; a report is that of a study of 5 arms with 1, 4 and 16 times as many search and confirm runs. The
exponent is the slope of log time over log size. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bootstrap import make_large_study
from detection import restless_model
from training import SHAPES, Shape, random_dataset, settings
from yardstick import Row, argument_parser, growth, report

from crescendo.reports.generate import generate_report
from crescendo.trainables.config import PAPER_IOU, configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.evaluation.mean_ap import evaluate_scores
from crescendo.trainables.inference.scoring import score_recordings
from crescendo.trainables.training.trainer import Trainer

SIZES = (1, 4, 16)
MOST = 1.1


def sized(recordings: int, frames: int) -> list[Shape]:
    """Return HAPT's shape with so many recordings, and 4 and 16 times as many."""
    return [replace(SHAPES["hapt"], recordings=recordings * size, frames=frames) for size in SIZES]


def training(scratch: Path) -> Row:
    """Train once over the recordings."""

    def epoch(shape: Shape) -> Callable[[], None]:
        dataset = random_dataset(scratch / f"training-{shape.recordings}", shape)
        config = configuration(settings(shape))
        iterations = shape.recordings * shape.frames // (shape.sequences * shape.length)
        return lambda: None if Trainer(config, dataset).train(iterations).loss > 0 else sys.exit("no loss")

    return growth(f"growth of training, {_times()}", [epoch(one) for one in sized(16, 1600)], SIZES, at_most=MOST)


def evaluation(scratch: Path) -> Row:
    """Score and evaluate all recordings."""
    model = restless_model()

    def scored(shape: Shape) -> Callable[[], None]:
        dataset: Dataset = random_dataset(scratch / f"evaluation-{shape.recordings}", shape, "test")

        def run() -> None:
            scores = score_recordings(model, dataset, dataset.recordings("test"), "memory")
            evaluate_scores(dataset, "test", scores, [20], iou=PAPER_IOU)

        return run

    # As many recordings as run side by side, or more: with fewer the time is that of one.
    return growth(f"growth of evaluation, {_times()}", [scored(one) for one in sized(64, 300)], SIZES, at_most=MOST)


def reporting(scratch: Path) -> Row:
    """Report on a stored study."""

    def written(size: int) -> Callable[[], None]:
        output = scratch / f"study-{size}" / "large"
        make_large_study(output, searches=10 * size, seeds=2 * size)
        return lambda: print(generate_report([str(output)]).folder.name)

    return growth(f"growth of the report, {_times()}", [written(one) for one in SIZES], SIZES, at_most=MOST)


def _times() -> str:
    return "exponent at " + ", ".join(f"{size}x" for size in SIZES)


PARTS = {"training": training, "evaluation": evaluation, "report": reporting}


def main() -> None:
    """Measure all three, or one."""
    parser = argument_parser(__doc__)
    parser.add_argument("--only", choices=list(PARTS), help="this one only")
    options = parser.parse_args()
    rows = []
    for name in [options.only] if options.only else list(PARTS):
        with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
            rows.append(PARTS[name](Path(scratch)))
    sys.exit(0 if report(rows, options.json) else 1)


if __name__ == "__main__":
    main()
