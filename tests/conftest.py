"""What every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is not named."""
    folder = os.environ.get("CRESCENDO_TEST_DATA")
    if not folder:
        pytest.skip("CRESCENDO_TEST_DATA is not set: it names the folder of real data sets")
    return Path(folder).resolve()
