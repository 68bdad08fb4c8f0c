"""`report.json` of studies of the findings that nobody ran: the invented report, with the arms and settings that ship."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

from invented_model import BASELINE, causes, estimate, invented

from crescendo.platform.studies.settings import load_study
from crescendo.reports.analysis.estimates import Difference, Verdict
from crescendo.reports.analysis.report_json import report_json
from crescendo.search_spaces.arms import arms_of

FOLDS = ("1", "2", "3", "4")
SPREAD = (-0.004, -0.001, 0.001, 0.004)
"""What folds differ by, of every arm alike unless said."""


def compared(value, answer="undecided", *, half=0.012, spread=SPREAD, **said):
    """Return a difference with its verdict; `spread`: what each fold is above the mean."""
    verdict = None if answer is None else Verdict(answer, 0.01, **{"seeds": 9, "detectable": 0.006, **said})
    return Difference(
        "mAP/iou_0.50", value, value - half, value + half, 0.04, 0.05, verdict, 0.8, 0.02, half / 3, 4.0,
        value - half, value + half, (0, 1), 28, 4, 2, 1, {fold: value + one for fold, one in zip(FOLDS, spread, strict=True)},
    )  # fmt: skip


def content(name="findings_gtea", **arms):
    """Return the report of a finished study; `arms`: variant -> (detection, early detection), all others undecided."""
    study, model = _shipped(name), invented()
    pattern = {arm.baseline: arm for arm in model.arms}
    made = tuple(_arm(pattern[arm.name == BASELINE], arm, arms.get(arm.settings["variant"])) for arm in arms_of(study))
    summary = replace(
        model.studies[0], name=name, status="finished", settings=study.to_json(), folds=FOLDS, seeds=study.confirm.seeds
    )
    costs = tuple(replace(model.costs[0], arm=arm.name) for arm in made)
    model = replace(
        model, studies=(summary,), arms=made, costs=costs, recordings=28, groups=4, groups_are="people", timelines=()
    )
    return json.loads(json.dumps(report_json(model)))


@cache
def _shipped(name):
    return load_study(name)


def _arm(pattern, arm, found):
    variant = arm.settings["variant"]
    replicates = tuple(replace(pattern.replicates[0], name=f"fold {fold}", fold=fold) for fold in FOLDS)
    arm = replace(pattern, name=arm.name, variant=variant, ablated={"variant": variant}, replicates=replicates)
    if arm.baseline:
        return arm
    detection, early = found or (compared(0.002), compared(0.001, None))
    weight = {} if variant == "none" else {"lambda_r": "0.5 to 6"}
    fewer = {**causes(0.01, baseline=False).gain, "violations/score/shortfall": estimate(-0.1), "mAP": estimate(0.0)}
    return replace(
        arm,
        setting={**arm.setting, **weight},
        difference={"mAP/iou_0.50": detection},
        early_difference={"mAP/iou_0.50": early},
        causes=replace(arm.causes, gain=fewer),
    )


def write(folder: Path, name="findings_gtea", changed=None, **arms) -> Path:
    """Write a report, its content `changed` (a function of it), and return its file."""
    said = content(name, **arms)
    if changed is not None:
        changed(said)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(json.dumps(said))
    return file
