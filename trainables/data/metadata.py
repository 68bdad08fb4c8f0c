"""What `dataset.json` says of a prepared data set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.data.splits import Splits

SLOWEST, FASTEST = 1e-6, 1e6
"""Frames a second, at least and at most."""


@dataclass(frozen=True)
class DatasetMetadata:
    """The content of `dataset.json` beside labels and hash.

    `fps` is the number of frames a second; `features` says what the columns mean, `source` where the data come from,
    `licence` what may be done with them, `notes` what the importer decided or left out.
    """

    name: str
    fps: float
    features: str
    source: str
    licence: str
    notes: tuple[str, ...] = ()


class StoredMetadata(BaseModel):
    """What `dataset.json` must hold."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    name: str
    fps: float = Field(ge=SLOWEST, le=FASTEST)
    features: str
    source: str
    licence: str
    notes: list[str]
    labels: list[str] = Field(min_length=1)
    feature_dim: int | None = Field(ge=1)
    dtype: str | None
    features_hash: str
    fc7_hash: str = ""
    content_hash: str


def content_hash(
    metadata: DatasetMetadata, labels: tuple[str, ...], annotations: Annotations, features_hash: str, splits: Splits
) -> str:
    """Return the SHA-256 of all that a training or its evaluation can depend on."""
    content = [float(metadata.fps), labels, annotations.to_json(), features_hash, *([splits] if splits else [])]
    return hash_of(content)


def hash_of(content: Any) -> str:
    """Return the SHA-256 of JSON content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
