"""Names and seeds that follow from what they stand for, so that a study begun again finds what it began."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_IDENTITY = re.compile(r"[0-9a-f]{16}")


def is_trial_identity(text: object) -> bool:
    """Tell whether `text` has the form of what `trial_identity` returns, and so may name a folder."""
    return isinstance(text, str) and _IDENTITY.fullmatch(text) is not None


def trial_identity(
    *, study: str, dataset_hash: str, arm: str, phase: str, number: int, settings: Mapping[str, Any]
) -> str:
    """Return the identity of a trial: 16 hexadecimal digits that hash all that it runs, its seed among the settings."""
    return _digest([study, dataset_hash, arm, phase, number, settings])[:16]


def proposal_seed(study: str, arm: str, number: int, seed: int, fold: str | None = None) -> int:
    """Return the seed, below 2**32, with which trial `number` of `arm` is proposed, in `fold` if the study has folds.

    `seed` is the search's.
    """
    content = [study, arm, number, seed] if fold is None else [study, arm, number, seed, fold]
    return int(_digest(content)[:8], 16)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()
