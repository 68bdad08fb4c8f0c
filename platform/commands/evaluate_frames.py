"""`crescendo evaluate --metrics segmental`: frame labels of a file, of detections or of a run against the annotated ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from crescendo.platform.commands.evaluate_files import found_detections, read_truth, say_silent
from crescendo.platform.commands.finished_run import RunFolder
from crescendo.platform.terminal_text import say_note, terminal_console
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.frame_predictions import (
    FrameLabels,
    evaluate_frames,
    labels_of_detections,
    read_predictions,
    truth_of_annotations,
    truth_of_dataset,
)
from crescendo.trainables.evaluation.segmental import OVERLAPS, SegmentalMetrics, segmental_of_decoded
from crescendo.trainables.plurals import counted


def frame_truth(
    ground_truth: Path | None, dataset: Path | None, subset: str | None, fps: float | None, *, clip: bool
) -> FrameLabels:
    """Return the annotated labels of frames: of a prepared data set, or of an annotation file at `fps` frames a second.

    Raises
    ------
    InputError
        If not exactly one of the two is given, or what belongs to it is missing.
    """
    if (ground_truth is None) == (dataset is None):
        raise InputError("--ground-truth: segmental measures need either it, with --fps, or --dataset")
    if subset is None:
        raise InputError("--subset: is missing; see `crescendo evaluate --help`")
    if dataset is not None:
        if fps is not None or clip:
            raise InputError(f"--{'clip' if fps is None else 'fps'}: belongs to --ground-truth; a data set has its own")
        return truth_of_dataset(Dataset(dataset), subset)
    if fps is None or ground_truth is None:
        raise InputError("--fps: is missing; how many labels a second are there? (or name a prepared --dataset)")
    if fps <= 0:
        raise InputError(f"--fps {fps:g}: must be more than 0")
    annotations = read_truth(ground_truth, clip=clip)
    try:
        return truth_of_annotations(annotations, subset, fps)
    except InputError as error:
        raise InputError(f"{ground_truth}: {error}") from None


def evaluate_predictions(
    truth: FrameLabels,
    predictions: Path | None,
    detections: Path | None,
    *,
    label_key: str,
    mapping: str,
    background: Sequence[str] | None,
) -> SegmentalMetrics:
    """Score vectors of labels, or detections, against `truth`; say on standard error what was left out or cut.

    Raises
    ------
    InputError
        If not exactly one of the two is given, or files are missing, damaged or do not fit.
    """
    if (predictions is None) == (detections is None):
        raise InputError("--predictions: segmental measures need either it, a folder of label vectors, or --detections")
    if predictions is not None:
        found = read_predictions(predictions, truth, label_key=label_key, mapping=mapping, background=background)
        for note in found.notes:
            say_note(f"{predictions}: {note}")
        return evaluate_frames(truth, found)
    if label_key or mapping or background:
        raise InputError("--label-key, --mapping, --background: belong to --predictions")
    listed = found_detections(Path(str(detections)), truth.labels)
    say_silent(truth.of, listed, Path(str(detections)))
    outside = sum(len(some) for name, some in listed.items() if name not in truth.of)
    if outside:
        say_note(f"{detections}: left out {counted(outside, 'detection')}, on recordings outside the subset")
    return evaluate_frames(truth, labels_of_detections(listed, truth))


def run_results(
    run: Path, subset: str | None, dataset: Path | None, *, allow_plugin: bool
) -> tuple[str, SegmentalMetrics]:
    """Return a split of a run and what it measured there; with `dataset`, what its stored frame scores give.

    Raises
    ------
    InputError
        As `RunFolder`, or if the run was trained by a version without segmental measures and `dataset` is None.
    """
    folder = RunFolder(run)
    chosen = folder.subset(subset)
    if dataset is not None:
        rule = folder.rule(allow_plugin=allow_plugin)
        return chosen, segmental_of_decoded(folder.decoded(chosen, Dataset(dataset)), rule)
    found = folder.metrics(chosen).segmental
    if found is None:
        raise InputError(
            f"{run}: was trained by a version without segmental measures; pass --dataset to compute them now"
        )
    return chosen, found


def segmental_json(subset: str, found: SegmentalMetrics, *, background: bool) -> dict[str, Any]:
    """Return what `--json` prints, fractions of 1."""
    content = found.to_json()
    scores = found.with_background if background else found.scores
    return {
        "subset": subset,
        "background": "kept" if background else "left out",
        "accuracy": content["accuracy"],
        **scores.to_json(),
        "confusion": content["confusion"],
    }


def print_segmental(subset: str, found: SegmentalMetrics, *, background: bool) -> None:
    """Print the measures in percent, and of each label how many of its frames are right and what most others are taken for."""
    console = terminal_console()
    scores = found.with_background if background else found.scores
    table = Table(
        "accuracy", "edit", *(f"F1@{100 * overlap:g}" for overlap in OVERLAPS), title="segmental measures (%)"
    )
    for column in table.columns:
        column.justify = "right"
    table.add_row(*(f"{100 * value:.1f}" for value in (found.accuracy, scores.edit, *scores.f1)))
    console.print(table)
    console.print(_by_label(found))
    kept = (
        "background is a segment like others" if background else "background is no segment (--keep-background: it is)"
    )
    console.print(f"{subset} split: {counted(found.confusion.sum(), 'frame')}; {kept}.")


def _by_label(found: SegmentalMetrics) -> Table:
    table = Table("label", title="frames by true label", title_justify="left")
    for head in ("frames", "right (%)"):
        table.add_column(head, justify="right")
    table.add_column("most often taken for")
    for number, label in enumerate(found.labels):
        row = found.confusion[number]
        if frames := int(row.sum()):
            wrong = row.copy()
            wrong[number] = 0
            other = int(wrong.argmax())
            taken = f"{found.labels[other]} ({100 * wrong[other] / frames:.1f} %)" if wrong[other] else "-"
            table.add_row(label, f"{frames:,}", f"{100 * row[number] / frames:.1f}", taken)
    return table
