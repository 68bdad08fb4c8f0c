"""What is extracted from videos, and what that means for their frames and the network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crescendo.platform.extraction.pipeline import Network
from crescendo.trainables.video.backbones import Preparation, load_backbone, preparation_of

if TYPE_CHECKING:
    from torch import Tensor

# Raise it when frames are chosen or stored in another way, so that no work folder of before is continued.
_FORMAT = 2


@dataclass(frozen=True)
class Extraction:
    """What to take from videos: at `fps` frames a second, the `layer` of `backbone`, or `pixels`.

    `weights` are the backbone's (`load_backbone`). `size` is the side of the square that it is shown, in pixels; None: the
    backbone's own.
    """

    fps: float = 6.0
    backbone: str = "vgg19"
    layer: str = "fc7"
    weights: str = "imagenet"
    size: int | None = None

    @property
    def description(self) -> str:
        """What a frame of the data set is, in a few words."""
        if self.layer == "pixels":
            return f"frames as JPEG, prepared for {self.backbone}"
        return f"{self.layer} of {self.backbone}, weights {Path(self.weights).name}"


@dataclass(frozen=True)
class ResolvedExtraction:
    """How frames are prepared for an extraction, and which network turns them into features.

    Attributes
    ----------
    preparation
        Of every frame.
    width
        Length of a feature; None of pixels.
    network
        What the actors load; None of pixels.
    fc7
        Weight and bias of fc7, where fc6 is extracted (`Backbone.fc7`); None otherwise.
    key
        A hash of all that decides what a frame becomes.
    """

    preparation: Preparation
    width: int | None
    network: Network | None
    fc7: tuple[Tensor, Tensor] | None
    key: str

    def store_metadata(self, extraction: Extraction) -> dict[str, Any]:
        """Return what the feature store says of how its frames came about."""
        metadata: dict[str, Any] = {"preparation": asdict(self.preparation)}
        if self.network is not None:
            metadata |= {
                "backbone": extraction.backbone,
                "layer": extraction.layer,
                "network": self.network.fingerprint,
            }
            metadata |= {"weights": Path(extraction.weights).name}
        return metadata


def resolve_extraction(extraction: Extraction) -> ResolvedExtraction:
    """Resolve `extraction`; its network is loaded once here, to see that its weights fit and to identify them.

    Raises
    ------
    InputError
        If there is no such backbone or layer, or its weights cannot be loaded.
    """
    if extraction.layer == "pixels":
        preparation = preparation_of(extraction.backbone)
        preparation = preparation if extraction.size is None else preparation.at(extraction.size)
        return ResolvedExtraction(preparation, None, None, None, _key(extraction, preparation, "pixels"))
    weights = extraction.weights
    if Path(weights).exists():
        weights = str(Path(weights).absolute())
    backbone = load_backbone(extraction.backbone, weights, layer=extraction.layer, size=extraction.size)
    network = Network(extraction.backbone, weights, extraction.layer, extraction.size, backbone.fingerprint)
    fc7 = backbone.fc7()
    kept = None if fc7 is None else (fc7[0].clone(), fc7[1].clone())
    key = _key(extraction, backbone.preparation, backbone.fingerprint)
    return ResolvedExtraction(backbone.preparation, backbone.width, network, kept, key)


def _key(extraction: Extraction, preparation: Preparation, fingerprint: str) -> str:
    # Backbones that prepare frames in the same way get the same pixels.
    content = json.dumps([_FORMAT, extraction.fps, asdict(preparation), fingerprint])
    return hashlib.sha256(content.encode()).hexdigest()[:12]
