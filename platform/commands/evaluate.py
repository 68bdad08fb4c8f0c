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
)
from crescendo.platform.commands.online_display import online_results, print_online
from crescendo.platform.commands.options import AllowPlugin
from crescendo.platform.terminal_text import json_text, say
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS

PAPER_IOU = ["0.1:0.8:0.1"]

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
    Path | None, typer.Option(help="online: the run's prepared data set, to compute anew, for any --alarm.")
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
    allow_plugin: AllowPlugin = False,
) -> None:
    """Score detections against ground truth (mAP at each IoU threshold, AP of each label), or a run while it watches."""
    if online is not None:
        of_files = {
            "--ground-truth": ground_truth, "--detections": detections, "--protocol": protocol, "--iou": iou,
            "--clip": clip, "--zero-over-zero": zero_over_zero,
        }  # fmt: skip
        _refuse(of_files, "belongs to detections in files, not to --online; leave one of the two out")
        figures = online_results(online, subset, alarms or [], dataset, allow_plugin=allow_plugin)
        if json_output:
            _print_json(figures.to_json())
        else:
            print_online(figures)
        return
    _refuse({"--dataset": dataset, "--alarm": alarms, "--allow-plugin": allow_plugin}, "belongs to --online RUN")
    evaluation = evaluate_files(
        *_given(ground_truth, detections, subset),
        matching_rule(protocol or DEFAULT_PROTOCOL, zero_over_zero=zero_over_zero),
        parse_thresholds(iou or PAPER_IOU),
        clip=clip,
        zero_over_zero=zero_over_zero,
    )
    if json_output:
        _print_json(evaluation.to_json())
    else:
        print_evaluation(evaluation)


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
