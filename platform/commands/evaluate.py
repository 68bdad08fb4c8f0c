"""`crescendo evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from crescendo.platform.commands.evaluate_files import (
    ZERO_OVER_ZERO,
    evaluate_files,
    matching_rule,
    parse_thresholds,
    print_evaluation,
    tie_order,
)
from crescendo.platform.commands.evaluate_frames import (
    evaluate_predictions,
    frame_truth,
    print_segmental,
    run_results,
    segmental_json,
)
from crescendo.platform.commands.online_display import online_results, print_online
from crescendo.platform.commands.options import AllowPlugin
from crescendo.platform.terminal_text import json_text, say
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS

PAPER_IOU = ["0.1:0.8:0.1"]
SEGMENTAL = "segmental"
METRICS = ("mAP", SEGMENTAL)

GroundTruth = Annotated[Path | None, typer.Option(help="Annotations in ActivityNet's format, .json or .json.gz.")]
Detections = Annotated[Path | None, typer.Option(help="Detections in ActivityNet's result format, .json or .json.gz.")]
Subset = Annotated[str | None, typer.Option(help="Subset to score, such as validation.")]
Protocol = Annotated[
    str | None,
    typer.Option(
        metavar=f"<{'|'.join(PROTOCOLS)}|MODULE:RULE>",
        help="Rule by which detections match ground truth; MODULE:RULE is your own.",
        show_default=DEFAULT_PROTOCOL,
    ),
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        help="IoU threshold, or a range FIRST:LAST:STEP with both ends; may be repeated.",
        show_default=PAPER_IOU[0],
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, fractions of 1.")]
Clip = Annotated[
    bool, typer.Option("--clip", help="Cut ground truth to its recording instead of refusing what lies outside.")
]
ZeroOverZero = Annotated[
    bool,
    typer.Option(
        "--zero-over-zero",
        help=f"{ZERO_OVER_ZERO}: a detection without length hits ground truth without length, as in the official scorer.",
    ),
]
Online = Annotated[
    Path | None,
    typer.Option(help="A training run's folder: per-frame AP and early warning, in place of detections."),
]
TrainedOn = Annotated[
    Path | None,
    typer.Option(
        help="Prepared data set. online, run: the run's own, to compute anew; segmental: in place of --ground-truth."
    ),
]
TieOrder = Annotated[
    str | None,
    typer.Option(
        metavar="<fixed|file>",
        help="Order of detections with equal scores: by recording, start and end; or the file's, as official scorers have it.",
        show_default="fixed",
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar=f"<{'|'.join(METRICS)}>",
        help="mAP of detections; segmental: frame accuracy, edit score, F1@10, 25 and 50 of a label for each frame.",
        show_default=METRICS[0],
    ),
]
Predictions = Annotated[
    Path | None,
    typer.Option(help="segmental: folder of predicted label vectors, a file a recording (.txt, .npy, .csv, .mat ...)."),
]
Run = Annotated[Path | None, typer.Option(help="segmental: a training run's folder, in place of predictions.")]
Fps = Annotated[float | None, typer.Option(help="segmental: labels a second, with --ground-truth.")]
LabelKey = Annotated[str, typer.Option(help="segmental: column or variable of the labels, where a file has several.")]
Mapping = Annotated[
    str,
    typer.Option(
        help="segmental: file, in PREDICTIONS or elsewhere, with a number and a label a line; default: mapping.txt, if there."
    ),
]
Background = Annotated[
    list[str] | None,
    typer.Option(help="segmental: predicted label that means that nothing happens; may be repeated."),
]
KeepBackground = Annotated[
    bool,
    typer.Option("--keep-background", help="segmental: edit score and F1 of background's segments, too."),
]
Alarms = Annotated[
    list[str] | None,
    typer.Option(
        "--alarm",
        metavar="rate=N/h",
        help="online: false alarms an hour and label that thresholds are chosen for; may be repeated.",
    ),
]


def evaluate(
    *,
    ground_truth: GroundTruth = None,
    detections: Detections = None,
    subset: Subset = None,
    protocol: Protocol = None,
    iou: Thresholds = None,
    json_output: Json = False,
    clip: Clip = False,
    zero_over_zero: ZeroOverZero = False,
    online: Online = None,
    dataset: TrainedOn = None,
    alarms: Alarms = None,
    ties: TieOrder = None,
    metrics: Metrics = None,
    predictions: Predictions = None,
    run: Run = None,
    fps: Fps = None,
    label_key: LabelKey = "",
    mapping: Mapping = "",
    background: Background = None,
    keep_background: KeepBackground = False,
    allow_plugin: AllowPlugin = False,
) -> None:
    """Score detections (mAP at each IoU threshold, AP of each label), frame labels (segmental), or a run while it watches."""
    of_map = {"--protocol": protocol, "--iou": iou, "--zero-over-zero": zero_over_zero, "--ties": ties}
    of_labels = {
        "--predictions": predictions, "--fps": fps, "--label-key": label_key, "--mapping": mapping,
        "--background": background,
    }  # fmt: skip
    of_files = {"--ground-truth": ground_truth, "--detections": detections, "--clip": clip}
    of_segmental = {**of_labels, "--run": run, "--keep-background": keep_background}
    if metrics not in (None, *METRICS):
        raise InputError(f"--metrics {metrics}: must be one of {', '.join(METRICS)}")
    if metrics == SEGMENTAL:
        _refuse({**of_map, "--online": online, "--alarm": alarms}, f"does not belong to --metrics {SEGMENTAL}")
        if run is not None:
            _refuse({**of_labels, **of_files}, "belongs to files, not to --run; leave one of the two out")
            scored, found = run_results(run, subset, dataset, allow_plugin=allow_plugin)
        else:
            _refuse({"--allow-plugin": allow_plugin}, "belongs to --run RUN")
            scored = str(subset)
            truth = frame_truth(ground_truth, dataset, subset, fps, clip=clip)
            found = evaluate_predictions(
                truth, predictions, detections, label_key=label_key, mapping=mapping, background=background
            )
        if json_output:
            _print_json(segmental_json(scored, found, background=keep_background))
        else:
            print_segmental(scored, found, background=keep_background)
        return
    _refuse(of_segmental, f"belongs to --metrics {SEGMENTAL}")
    if online is not None:
        _refuse({**of_files, **of_map}, "belongs to detections in files, not to --online; leave one of the two out")
        figures = online_results(online, subset, alarms or [], dataset, allow_plugin=allow_plugin)
        if json_output:
            _print_json(figures.to_json())
        else:
            print_online(figures)
        return
    _refuse({"--dataset": dataset, "--alarm": alarms, "--allow-plugin": allow_plugin}, "belongs to --online RUN")
    evaluation, extent = evaluate_files(
        *_given(ground_truth, detections, subset),
        matching_rule(protocol or DEFAULT_PROTOCOL, zero_over_zero=zero_over_zero),
        parse_thresholds(iou or PAPER_IOU),
        clip=clip,
        zero_over_zero=zero_over_zero,
        ties=tie_order(ties),
    )
    if json_output:
        _print_json({**evaluation.to_json(), **({"ties": extent.to_json()} if extent.worth_saying.any() else {})})
    else:
        print_evaluation(evaluation, extent)


def _given(ground_truth: Path | None, detections: Path | None, subset: str | None) -> tuple[Path, Path, str]:
    """Return what `evaluate` needs of files; `InputError` naming the first option that is missing."""
    if ground_truth is None or detections is None or subset is None:
        needed = {"--ground-truth": ground_truth, "--detections": detections, "--subset": subset}
        missing = next(name for name, value in needed.items() if value is None)
        raise InputError(f"{missing}: is missing; see `crescendo evaluate --help`")
    return ground_truth, detections, subset


def _refuse(options: dict[str, Any], reason: str) -> None:
    """Raise `InputError` with `reason` if one of `options` was given."""
    for name, value in options.items():
        if value:
            raise InputError(f"{name}: {reason}")


def _print_json(content: dict[str, Any]) -> None:
    say(json_text(content, indent=2))
