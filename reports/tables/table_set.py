"""Which tables a report has: ablation, early detection, search, labels, cost, provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crescendo.reports.analysis.report_model import ArmContent, Content, Difference, Estimate
from crescendo.reports.analysis.search import FEWEST_TRIALS
from crescendo.reports.numbers import measure_name, plain, points
from crescendo.reports.tables.formatting import NONE, count, difference, difference_cells, estimate, hourly
from crescendo.reports.tables.table import Cell, Table


def tables(content: Content) -> list[Table]:
    """Return the tables of a report; one of which nothing is known is absent."""
    made = [
        _ablation(content),
        _early(content),
        _observed(content),
        _online(content),
        _differences(content),
        _search(content),
        _labels(content),
        _cost(content),
        _provenance(content),
    ]
    return [table for table in made if table.rows]


def _ablation(content: Content) -> Table:
    return _by_iou(
        content,
        "ablation",
        "Ablation",
        f"Test mAP in percent by IoU threshold: mean over {_seeds(content)} and half the width of its 95 % interval "
        f"(Student's t).",
        lambda arm: arm.detection,
        lambda arm: arm.difference,
        lambda arm: arm.paper_detection,
    )


def _early(content: Content) -> Table:
    fraction = content.early_fraction or ""
    return _by_iou(
        content,
        "early_detection",
        f"Early detection, {_percent(fraction)} observed" if fraction else "Early detection",
        f"Test mAP in percent by IoU threshold with the first {_percent(fraction)} of every activity observed: mean over "
        f"{_seeds(content)} and half the width of its 95 % interval (Student's t).",
        lambda arm: arm.early.get(fraction, {}),
        lambda arm: arm.early_difference,
        lambda arm: arm.paper_early,
    )


def _by_iou(
    content: Content,
    name: str,
    title: str,
    caption: str,
    values: Callable[[ArmContent], Mapping[str, Estimate]],
    differences: Callable[[ArmContent], Mapping[str, Difference]],
    paper: Callable[[ArmContent], Mapping[str, float] | None],
) -> Table:
    arms = [arm for arm in content.arms if values(arm)]
    keys = [key for key in (*content.iou, "mean") if arms and all(key in values(arm) for arm in arms)]
    best = {key: max(values(arm)[key].mean for arm in arms) for key in keys}
    compared = any(differences(arm) for arm in arms)
    rows = []
    for arm in arms:
        cells = [estimate(values(arm)[key], bold=values(arm)[key].mean == best[key]) for key in keys]
        tail = difference_cells(differences(arm).get(content.headline)) if compared else []
        rows.append((Cell(arm.name), *cells, *tail, Cell(_setting(arm.setting))))
        theirs = paper(arm)
        if theirs is not None:
            cells = [Cell(points(theirs[key]), 100 * theirs[key]) if key in theirs else NONE for key in keys]
            rows.append((Cell(f"{arm.name}, in the paper"), *cells, *[NONE] * (4 if compared else 1)))
    heads = ["Arm", *(f"{float(key):g}" if key != "mean" else key for key in keys)]
    if compared:
        caption = f"{caption} {_difference_caption(content)}"
        heads += [f"Difference, {measure_name(content.headline)}", "p (Holm)", "Smallest detectable"]
    return Table(name, title, caption, (*heads, "Best setting"), tuple(rows))


def _observed(content: Content) -> Table:
    iou = content.label_iou or ""
    arms = [arm for arm in content.arms if arm.early]
    rows = []
    for fraction in content.fractions if arms else ():
        found = [arm.early.get(fraction, {}).get(iou) for arm in arms]
        best = max((one.mean for one in found if one), default=None)
        rows.append(
            (Cell(_percent(fraction)), *(estimate(one, bold=one.mean == best) if one else NONE for one in found))
        )
    return Table(
        "observed_fraction",
        f"Early detection by observed fraction, IoU {_short(iou)}",
        f"Test mAP in percent at IoU {_short(iou)} by the observed part of every activity: mean over {_seeds(content)} and "
        "half the width of its 95 % interval (Student's t).",
        ("Observed", *(arm.name for arm in arms)),
        tuple(rows),
    )


def _online(content: Content) -> Table:
    arms = [arm for arm in content.arms if arm.frame]
    rate = min(arms[0].alarms, key=lambda key: abs(float(key.removesuffix("/h")) - 1)) if arms else ""
    rows = []
    for arm in arms:
        found = arm.alarms.get(rate, {})
        alarms = [found.get(key) for key in ("detected", "seen_median", "seen_quantile_90", "seen_median_if_detected")]
        false = found.get("false_alarms_per_hour")
        rows.append(
            (
                Cell(arm.name),
                *(
                    estimate(arm.frame[key], bold=arm.frame[key].mean == max(one.frame[key].mean for one in arms))
                    for key in ("mAP", "cAP")
                ),
                *(estimate(one) if one else Cell("not reached") for one in alarms),
                NONE if false is None else hourly(false),
            )
        )
    return Table(
        "online",
        f"Online: frame by frame, and early warning at {rate.removesuffix('/h')} false alarm an hour and label",
        "Per-frame average precision of the test split, mean over labels, in percent: mAP, and mAP calibrated for how rare "
        "each label is (cAP). Early warning: alarm thresholds are chosen on the validation split so that no label has more "
        f"than {rate.removesuffix('/h')} false alarm an hour there; on test, the share of activities announced while they go "
        "on and the part of an activity seen by then (median and 90 % quantile over all activities, missed ones counted as "
        "never seen, and median over those announced), in percent, and the false alarms an hour of all labels together. Mean "
        f"over {_seeds(content)} and half the width of its 95 % interval (Student's t), over seeds alone.",
        (
            "Arm",
            "Frame mAP",
            "Frame cAP",
            "Announced",
            "Seen, median",
            "Seen, 90 %",
            "Seen if announced",
            "False alarms/h",
        ),
        tuple(rows),
    )


def _differences(content: Content) -> Table:
    arms = [arm for arm in content.arms if arm.difference]
    measures = list(arms[0].difference) if arms else []
    rows = [
        (
            Cell(arm.name),
            Cell(what),
            *(difference(found.get(measure)) for measure in measures),
            Cell(f"{100 * improvement:.0f}", 100 * improvement),
        )
        for arm in arms
        for what, found in (("detection", arm.difference), ("early detection", arm.early_difference))
        if content.headline in found
        for improvement in [found[content.headline].improvement]
    ]
    return Table(
        "differences",
        "Differences to the baseline",
        f"Difference of test mAP to {content.baseline} in points, with its 95 % interval; * where Holm's correction over "
        "the arms, taken for each column by itself, leaves p at most 0.05. The last column is the probability that one "
        f"training beats the baseline's of the same seed, {measure_name(content.headline)}, in percent. Only "
        f"{measure_name(content.headline)} was chosen beforehand.",
        ("Arm", "Of", *(measure_name(measure) for measure in measures), "P(improvement)"),
        tuple(rows),
    )


def _search(content: Content) -> Table:
    rows = []
    for arm in content.arms:
        search = arm.search
        unfinished = search.counts["interrupted"] + search.counts["running"]
        objective = search.best_objective
        importances = search.importances or {}
        rows.append(
            (
                Cell(arm.name),
                *(count(search.counts[state]) for state in ("finished", "pruned", "failed")),
                count(unfinished),
                NONE if objective is None else Cell(points(objective), 100 * objective),
                NONE if search.lambda_r is None else Cell(plain(search.lambda_r), search.lambda_r),
                NONE if search.merge_gap is None else count(search.merge_gap),
                Cell(search.reset or "-"),
                Cell(", ".join(f"{key} {share:.2f}" for key, share in importances.items()) or "-"),
            )
        )
    return Table(
        "search",
        "Search",
        f"Trials of the search phase and the best of each arm by validation {measure_name(content.headline)} (percent); the "
        "merge gap is in frames. Importance is the share of the objective's variance that a setting explains (fANOVA over "
        f"the finished trials; none with fewer than {FEWEST_TRIALS} of them or fewer than two settings).",
        (
            "Arm",
            "Finished",
            "Pruned",
            "Failed",
            "Unfinished",
            "Best validation mAP",
            "lambda_r",
            "Merge gap",
            "Reset",
            "Importances",
        ),
        tuple(rows),
    )


def _labels(content: Content) -> Table:
    arms = [arm for arm in content.arms if arm.labels]
    rows = []
    for label in content.labels if arms else ():
        cells: list[Cell] = [Cell(label)]
        for arm in arms:
            cells.append(estimate(arm.labels[label]) if label in arm.labels else NONE)
            if not arm.baseline:
                cells.append(estimate(arm.gain[label], sign=True) if label in arm.gain else NONE)
        rows.append(tuple(cells))
    iou = _short(content.label_iou or "")
    heads = [head for arm in arms for head in ((arm.name,) if arm.baseline else (arm.name, f"{arm.name}, gain"))]
    return Table(
        "per_label",
        f"AP of each label, IoU {iou}",
        f"Test AP in percent at IoU {iou}: mean over {_seeds(content)} and half the width of its 95 % interval (Student's t). "
        f"Gain: over {content.baseline}, in points, paired by seed. Intervals are of single labels, not corrected for their "
        "number.",
        ("Label", *heads),
        tuple(rows),
    )


def _cost(content: Content) -> Table:
    costs = [one for one in content.costs if one.trainings]
    rows = [
        _cost_row(one.arm, one.trainings, one.search_hours, one.confirm_hours, one.cpu_hours, one.gpu_hours, one.saved)
        for one in costs
    ]
    if len(costs) > 1:
        rows.append(
            _cost_row(
                "all",
                sum(one.trainings for one in costs),
                sum(one.search_hours for one in costs),
                sum(one.confirm_hours for one in costs),
                _sum([one.cpu_hours for one in costs]),
                _sum([one.gpu_hours for one in costs]),
                sum(one.saved for one in costs),
            )
        )
    return Table(
        "cost",
        "Cost",
        "Trainings of both phases, pruned and failed ones too, and hours of the trials' clock; CPU and GPU hours are those "
        "times what each trial was given. Saved: the combinations of reset and merge gap that were tried on stored scores "
        "beyond the first of each finished search trial, each of which would have been a training.",
        ("Arm", "Trainings", "Search hours", "Confirm hours", "CPU hours", "GPU hours", "Trainings saved"),
        tuple(rows),
    )


def _cost_row(
    arm: str, trainings: int, search: float, confirm: float, cpu: float | None, gpu: float | None, saved: int
) -> tuple[Cell, ...]:
    hours = [NONE if one is None else Cell(plain(float(one)), one) for one in (search, confirm, cpu, gpu)]
    return (Cell(arm), count(trainings), *hours, count(saved))


def _provenance(content: Content) -> Table:
    rows = []
    for study in content.studies:
        of = f"{study.name}: " if len(content.studies) > 1 else ""
        base = study.settings.get("base", {})
        details: dict[str, Any] = {
            "study": study.name,
            "data set": study.dataset,
            "data set's content hash": study.dataset_hash,
            "objective": f"validation {measure_name(study.objective)}" if study.objective else None,
            "matching protocol": study.protocol,
            "IoU thresholds": _list(base.get("iou")),
            "iterations": base.get("iterations"),
            "seed of the search": study.search_seed,
            "seeds of the confirmation": _list(study.seeds),
            **{key: ", ".join(values) for key, values in study.provenance.items() if key != "dataset_hash"},
        }
        rows += [(Cell(of + key), Cell(str(value))) for key, value in details.items() if value not in (None, "")]
    rows.append((Cell("bootstrap"), Cell(f"{content.resamples} resamples, seed {content.resampling_seed}")))
    return Table("provenance", "Provenance", "What made these numbers.", ("What", "Value"), tuple(rows))


def _difference_caption(content: Content) -> str:
    name = measure_name(content.headline)
    return (
        f"Difference: to {content.baseline}, {name}, in points, with its 95 % interval (paired bootstrap over recordings, "
        f"{content.resamples} resamples, and seeds); p is Holm-corrected over the arms; * where it is at most 0.05. "
        "Smallest detectable: the true difference that these seeds and recordings show with a probability of 80 %."
    )


def _seeds(content: Content) -> str:
    counts = sorted({len(arm.seeds) for arm in content.arms if arm.seeds})
    if not counts:
        return "seeds"
    shown = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{shown} seed{'' if counts == [1] else 's'}"


def _setting(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {plain(value)}" for key, value in setting.items())


def _percent(fraction: str) -> str:
    return f"{100 * float(fraction):g} %" if fraction else ""


def _short(key: str) -> str:
    return f"{float(key):g}" if key else ""


def _list(values: Sequence[Any] | None) -> str | None:
    return ", ".join(plain(value) for value in values) if values else None


def _sum(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) if len(known) == len(values) else None
