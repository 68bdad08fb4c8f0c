"""In how many steps gradients are clipped, and what it does: with `clip_scaling` off and on, each ranking loss at two weights.

    .venv/bin/python benchmarks/clipping.py [--dataset data/hapt] [--seeds 0] [--page FILE] [--json FILE]

Trained as in the study findings_hapt (batches of 24 sequences, 800 iterations), on the data set's own split. The mAP is that of
the validation split; the test split has no say. `--page` puts the table between its marks in docs/statistics.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from marked import fill

from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.config_files import read_settings
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.training.session import TrainingSession

VARIANTS, WEIGHTS = ("score", "margin", "combined"), (6.0, 30.0)
METRIC = "mAP/iou_0.50"
AS_IN_THE_STUDY = {"sequences": 24, "iterations": 800, "learning_rate_step": 560, "evaluate_every": 400, "threads": 1}


def rows() -> Iterator[dict[str, Any]]:
    """Yield what sets each row's configurations apart; cross entropy alone has no weight to scale with."""
    yield {"variant": "none"}
    for variant in VARIANTS:
        for weight in WEIGHTS:
            yield {"variant": variant, "lambda_r": weight}


def trained(config: TrainingConfig, dataset: Dataset) -> tuple[float, float]:
    """Train, and return the share of clipped steps and the validation mAP at IoU 0.5."""
    with tempfile.TemporaryDirectory(prefix="crescendo-clipping-") as folder:
        session = TrainingSession(config, dataset, Path(folder), metric=METRIC)
        report = session.step()
        while not report.done:
            report = session.step()
    return report.clipped_share or 0.0, report.objective


def measured(dataset: Dataset, seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield each row with its figures: [share, mAP] of every seed, without `clip_scaling` and with it."""
    for row in rows():
        for scaled in (False, True) if "lambda_r" in row else (False,):
            settings = {**read_settings("hapt"), **AS_IN_THE_STUDY, **row, "clip_scaling": scaled}
            found = [trained(configuration({**settings, "seed": seed}), dataset) for seed in seeds]
            one = {
                **row,
                "clip_scaling": scaled,
                "clipped": [share for share, _ in found],
                "mAP": [map_ for _, map_ in found],
            }
            print(one, flush=True)
            yield one


def page(found: Iterable[dict[str, Any]]) -> str:
    """Return the rows as Markdown, a line for each loss and weight."""
    lines = [
        "| loss | lambda_r | clipped: one limit | scaled | mAP: one limit | scaled |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    by_row: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for one in found:
        by_row.setdefault((one["variant"], one.get("lambda_r", "")), []).append(one)
    for (variant, weight), both in by_row.items():
        cells = [
            f"{100 * fmean(one[key]):.{digits}f} %" for key, digits in (("clipped", 0), ("mAP", 1)) for one in both
        ]
        if len(both) == 1:
            cells = [cells[0], "", cells[1], ""]
        lines.append(
            f"| {variant} | {weight:g} | {' | '.join(cells)} |" if weight else f"| {variant} |  | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, default=Path("data/hapt"), help="HAPT, prepared")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--page", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = list(measured(Dataset(options.dataset), options.seeds))
    print(page(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.page:
        fill({options.page: {"clipping": page(found)}})


if __name__ == "__main__":
    main()
