"""`crescendo evaluate`."""


def evaluate() -> None:
    """Score detections against ground truth."""
