"""`crescendo train`."""


def train() -> None:
    """Train a detector on a prepared data set."""
