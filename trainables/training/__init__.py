"""Training: from a configuration and a data set to a trained model, its checkpoints and its results."""
