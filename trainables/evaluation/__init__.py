"""Scores of detections: mAP, early detection, per-frame precision, early warning, progression."""
