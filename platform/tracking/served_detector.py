"""A detector as MLflow serves it: MLflow stores this script with the model folder, and no pickle.

`mlflow.pyfunc.load_model` runs the copy of this file that lies in the MLflow model, so load only models of people you
trust; the model folder beside it is checked like any other.
"""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel

from crescendo.trainables.detector import Detector
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import Detection

ARTIFACT = "detector"


class ServedDetector(PythonModel):  # type: ignore[misc]  # MLflow is untyped
    """Features of one recording, (frames, features), to its detections: label, start, end (seconds), score."""

    def load_context(self, context: Any) -> None:
        """Read the model folder; a model of the user's own is as trusted as this script, whose neighbour it is."""
        self._detector = Detector.load(context.artifacts[ARTIFACT], allow_plugin=True)

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> pd.DataFrame:
        """Return one row a detection, by start and label."""
        del context, params
        try:
            found = self._detector.detect(np.asarray(model_input))
        except InputError as error:  # which the server would answer as a fault of its own
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error
        return pd.DataFrame(found, columns=Detection._fields)


mlflow.models.set_model(ServedDetector())
