"""`crescendo evaluate`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from crescendo.platform.commands.online_display import online_results, print_online
from crescendo.trainables.data.annotations import read_annotations
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.mean_ap import evaluate_detections
from crescendo.trainables.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS, MatchingRule
from crescendo.trainables.evaluation.result_format import read_detections

PAPER_IOU = ["0.1:0.8:0.1"]
ZERO_OVER_ZERO = " or ".join(name for name, rule in PROTOCOLS.items() if rule.allows_zero_over_zero)


def evaluate(
    *,
    ground_truth: Annotated[
        Path | None, typer.Option(help="Annotations in ActivityNet's format, .json or .json.gz.")
    ] = None,
    detections: Annotated[
        Path | None, typer.Option(help="Detections in ActivityNet's result format, .json or .json.gz.")
    ] = None,
    subset: Annotated[str | None, typer.Option(help="Subset to score, such as validation.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar=f"<{'|'.join(PROTOCOLS)}|MODULE:RULE>",
            help="Rule by which detections match ground truth; MODULE:RULE is your own.",
            show_default=DEFAULT_PROTOCOL,
        ),
    ] = None,
    iou: Annotated[
        list[str] | None,
        typer.Option(
            help="IoU threshold, or a range FIRST:LAST:STEP with both ends; may be repeated.",
            show_default=PAPER_IOU[0],
        ),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON, fractions of 1.")] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="Cut ground truth to its recording instead of refusing what lies outside.")
    ] = False,
    zero_over_zero: Annotated[
        bool,
        typer.Option(
            "--zero-over-zero",
            help=f"{ZERO_OVER_ZERO}: a detection without length hits ground truth without length, as in the official "
            "scorer.",
        ),
    ] = False,
    online: Annotated[
        Path | None,
        typer.Option(help="A training run's folder: per-frame AP and early warning, in place of detections."),
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="online: the run's prepared data set, to compute anew, for any --alarm.")
    ] = None,
    alarms: Annotated[
        list[str] | None,
        typer.Option(
            "--alarm",
            metavar="rate=N/h",
            help="online: false alarms an hour and label that thresholds are chosen for; may be repeated.",
        ),
    ] = None,
) -> None:
    """Score detections against ground truth (mAP at each IoU threshold, AP of each label), or a run while it watches."""
    offline = {
        "--ground-truth": ground_truth, "--detections": detections, "--protocol": protocol, "--iou": iou,
        "--clip": clip, "--zero-over-zero": zero_over_zero,
    }  # fmt: skip
    if online is not None:
        mixed = [name for name, value in offline.items() if value]
        if mixed:
            raise InputError(f"{mixed[0]}: belongs to detections in files, not to --online; leave one of the two out")
        _evaluate_online(online, subset, alarms or [], dataset, json_output=json_output)
        return
    for name, value in (("--dataset", dataset), ("--alarm", alarms)):
        if value:
            raise InputError(f"{name}: belongs to --online RUN")
    if ground_truth is None or detections is None or subset is None:
        needed = {"--ground-truth": ground_truth, "--detections": detections, "--subset": subset}
        missing = next(name for name, value in needed.items() if value is None)
        raise InputError(f"{missing}: is missing; see `crescendo evaluate --help`")
    rule = PROTOCOLS.resolve(protocol or DEFAULT_PROTOCOL)
    if zero_over_zero and not rule.allows_zero_over_zero:
        raise InputError(
            f"--zero-over-zero belongs to --protocol {ZERO_OVER_ZERO} but the protocol is {protocol or DEFAULT_PROTOCOL}"
        )
    _evaluate_files(
        ground_truth,
        detections,
        subset,
        rule,
        parse_thresholds(iou or PAPER_IOU),
        json_output=json_output,
        clip=clip,
        zero_over_zero=zero_over_zero,
    )


def _evaluate_online(
    run: Path, subset: str | None, alarms: list[str], dataset: Path | None, *, json_output: bool
) -> None:
    scored, online = online_results(run, subset, alarms, dataset)
    if json_output:
        _print_json({"subset": scored, **online.to_json()})
    else:
        print_online(scored, online)


def _evaluate_files(
    ground_truth: Path,
    detections: Path,
    subset: str,
    rule: MatchingRule,
    iou: list[float],
    *,
    json_output: bool,
    clip: bool,
    zero_over_zero: bool,
) -> None:
    annotations = read_annotations(ground_truth, clip=clip)
    found = read_detections(detections, annotations.labels())
    try:
        evaluation = evaluate_detections(annotations, subset, found, rule=rule, iou=iou, zero_over_zero=zero_over_zero)
    except InputError as error:
        raise InputError(f"{ground_truth}: {error}") from None
    if evaluation.left_out:
        scored = annotations.of(subset)
        outside = sorted(name for name, some in found.items() if some and name not in scored)
        typer.echo(
            f"note: {detections}: left out {evaluation.left_out} detections, on recordings outside subset {subset!r}: "
            f"{len(outside)} recordings, the first is {outside[0]!r}",
            err=True,
        )
    if json_output:
        _print_json(evaluation.to_json())
    else:
        _print_table(evaluation.to_json())


def parse_thresholds(options: list[str]) -> list[float]:
    """Return the thresholds of `--iou` options, rising and each once.

    Raises
    ------
    InputError
        If one is no number, no range FIRST:LAST:STEP, or not in (0, 1].
    """
    thresholds: set[float] = set()
    for option in options:
        try:
            numbers = [float(part) for part in option.split(":")]
            if len(numbers) == 1:
                thresholds.add(numbers[0])
                continue
            first, last, step = numbers
            if not (0 < first <= last <= 1 and step > 0):
                raise ValueError
            # Rounded, so that 0.1:0.8:0.1 holds 0.3 and not 0.30000000000000004.
            thresholds.update(
                round(first + number * step, 10) for number in range(int((last - first) / step + 1e-9) + 1)
            )
        except ValueError:
            raise InputError(
                f"--iou {option}: expected a number in (0, 1], or a range FIRST:LAST:STEP such as 0.5:0.95:0.05"
            ) from None
    outside = [threshold for threshold in thresholds if not 0 < threshold <= 1]
    if outside:
        raise InputError(f"--iou {outside[0]:g}: a threshold must lie in (0, 1]")
    return sorted(thresholds)


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def _print_table(result: dict[str, Any]) -> None:
    table = Table("AP in %, at IoU", *result["mAP"])
    for label, row in result["AP"].items():
        table.add_row(label, *(f"{100 * value:.1f}" for value in row.values()))
    table.add_section()
    table.add_row("mAP", *(f"{100 * value:.1f}" for value in result["mAP"].values()), style="bold")
    console = Console()
    console.print(table)
    console.print(f"mean mAP over {len(result['mAP'])} thresholds: {100 * result['mAP_mean']:.2f} %")
