"""What the tests of trainables may ask for."""

import pytest
from made_pictures import SIZE, write_pictures

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.video.backbones import Preparation


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A data set of pixels."""
    return write_pictures(tmp_path_factory.mktemp("pictures") / "data", Preparation().at(SIZE))
