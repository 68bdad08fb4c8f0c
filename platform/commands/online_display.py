"""`crescendo evaluate --online`: a run's per-frame precision and early warning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from crescendo.platform.commands.finished_run import RunFolder
from crescendo.platform.terminal_text import terminal_console
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.calibration import Calibration, calibrations, remarks
from crescendo.trainables.evaluation.early_warning import RATES, alarm_thresholds, parse_rate, rate_key
from crescendo.trainables.evaluation.online import OnlineDetection, online_detection
from crescendo.trainables.evaluation.protocols import MatchingRule
from crescendo.trainables.evaluation.rate_interval import rate_interval
from crescendo.trainables.evaluation.span_scores import span_scores
from crescendo.trainables.plurals import counted


@dataclass(frozen=True)
class OnlineFigures:
    """How a run's model does on the split `subset` while it watches; `calibrations`: of its rates, where that is known."""

    subset: str
    online: OnlineDetection
    calibrations: Mapping[str, Calibration]

    def interval(self, rate: str) -> tuple[float, float]:
        """Return the 95 % interval of the false alarms an hour that thresholds for `rate` lead to."""
        return rate_interval(self.online.warnings[rate].false_alarms, self.online.hours)

    def to_json(self) -> dict[str, Any]:
        """Return what `OnlineDetection.to_json` does, with `calibration` and the interval for each rate."""
        content: dict[str, Any] = {"subset": self.subset, **self.online.to_json()}
        for rate, figures in content["alarms"].items():
            figures["false_alarms_per_hour_interval"] = list(self.interval(rate))
            if rate in self.calibrations:
                figures["calibration"] = self.calibrations[rate].to_json()
        return content


def online_results(
    run: Path, subset: str | None, options: Sequence[str], dataset: Path | None, *, allow_plugin: bool
) -> OnlineFigures:
    """Return how a run's model does on a split while it watches, and what its alarm thresholds rest on.

    Parameters
    ----------
    run
        What `crescendo train --output` wrote, or the outputs of a confirmed trial.
    subset
        Default: test if the run was scored on it, else validation.
    options
        Rates such as `rate=1/h`. Default: those that the run chose thresholds for.
    dataset
        What the run was trained on. With it everything is computed again from the stored frame scores, for any rate;
        without it the run's own figures are returned.
    allow_plugin
        Whether a matching rule that does not come with Crescendo may be imported, where the run names one and `dataset`
        is given.

    Raises
    ------
    InputError
        If the run is unfinished or damaged, was scored on another data set or not on `subset`, its own figures lack a
        rate, or its matching rule is not allowed or cannot be imported.
    """
    folder = RunFolder(run)
    chosen = folder.subset(subset)
    rates = [parse_rate(option) for option in options]
    if dataset is None:
        thresholds, hours = folder.alarms()
        known = {} if hours is None else calibrations(thresholds, hours)
        return OnlineFigures(chosen, _stored(folder, chosen, rates), known)
    return _computed(folder, chosen, rates or RATES, Dataset(dataset), folder.rule(allow_plugin=allow_plugin))


def _stored(run: RunFolder, subset: str, rates: Sequence[float]) -> OnlineDetection:
    online = run.metrics(subset).online
    if online is None:
        raise InputError(
            f"{run.path}: was trained by a version without online metrics; pass --dataset to compute them now"
        )
    kept = online.warnings
    lacking = [rate_key(rate) for rate in rates if rate_key(rate) not in kept]
    if lacking:
        raise InputError(
            f"--alarm rate={lacking[0]}: the run has thresholds for {', '.join(kept)}; pass --dataset to choose others"
        )
    return replace(online, warnings={rate: kept[rate] for rate in map(rate_key, rates)}) if rates else online


def _computed(
    run: RunFolder, subset: str, rates: Sequence[float], dataset: Dataset, rule: MatchingRule
) -> OnlineFigures:
    validation = run.decoded("validation", dataset)
    decoded = validation if subset == "validation" else run.decoded(subset, dataset)
    spans = span_scores(validation)
    alarms = alarm_thresholds(spans, rates)
    online = online_detection(decoded, span_scores(decoded), alarms, rule)
    return OnlineFigures(subset, online, calibrations(alarms, spans.hours))


