"""From a trained model to frame scores, and from frame scores to spans."""
