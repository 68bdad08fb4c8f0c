"""What findings are made of: the finished studies that ship for it, read from their `report.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from crescendo.platform.studies.settings import load_study
from crescendo.reports.analysis.estimates import Answer, Difference, Estimate, Verdict
from crescendo.reports.formatting import plain
from crescendo.search_spaces.changes import differences
from crescendo.search_spaces.study import Study
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.storage.reading import expecting, mapping

STUDIES = {"findings_gtea": "GTEA", "findings_tug": "TUG", "findings_hapt": "HAPT"}
"""Name of a study -> its data set."""
RANKING = ("score", "margin", "combined", "naive")
CONTROLS = ("weighted", "confident", "smoothing")
RIVALS = ("linear_early", "exponential", "progress")
_REMEDY = "make it again with `crescendo report`"


@dataclass(frozen=True)
class Arm:
    """What came of a variant of the loss against cross entropy alone.

    `difference` is of the study's objective in detection, which `verdict` is about, `early` in early detection; `causes` what
    else differs from the baseline, by the keys of `CausesSummary.gain`; `weight` the weights that its searches chose, in words.
    """

    variant: str
    difference: Difference
    verdict: Verdict
    early: Difference
    causes: Mapping[str, Estimate]
    weight: str

    @property
    def answer(self) -> Answer:
        """Better, worse, equivalent or undecided."""
        return self.verdict.answer


@dataclass(frozen=True)
class Finished:
    """A finished study of those in `STUDIES`.

    Attributes
    ----------
    data
        Name of its data set.
    report
        The file that it was read from.
    arms
        All but the baseline.
    reached, early_reached, causes
        Of the baseline: the objective in detection and in early detection, and what may cause differences.
    chosen
        The mean over all searches of the validation mAP of the setting that was chosen.
    tested
        The mean test mAP of the same settings.
    seen_score, tested_score
        Of the baseline: the true label's mean score within activities, of the validation and the test split; None where the runs
        did not keep it.
    searches, start_chosen
        How many searches there were, and in how many the first trial, the start value, was chosen.
    trainings, hours
        Of all arms; hours of the trials' clock.
    notes
        What the report says besides.
    """

    data: str
    report: Path
    arms: tuple[Arm, ...]
    reached: Estimate
    early_reached: Estimate
    causes: Mapping[str, Estimate]
    recordings: int
    groups: int
    groups_are: str
    labels: int
    folds: int
    seeds: int
    trials: int
    trainings: int
    hours: float
    chosen: float
    tested: float
    seen_score: float | None
    tested_score: float | None
    searches: int
    start_chosen: int
    notes: tuple[str, ...] = ()

    def of(self, variants: tuple[str, ...]) -> list[Arm]:
        """Return the arms of these variants, in their order."""
        found = {arm.variant: arm for arm in self.arms}
        return [found[variant] for variant in variants if variant in found]


def read_findings(files: list[Path]) -> list[Finished]:
    """Return the finished studies of these `report.json`, in the order of `STUDIES`.

    Raises
    ------
    InputError
        If one is not finished, is another study or was run otherwise than it ships, is named twice or cannot be read.
    """
    found: dict[str, Finished] = {}
    for file in files:
        content = read_json(file)
        with expecting("the report of a study", file, _REMEDY):
            study = _checked(file, mapping(content))
            if STUDIES[study.name] in found:
                raise InputError(f"{file}: is of {study.name}, and so is another file; name one report a study")
            found[STUDIES[study.name]] = _finished(STUDIES[study.name], file, content, study)
    return [found[data] for data in STUDIES.values() if data in found]


def _checked(file: Path, content: Mapping[str, Any]) -> Study:
    """Return the study that a report is of, which is finished and one that ships for findings."""
    if "comparison" in content:
        raise InputError(f"{file}: compares several studies; findings are made of one report a study")
    [study] = content["studies"]
    name, status = study["name"], study["status"]
    if name not in STUDIES:
        raise InputError(f"{file}: is of the study {name}; findings are made of {', '.join(STUDIES)}")
    if status != "finished" or content["missing"]:
        lacking = f": {content['missing'][0]}" if content["missing"] else ""
        raise InputError(f"{file}: the study {name} is not finished{lacking} Go on with it, then report it anew")
    ran = Study.from_json(study["settings"])
    changed = differences(load_study(name), ran)
    if changed or ran.folds is None:
        raise InputError(f"{file}: {name} ran otherwise than it ships ({'; '.join(changed)}); run it as it is")
    return ran


def _finished(data: str, file: Path, content: Mapping[str, Any], study: Study) -> Finished:
    headline, fraction = content["headline"], content["early_fraction"]
    [baseline] = [arm for arm in content["arms"] if arm["baseline"]]
    searches = [(one, one["search"]) for arm in content["arms"] for one in arm["replicates"]]
    key, snapshots = headline.rpartition("_")[2], baseline["snapshots"]
    return Finished(
        data=data,
        report=file,
        arms=tuple(_arm(arm, headline) for arm in content["arms"] if not arm["baseline"]),
        reached=_estimate(baseline["detection"][key]),
        early_reached=_estimate(baseline["early"][fraction][key]),
        causes=_estimates(baseline),
        recordings=int(content["recordings"]),
        groups=int(content["groups"]),
        groups_are=str(content["groups_are"]),
        labels=len(content["labels"]),
        folds=len(content["studies"][0]["folds"]),
        seeds=len(study.confirm.seeds),
        trials=study.search.trials,
        trainings=sum(int(one["trainings"]) for one in content["costs"]),
        hours=sum(float(one["search_hours"]) + float(one["confirm_hours"]) for one in content["costs"]),
        chosen=_mean([search["best_objective"] for _, search in searches]),
        tested=_mean([one["detection"][key] for one, _ in searches]),
        seen_score=_mean(snapshots[-1]["curves"]["score"]) if snapshots else None,
        tested_score=_mean(baseline["progression"]["score"]) if baseline["progression"] else None,
        searches=len(searches),
        start_chosen=sum(search["best"] == 0 for _, search in searches),
        notes=tuple(map(str, content["notes"])),
    )


def _arm(content: Mapping[str, Any], headline: str) -> Arm:
    setting, difference = content["setting"], _difference(content["difference"][headline])
    [weight] = [value for key, value in setting.items() if key.partition(".")[0] == "lambda_r"]
    if difference.verdict is None or difference.verdict.answer not in get_args(Answer):
        raise ValueError(f"{content['name']} has no answer in detection, which the study asks about")
    return Arm(
        variant=str(content["variant"]),
        difference=difference,
        verdict=difference.verdict,
        early=_difference(content["early_difference"][headline]),
        causes=_estimates(content, "gain"),
        weight=plain(weight),
    )


def _difference(content: Mapping[str, Any]) -> Difference:
    said = content["verdict"]
    return Difference(
        **{
            **content,
            **{key: float(content[key]) for key in ("value", "low", "high", "p_adjusted", "detectable")},
            "verdict": None if said is None else Verdict(**said),
            "seeds": tuple(content["seeds"]),
            "folds": {str(fold): float(value) for fold, value in content["folds"].items()},
        }
    )


def _estimates(content: Mapping[str, Any], part: str = "measures") -> dict[str, Estimate]:
    return {name: _estimate(one) for name, one in content.get("causes", {}).get(part, {}).items()}


def _estimate(content: Mapping[str, Any]) -> Estimate:
    low, high = (None if content[key] is None else float(content[key]) for key in ("low", "high"))
    return Estimate(float(content["mean"]), low, high, tuple(map(float, content["values"])))


def _mean(values: list[float]) -> float:
    return sum(map(float, values)) / len(values)
