"""Recordings, features, models, losses, training, detections and their scores."""