def print_online(figures: OnlineFigures) -> None:
    """Print per-frame precision by label, and a row for each rate of false alarms."""
    console, online = terminal_console(), figures.online
    console.print(_precision_table(online))
    console.print(_warning_table(figures))
    if any(warning.classification is not None for warning in online.warnings.values()):
        console.print(_classification_table(online))
    segments = next(iter(online.warnings.values())).segments
    console.print(
        f"{figures.subset} split: {online.hours:.2f} hours, {counted(segments, 'activity')}, "
        f"{counted(len(online.frame.labels), 'label')}. Rate: false alarms an hour that thresholds, chosen on validation for "
        "each label by itself, keep to there; validation: how many of a label that allowed. False alarms: of all labels "
        "together, with the exact 95 % interval of a Poisson count. Det.: activities announced while they last. Seen: the part "
        "of an activity, in percent, that has passed when its alarm goes off, median and 90 % quantile; never: it did not for "
        "so many.",
    )
    for remark in remarks({rate: one for rate, one in figures.calibrations.items() if rate in online.warnings}):
        console.print(remark)


def _precision_table(online: OnlineDetection) -> Table:
    frame = online.frame
    table = Table("label", "AP (%)", "cAP (%)", title="per-frame precision", title_justify="left")
    for label, ap, cap in zip(frame.labels, frame.ap.tolist(), frame.cap.tolist(), strict=True):
        table.add_row(label, _percent(ap), _percent(cap))
    table.add_section()
    table.add_row("mean", _percent(frame.mean_ap), _percent(frame.mean_cap), style="bold")
    return table


def _warning_table(figures: OnlineFigures) -> Table:
    table = Table(title="early warning", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    heads = ("rate\na label", "vali-\ndation", "false\nalarms/h", "95 %\ninterval", "det.\n(%)")
    for number, head in enumerate((*heads, "seen\n50 %", "seen\n90 %", "if det.\n50 %", "if det.\n90 %")):
        table.add_column(head, justify="right" if number else "left", no_wrap=True)
    for rate, warning in figures.online.warnings.items():
        quantiles = (warning.observed_fraction, warning.observed_fraction_if_detected)
        seen = [value for part in quantiles for value in (part.median, part.quantile_90)]
        found = figures.calibrations.get(rate)
        low, high = figures.interval(rate)
        table.add_row(
            f"{rate}{'' if found is None else _marks(found)}",
            "" if found is None else str(found.allowed),
            f"{warning.false_alarms_per_hour:.1f}",
            f"{low:.1f}-{high:.1f}",
            _percent(warning.detected),
            *("never" if value is None else _percent(value) for value in seen),
        )
    if marks := _legend(figures.calibrations):
        table.caption, table.caption_justify = marks, "left"
    return table


def _classification_table(online: OnlineDetection) -> Table:
    table = Table(title="first alarms as early classification (%)", title_justify="left", box=SIMPLE_HEAD)
    for number, head in enumerate(("rate a label", "accuracy", "earliness", "cost, mean over alpha")):
        table.add_column(head, justify="right" if number else "left")
    for rate, warning in online.warnings.items():
        if (found := warning.classification) is not None:
            table.add_row(rate, *(_percent(value) for value in (found.accuracy, found.earliness, found.mean_cost)))
    table.caption = "cost: (1 - accuracy) + alpha x earliness, alpha from 0 to 1; of no alarm: wrong, at the end"
    table.caption_justify = "left"
    return table


def _marks(found: Calibration) -> str:
    """Return `*` for thresholds that are not calibrated, `=` for those of a lower rate."""
    return f"{'' if found.calibrated else ' *'}{'' if found.same_as is None else ' ='}"


def _legend(found: Mapping[str, Calibration]) -> str:
    unsure = ["* not calibrated"] if not all(one.calibrated for one in found.values()) else []
    same = ["= the thresholds of a lower rate"] if any(one.same_as is not None for one in found.values()) else []
    return "; ".join([*unsure, *same])


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
