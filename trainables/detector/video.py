"""Features of a video's frames, from the network that made the features a model was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from crescendo.trainables.detector.folder import ModelMetadata
from crescendo.trainables.errors import InputError
from crescendo.trainables.video.backbones import load_backbone
from crescendo.trainables.video.decoding import sampled_frames

_TOGETHER = 8  # frames that go through the network at once


def video_features(metadata: ModelMetadata, path: Path, weights: str | None = None) -> Iterator[np.ndarray]:
    """Return the features of a video's frames, (features,) float16 as data sets store them; decoded as they are taken.

    `weights` replaces the path of the weights that the model names, for a file that was moved; they must be the same.

    Raises
    ------
    InputError
        If the model was not trained on features of video, the weights cannot be had or are others, or the video is
        broken.
    """
    extraction = metadata.features.extraction
    if extraction is None:
        raise InputError(
            f"{path}: the model does not know how its features are made ({metadata.features.description}); "
            "make them as its training data were and give them as .npy"
        )
    chosen = weights or extraction.weights
    if weights is None and chosen not in ("imagenet", "none"):
        raise InputError(
            f"--weights: name the weights of {extraction.backbone} that made the features the model was trained on: "
            f"{chosen or extraction.fingerprint[:12]}"
        )
    backbone = load_backbone(extraction.backbone, chosen, layer=extraction.layer, size=extraction.size)
    if backbone.fingerprint != extraction.fingerprint:
        raise InputError(
            f"--weights {chosen}: are not those that made the features the model was trained on ({extraction.backbone} "
            f"{extraction.layer}, weights {extraction.weights}, fingerprint {extraction.fingerprint[:12]}); name those"
        )
    frames = sampled_frames(path, metadata.fps, backbone.preparation)

    def rows() -> Iterator[np.ndarray]:
        while batch := list(islice(frames, _TOGETHER)):
            with torch.inference_mode():
                features = backbone(torch.from_numpy(np.stack(batch)))
            yield from features.numpy().astype(np.float16)

    return rows()
