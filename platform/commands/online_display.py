"""`crescendo evaluate --online`: a training run's per-frame precision and early warning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early_warning import RATES, alarm_thresholds, parse_rate, rate_key
from crescendo.trainables.evaluation.online import online_detection
from crescendo.trainables.evaluation.protocols import PROTOCOLS
from crescendo.trainables.evaluation.span_scores import span_scores
from crescendo.trainables.files import read_json
from crescendo.trainables.inference.decoded_subset import decode_subset


def online_results(run: Path, subset: str | None, options: Sequence[str], dataset: Path | None) -> dict[str, Any]:
    """Return what `OnlineDetection.to_json` does of a split of a run, and the split as `subset`.

    Parameters
    ----------
    run
        What `crescendo train --output` wrote.
    subset
        Default: test if the run was scored on it, else validation.
    options
        Rates such as `rate=1/h`. Default: those that the run chose thresholds for.
    dataset
        What the run was trained on. With it everything is computed again from the stored frame scores, for any rate;
        without it the run's own figures are returned.

    Raises
    ------
    InputError
        If the run is unfinished or damaged, was scored on another data set or not on `subset`, or its own figures lack
        a rate.
    """
    if not (run / "metrics.json").is_file():
        raise InputError(f"{run}: holds no metrics.json; name the folder of a finished `crescendo train --output`")
    metrics = read_json(run / "metrics.json")
    scored = [name for name in ("test", "validation") if name in metrics]
    chosen = subset or (scored[0] if scored else "test")
    if chosen not in scored:
        raise InputError(f"--subset {chosen}: {run} was scored on {', '.join(sorted(scored)) or 'no split'} alone")
    rates = [parse_rate(option) for option in options]
    measured = (
        _stored(run, metrics[chosen], rates)
        if dataset is None
        else _computed(run, metrics, chosen, rates or RATES, Dataset(dataset))
    )
    return {"subset": chosen, **measured}


def _stored(run: Path, result: Mapping[str, Any], rates: Sequence[float]) -> dict[str, Any]:
    if "online" not in result:
        raise InputError(f"{run}: was trained by a version without online metrics; pass --dataset to compute them now")
    kept = result["online"]["alarms"]
    lacking = [rate_key(rate) for rate in rates if rate_key(rate) not in kept]
    if lacking:
        raise InputError(
            f"--alarm rate={lacking[0]}: the run has thresholds for {', '.join(kept)}; pass --dataset to choose others"
        )
    return {**result["online"], "alarms": {rate: kept[rate] for rate in map(rate_key, rates)} if rates else kept}


def _computed(
    run: Path, metrics: Mapping[str, Any], subset: str, rates: Sequence[float], dataset: Dataset
) -> dict[str, Any]:
    if metrics["dataset"]["content_hash"] != dataset.content_hash:
        raise InputError(
            f"--dataset {dataset.path}: is not the one {run} was trained on ({metrics['dataset']['name']}, content hash "
            f"{metrics['dataset']['content_hash'][:12]}, not {dataset.content_hash[:12]})"
        )
    scores = {}
    for name in {"validation", subset}:
        if not (run / "scores" / f"{name}.arrow").is_file():
            raise InputError(
                f"{run}: keeps no frame scores of all {name} recordings, as `crescendo train --output` does; leave "
                "--dataset out to see what was measured"
            )
        store = FrameStore([run / "scores" / f"{name}.arrow"])
        scores[name] = {recording: store[recording] for recording in store.recordings}
    gap = int(metrics["merge_gap"])
    decoded = {name: decode_subset(dataset, name, found, [gap]) for name, found in scores.items()}
    spans = {name: span_scores(one) for name, one in decoded.items()}
    alarms = alarm_thresholds(spans["validation"], rates)
    rule = PROTOCOLS.resolve(metrics["config"]["protocol"])
    return online_detection(decoded[subset], spans[subset], alarms, rule).to_json()


def print_online(measured: Mapping[str, Any]) -> None:
    """Print per-frame precision by label, and a row for each rate of false alarms."""
    console = Console()
    labels = Table("label", "AP (%)", "cAP (%)", title="per-frame precision", title_justify="left")
    for label, one in measured["frame_AP"].items():
        labels.add_row(label, _percent(one["AP"]), _percent(one["cAP"]))
    labels.add_section()
    labels.add_row("mean", _percent(measured["frame_mAP"]), _percent(measured["frame_cAP"]), style="bold")
    console.print(labels)
    table = Table(title="early warning", title_justify="left")
    table.add_column("allowed\na label")
    heads = (
        "false\nalarms/h",
        "detected\n(%)",
        "seen (%)\nmedian",
        "seen (%)\n90 %",
        "if detected\nmedian",
        "if detected\n90 %",
    )
    for head in heads:
        table.add_column(head, justify="right")
    for rate, one in measured["alarms"].items():
        seen = [part[key] for part in (one["seen"], one["seen_if_detected"]) for key in ("median", "quantile_90")]
        table.add_row(
            rate,
            f"{one['false_alarms_per_hour']:.1f}",
            _percent(one["detected"]),
            *("never" if value is None else _percent(value) for value in seen),
        )
    console.print(table)
    segments = next(iter(measured["alarms"].values()))["segments"]
    console.print(
        f"{measured['subset']} split: {measured['hours']:.2f} hours, {segments} activities, {len(measured['frame_AP'])} "
        "labels. Thresholds were chosen on validation for each label by itself; false alarms are those of all labels "
        "together. Seen: the part of an activity that has passed when its alarm goes off; never: it did not for so many.",
        highlight=False,
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
