"""Where the artifacts of MLflow runs lie, and how they are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from crescendo.reports.source.store_address import ARTIFACT_FOLDER


class RunFiles:
    """The artifacts of a study's runs in one store; `output` is the study's folder, where it is known."""

    def __init__(self, client: Any, output: Path | None) -> None:
        self._client, self._output = client, output

    def folder(self, run: Any, names: Sequence[str], scratch: Path) -> Path:
        """Return a folder with those of `names` that the run has: where they lie, or `scratch` with what was fetched."""
        parts = urlsplit(run.info.artifact_uri)
        local = parts.scheme in ("", "file")
        folders = [Path(unquote(parts.path))] if local else []
        if self._output:  # a study's folder may have been moved or copied since
            folders.insert(0, self._output / ARTIFACT_FOLDER / run.info.run_id / "artifacts")
        for folder in folders:
            if folder.is_dir():
                return folder
        if not local:
            logged = {artifact.path for artifact in self._client.list_artifacts(run.info.run_id)}
            for name in names:
                if name in logged:
                    self._client.download_artifacts(run.info.run_id, name, str(scratch))
        return scratch
