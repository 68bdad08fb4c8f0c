"""Running a study: what is tried next, what came of it, and what is kept."""

from crescendo.trainables.exports import exports

_HOMES = {
    "Sweep": "crescendo.platform.studies.runner",
    "load_study": "crescendo.platform.studies.settings",
    "run_study": "crescendo.platform.studies.runner",
}

__all__ = list(_HOMES)
__getattr__ = exports(__name__, _HOMES)
