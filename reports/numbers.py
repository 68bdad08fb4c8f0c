"""How numbers are written: mAP in percent with one decimal, differences in points with their sign."""

from __future__ import annotations

from typing import Any


def points(value: float) -> str:
    """Return a fraction of 1 in percent: 0.526 -> `52.6`."""
    shown = f"{100 * value:.1f}"
    return "0.0" if shown == "-0.0" else shown


def signed(value: float) -> str:
    """Return a difference in points with its sign: 0.021 -> `+2.1`."""
    shown = f"{100 * value:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown


def p_text(p: float) -> str:
    """Return a p value: three decimals, `<0.001` below that."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def plain(value: Any) -> str:
    """Return a setting's value: three significant digits of what is no whole number."""
    if isinstance(value, float):
        return f"{value:g}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"
    return str(value)


def measure_name(measure: str) -> str:
    """Return how a measure is called in a sentence: `mAP/iou_0.50` -> `mAP at IoU 0.5`, `mAP/mean` -> `mean mAP`."""
    kind = measure.removeprefix("mAP/")
    return f"mAP at IoU {float(kind.removeprefix('iou_')):g}" if kind.startswith("iou_") else "mean mAP"
