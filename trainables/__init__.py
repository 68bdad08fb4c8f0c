"""Recordings, features, models, losses, training, detections and their scores."""

from crescendo.trainables.exports import exports

_HOMES = {
    "Annotations": "crescendo.trainables.data.annotations",
    "CandidatePairs": "crescendo.trainables.evaluation.protocols",
    "Dataset": "crescendo.trainables.data.dataset",
    "DatasetMetadata": "crescendo.trainables.data.dataset",
    "Detection": "crescendo.trainables.evaluation.result_format",
    "DetectionModel": "crescendo.trainables.models.base",
    "Detector": "crescendo.trainables.detector.detector",
    "InputError": "crescendo.trainables.errors",
    "MatchingRule": "crescendo.trainables.evaluation.protocols",
    "ModelSpec": "crescendo.trainables.models.registry",
    "PROTOCOLS": "crescendo.trainables.evaluation.protocols",
    "Recording": "crescendo.trainables.data.annotations",
    "Segment": "crescendo.trainables.data.annotations",
    "TrainingConfig": "crescendo.trainables.config",
    "Variant": "crescendo.trainables.losses.variants",
    "configuration": "crescendo.trainables.config",
    "decode": "crescendo.trainables.inference.decoding",
    "evaluate_detections": "crescendo.trainables.evaluation.mean_ap",
    "open_dataset": "crescendo.trainables.data.remote",
    "ranking_loss": "crescendo.trainables.losses.total_loss",
    "read_annotations": "crescendo.trainables.data.annotations",
    "read_detections": "crescendo.trainables.evaluation.result_format",
    "score_recordings": "crescendo.trainables.inference.scoring",
    "synthesize": "crescendo.trainables.data.synthetic",
    "total_loss": "crescendo.trainables.losses.total_loss",
    "train_detector": "crescendo.trainables.training.train",
    "write_dataset": "crescendo.trainables.data.dataset",
}

__all__ = list(_HOMES)
__getattr__ = exports(__name__, _HOMES)
