"""Where MLflow models saved by version 0.1 look for `Detection`: MLflow keeps a copy of the script that serves them."""

from crescendo.trainables.evaluation.result_format import Detection

__all__ = ["Detection"]
