"""The findings read what a report of finished runs says (benchmarks/findings.py)."""

import json

from finding_reports import FOLDS
from findings_parts import parts
from findings_study import read_findings
from several_searches import several

from crescendo.platform.studies.settings import load_study
from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.summary import summarise


def test_a_study_that_was_summarised_from_its_runs_becomes_findings(golden_runs, tmp_path):
    content = report_json(summarise([several(golden_runs, FOLDS)], resamples=50))
    content["studies"][0] |= {"name": "findings_gtea", "settings": load_study("findings_gtea").to_json()}
    file = tmp_path / "report.json"
    file.write_text(json.dumps({**content, "missing": []}))
    [study] = read_findings([file])
    assert [arm.variant for arm in study.arms] == ["score", "margin"]
    assert (study.folds, study.groups, study.recordings) == (4, 32, 32)
    assert study.trainings == sum(one["trainings"] for one in content["costs"])
    assert study.arms[0].difference.value == content["arms"][1]["difference"]["mAP/iou_0.50"]["value"]
    assert set(study.arms[0].difference.folds) == set(FOLDS)
    assert all(parts([study]).values())
