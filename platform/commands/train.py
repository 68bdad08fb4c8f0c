"""`crescendo train`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import TaskID
from rich.table import Table

from crescendo.platform.frame_progress import FrameProgress, frame_bar
from crescendo.platform.terminal_text import print_line, terminal_console
from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.config_files import AUTO, parse_assignments, read_settings
from crescendo.trainables.errors import InputError
from crescendo.trainables.losses.joint import weighted_names
from crescendo.trainables.plurals import counted

if TYPE_CHECKING:
    from crescendo.trainables.evaluation.mean_ap import Evaluation
    from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
    from crescendo.trainables.training.listeners import Validation
    from crescendo.trainables.training.trainer import Trainer


def train(
    dataset: Annotated[Path | None, typer.Argument(help="The prepared data set's folder.")] = None,
    output: Annotated[Path | None, typer.Option(help="The folder the run is written to.")] = None,
    config: Annotated[
        str | None,
        typer.Option(help="A shipped configuration's name, a YAML file, or auto: by the data set's figures."),
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted run in --output.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="List every setting with its default, and end.")] = False,
) -> None:
    """Train one detector: validation mAP as it goes; frame scores, detections and metrics at the end."""
    console = terminal_console()
    if keys:
        console.print(_key_table())
        return
    if dataset is None or output is None:
        raise InputError(f"{'DATASET' if dataset is None else '--output'}: is missing; see `crescendo train --help`")
    assigned = parse_assignments(assignments or [])
    settings = {
        **(_auto(dataset, assigned, console) if config == AUTO else read_settings(config) if config else {}),
        **assigned,
    }
    checked = configuration(settings, config or "--set")

    # torch takes seconds: help, the settings and what is wrong with them come before it.
    from crescendo.trainables.data.dataset import Dataset
    from crescendo.trainables.training.artifacts import METRICS
    from crescendo.trainables.training.train import train_detector

    with _Screen(terminal_console(stderr=True), checked) as screen:
        run = train_detector(checked, Dataset(dataset), output, screen, resume=resume)
    for subset, result in run.results.items():
        console.print(f"{subset}: mAP (%) against the IoU threshold")
        console.print(_result_table(result.metrics))
    if (reason := run.untested) is not None:
        console.print(f"Nothing was tested: {reason}.", soft_wrap=True)
    console.print(f"Everything lies under {output} (all figures: {output / METRICS}).", soft_wrap=True)


def _auto(dataset: Path, assigned: Mapping[str, Any], console: Console) -> Mapping[str, Any]:
    """Return what `auto` stands for on the data set, and print how it follows, but of what is `assigned` otherwise."""
    # They bring pyarrow, which `train --keys` and `train --help` do without.
    from crescendo.trainables.auto_config import auto_config
    from crescendo.trainables.data.dataset import Dataset

    auto = auto_config(Dataset(dataset))
    for key, reason in zip(auto.settings, auto.reasons, strict=True):
        if key not in assigned:
            console.print(f"{AUTO}: {reason}", soft_wrap=True)
    return auto.settings


class _Screen:
    """A progress bar on a terminal; a line at each validation elsewhere."""

    def __init__(self, console: Console, config: TrainingConfig) -> None:
        self._console, self._config = console, config
        self._frames = config.sequences * config.sequence_length
        self._task: TaskID | None = None
        self._progress = frame_bar(console, leave=True)
        self._scored: FrameProgress | None = None
        self._subset = "validation"

    def __enter__(self) -> _Screen:
        self._progress.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._progress.__exit__(*exception)

    def began(self, trainer: Trainer) -> None:
        config = self._config
        added = weighted_names(config.variant, config.lambda_r)
        ranking = "".join(f" + {weight:g} x {name}" for name, weight in added)
        weights = sum(parameter.numel() for parameter in trainer.model.parameters())
        again = f", from iteration {trainer.iteration}" if trainer.iteration else ""
        self._console.print(
            f"Training {config.model} ({counted(weights, 'weight')}) on {trainer.dataset.path} with cross entropy{ranking}, "
            f"seed {config.seed}, on {trainer.device}{again}",
            soft_wrap=True,
        )
        self._task = self._progress.add_task("training", total=config.iterations, completed=trainer.iteration, rate="")

    def advanced(self, iteration: int, loss: float) -> None:
        if self._task is not None:
            task = self._progress.tasks[self._task]
            rate = f"loss {loss:.3f}, {(task.speed or 0) * self._frames:,.0f} frames/s"
            self._progress.update(self._task, completed=iteration, rate=rate)

    def noted(self, text: str) -> None:
        print_line(self._console, f"note: {text}")

    def validated(self, validation: Validation) -> None:
        config, losses, evaluation = self._config, validation.losses, validation.evaluation
        left = (config.iterations - validation.iteration) * self._frames / max(losses.frames_per_second, 1e-9)
        self._console.print(
            f"iteration {validation.iteration:>{len(str(config.iterations))}}/{config.iterations}: loss {losses.loss:.4f} "
            f"(cross entropy {losses.cross_entropy:.4f}, ranking {losses.ranking:.4f}), validation mAP "
            f"{_at_half(evaluation)}mean {100 * evaluation.mean:.1f} %; {losses.frames_per_second:,.0f} frames/s, "
            f"{left // 60:.0f}:{left % 60:02.0f} left",
            soft_wrap=True,
        )

    def scoring(self, subset: str) -> None:
        self._subset = subset
        self._console.print(f"scoring the {subset} split ...")

    def scored(self, done: int, total: int) -> None:
        if self._scored is None:
            self._scored = FrameProgress(self._console, f"scoring the {self._subset} split", self._progress)
        self._scored(done, total)
        if done == total:
            self._scored.close()
            self._scored = None


def _at_half(evaluation: Evaluation) -> str:
    values = dict(zip(evaluation.iou, evaluation.mean_ap.tolist(), strict=True))
    return f"{100 * values[0.5]:.1f} % at IoU 0.5, " if 0.5 in values else ""


def _result_table(metrics: SubsetMetrics) -> Table:
    """Return a row of all activities, and one with 3/10 of each observed, where that was measured."""
    # It needs NumPy, which `train --keys` and `train --help` do without.
    from crescendo.trainables.evaluation.metric_keys import number_key

    table = Table()
    table.add_column("")
    for threshold in metrics.evaluation.iou:
        table.add_column(number_key(threshold), justify="right")
    table.add_column("mean", justify="right")
    rows = {"detection": metrics.evaluation}
    if metrics.early is not None:
        parts = zip(map(number_key, metrics.early.fractions), metrics.early.evaluations, strict=True)
        rows |= {
            f"{100 * float(fraction):g} % observed": evaluation for fraction, evaluation in parts if fraction == "0.30"
        }
    for name, evaluation in rows.items():
        percent = [100 * value for value in evaluation.mean_ap.tolist()]
        table.add_row(name, *(f"{value:.1f}" for value in percent), f"{sum(percent) / len(percent):.1f}")
    return table


def _key_table() -> Table:
    table = Table(title="settings of a training run", title_justify="left")
    for column in ("key", "default", "meaning"):
        table.add_column(column, overflow="fold")
    for key, field in TrainingConfig.model_fields.items():
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        table.add_row(key, str(default), field.description or "")
    return table
