"""`crescendo evaluate` of detections in files: mAP at each IoU threshold, and AP of each label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.table import Table

from crescendo.platform.terminal_text import say_note, terminal_console
from crescendo.trainables.data.annotations import Annotations, Recording, listed, read_annotations
from crescendo.trainables.data.label_blanks import trimmed
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.matching import Ties
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_detections
from crescendo.trainables.evaluation.protocols import PROTOCOLS, MatchingRule
from crescendo.trainables.evaluation.result_format import Detection, detections_and_notes
from crescendo.trainables.evaluation.ties import TieRange, tie_range_of_detections
from crescendo.trainables.plurals import counted

_THRESHOLDS = 1000
ZERO_OVER_ZERO = " or ".join(name for name, rule in PROTOCOLS.items() if rule.allows_zero_over_zero)


def evaluate_files(
    ground_truth: Path,
    detections: Path,
    subset: str,
    rule: MatchingRule,
    iou: list[float],
    *,
    clip: bool,
    zero_over_zero: bool,
    ties: Ties,
) -> tuple[Evaluation, TieRange]:
    """Score the detections of one file against the annotations of another; say on standard error what was left out.

    The range is that of mAP over all orders of detections with equal scores.

    `clip` cuts segments to their recording (`read_annotations`); the other options are those of `evaluate_detections`.

    Raises
    ------
    InputError
        If a file is missing or damaged, or they do not fit together; it names the file.
    """
    annotations = read_truth(ground_truth, clip=clip)
    found = found_detections(detections, annotations.labels())
    try:
        evaluation = evaluate_detections(
            annotations, subset, found, rule=rule, iou=iou, zero_over_zero=zero_over_zero, ties=ties
        )
        extent = tie_range_of_detections(annotations, subset, found, rule=rule, iou=iou, zero_over_zero=zero_over_zero)
    except InputError as error:
        raise InputError(f"{ground_truth}: {error}") from None
    scored = annotations.of(subset)
    _say_unheard(scored, found, detections)
    if evaluation.left_out:
        outside = sorted(name for name, some in found.items() if some and name not in scored)
        _note(
            detections,
            f"left out {counted(evaluation.left_out, 'detection')}, on recordings outside subset {subset!r}: "
            f"{counted(len(outside), 'recording')}, the first is {outside[0]!r}",
        )
    return evaluation, extent


def read_truth(ground_truth: Path, *, clip: bool) -> Annotations:
    """Return the annotations in a file; say on standard error what was read otherwise than it was written; `InputError`."""
    annotations, blanks = trimmed(read_annotations(ground_truth, clip=clip))
    _note(ground_truth, *annotations.notes, *blanks)
    return annotations


def found_detections(detections: Path, labels: Collection[str]) -> dict[str, list[Detection]]:
    """Return the detections in a file, of `labels`; say on standard error what was read otherwise; `InputError`."""
    found, notes = detections_and_notes(detections, labels)
    _note(detections, *notes)
    return found


def say_silent(scored: Collection[str], found: Mapping[str, Sequence[Detection]], detections: Path) -> None:
    """Say on standard error which recordings have no detections."""
    if silent := [name for name in scored if not found.get(name)]:
        of = counted(len(scored), "recording")
        _note(detections, f"has no detection on {len(silent)} of {of}: {listed(silent)}")


def _note(file: Path, *notes: str) -> None:
    for note in notes:
        say_note(f"{file}: {note}")


def _say_unheard(scored: Mapping[str, Recording], found: Mapping[str, Sequence[Detection]], detections: Path) -> None:
    """Say which recordings have no detections, and which detections are of labels that count nowhere in the subset."""
    say_silent(scored, found, detections)
    known = {segment.label for one in scored.values() for segment in one.segments}
    without = Counter(one.label for name in scored for one in found.get(name, ()) if one.label not in known)
    if without:
        told = listed([f"{label} ({count})" for label, count in sorted(without.items())])
        _note(detections, f"labels without a segment in the subset have no AP and count nowhere: {told}")


def matching_rule(protocol: str, *, zero_over_zero: bool) -> MatchingRule:
    """Return the rule that `--protocol` names; `InputError` if there is none, or it does not allow `--zero-over-zero`."""
    rule = PROTOCOLS.resolve(protocol)
    if zero_over_zero and not rule.allows_zero_over_zero:
        raise InputError(f"--zero-over-zero belongs to --protocol {ZERO_OVER_ZERO} but the protocol is {protocol}")
    return rule


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
            if (last - first) / step > _THRESHOLDS:
                raise InputError(f"--iou {option}: asks for more than {_THRESHOLDS:,} thresholds; take a larger STEP")
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


def tie_order(option: str | None) -> Ties:
    """Return the order of ties that `--ties` asks for; `InputError` if it is none."""
    if option in (None, "fixed"):
        return "fixed"
    if option == "file":
        return "file"
    raise InputError(f"--ties {option}: must be fixed or file")


def print_evaluation(evaluation: Evaluation, extent: TieRange) -> None:
    """Print a row of AP for each label, and mAP below, in percent; where ties move it, what it can be."""
    result = evaluation.to_json()
    table = Table("AP in %, at IoU", *result["mAP"])
    for label, row in result["AP"].items():
        table.add_row(label, *(f"{100 * value:.1f}" for value in row.values()))
    table.add_section()
    table.add_row("mAP", *(f"{100 * value:.1f}" for value in result["mAP"].values()), style="bold")
    said, exact = extent.worth_saying, extent.exact
    for name, sign, bound in (("lowest", "≥", extent.low), ("highest", "≤", extent.high)):
        if said.any():
            cells = zip(bound.tolist(), said.tolist(), exact.tolist(), strict=True)
            table.add_row(
                f"ties: {name}",
                *(f"{'' if sure else sign}{100 * value:.2f}" if shown else "" for value, shown, sure in cells),
            )
    console = terminal_console()
    console.print(table)
    console.print(f"mean mAP over {counted(len(result['mAP']), 'threshold')}: {100 * result['mAP_mean']:.2f} %")
    if said.any():
        console.print(
            "Some detections have equal scores. mAP counts them by recording, start and end (--ties file: as the file lists "
            "them); ties: the lowest and highest mAP that any order of theirs gives"
            f"{'' if exact[said].all() else ', at least or at most where no order that gives it was found'}."
        )
