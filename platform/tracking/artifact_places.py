"""Where a store wants artifacts: it answers any address, and a folder of this machine may hold somebody else's files."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import unquote, urlsplit

_IDENTITY = re.compile(r"(m-)?[0-9a-f]{32}")


def misplaced(place: str, identity: str) -> str | None:
    """Return what is wrong with `place` as the address of the artifacts of a run or logged model `identity`; None if nothing.

    A store may name a folder of this machine, as one on a disk that both share. All of MLflow's bear the id.
    """
    parts = urlsplit(place)
    own = _IDENTITY.fullmatch(identity) and identity in os.path.normpath(unquote(parts.path)).split("/")
    if parts.scheme in ("", "file") and not own:
        return f"{place}: is where the store wants the artifacts of {identity}, and no folder of its own"
    return None


def artifacts_at(place: str, uri: str) -> Any:
    """Return MLflow's access to the artifacts at `place`, which the store `uri` named."""
    # MLflow takes seconds.
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(place, tracking_uri=uri)
