"""The golden study, told to a store once."""

import pytest
from stored_study import told

from crescendo.reports.analysis.summary import summarise
from crescendo.reports.source.study_runs import read_study_runs


@pytest.fixture(scope="session")
def golden(tmp_path_factory, empty_store):
    """The output folder of the golden study. Read it, do not change it."""
    return told(tmp_path_factory.mktemp("golden") / "golden", store=empty_store)


@pytest.fixture(scope="session")
def golden_runs(golden):
    return read_study_runs(golden)


@pytest.fixture(scope="session")
def golden_model(golden_runs):
    return summarise([golden_runs], resamples=200)
