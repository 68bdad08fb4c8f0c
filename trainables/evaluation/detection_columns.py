"""The columns of tables of detections and of ground truth, as runs write them and reports read them."""

from __future__ import annotations

import pyarrow as pa

_TYPES = {"recording": pa.string(), "label": pa.string(), "sequence": pa.int64()}

TRUTH = ("recording", "label", "start", "end")
"""Of a segment; `start` and `end` in seconds."""
DETECTIONS = (*TRUTH, "score")
OBSERVED = ("fraction", "sequence")
"""What stands before these columns in the tables of early detection."""


def column_type(name: str) -> pa.DataType:
    """Return the type of a column: 64-bit floating point, but for names and numbers of things."""
    return _TYPES.get(name, pa.float64())
