"""What `crescendo data describe` shows: lines and tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from crescendo.platform.terminal_text import print_line, terminal_console
from crescendo.trainables.data.annotations import listed
from crescendo.trainables.plurals import counted, rate_text

_LINES = ("path", "name", "fps", "feature_dim", "features", "source", "licence", "content_hash")
_ROWS = {
    "recordings": "{:,}",
    "groups": "{:,}",
    "hours": "{:.2f}",
    "frames": "{:,}",
    "segments": "{:,}",
    "segments_per_recording": "{:.2f}",
    "background_share": "{:.1%}",
    "overlapping_pairs": "{:,}",
    "overlapping_frames": "{:,}",
    "too_short": "{:,}",
}
_QUANTILES = {"0": "shortest", "0.25": "quartile", "0.5": "median", "0.75": "quartile", "1": "longest"}


def print_description(content: Mapping[str, Any]) -> None:
    """Print what `describe` returned, on standard output."""
    console = terminal_console()
    for key in _LINES:
        print_line(console, f"{key}: {content[key]}")
    for fold, sizes in content.get("folds", {}).items():
        print_line(console, f"fold {fold}: {', '.join(f'{count} {subset}' for subset, count in sizes.items())}")
    for note in content["notes"]:
        print_line(console, f"note: {note}")
    parts = {**content["subsets"], "all": content["all"]}
    rows = [(_named(name, content), _show(name, parts)) for name in _ROWS]
    console.print(_table("", list(parts), rows))
    for line in _remarks(content, parts):
        print_line(console, line)
    if content["all"]["segments"]:
        console.print(_lengths(parts))
    labels = content["labels"][1:]
    counts = [(label, [f"{part['segments_per_label'][label]:,}" for part in parts.values()]) for label in labels]
    console.print(_table("segments per label", list(parts), counts))


def _remarks(content: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[str]:
    """Yield, in lines, what the figures of the parts mean."""
    for subset, names in content.get("groups", {}).items():
        yield f"{content['groups_are']} of {subset}: {listed(names)}"
    short = content["all"]["too_short"]
    if short:
        fps, all_segments = content["fps"], content["all"]["segments"]
        yield (
            f"too short: {counted(short, 'segment covers', 'segments cover')} no frame's centre, of {all_segments:,}: between "
            f"the centres of two frames, {1 / fps:.2g} s apart at {rate_text(fps)}, or after the last frame; nobody can detect "
            "such a segment, and it counts as missed"
        )
    for subset, part in parts.items():
        if subset != "all" and part["lacking"]:
            yield f"{subset} has no segment of: {', '.join(part['lacking'])}"


def _named(row: str, content: Mapping[str, Any]) -> str:
    return str(content["groups_are"]) if row == "groups" else row.replace("_", " ")


def _show(name: str, parts: Mapping[str, Any]) -> list[str]:
    return [_ROWS[name].format(part[name]) for part in parts.values()]


def _lengths(parts: Mapping[str, Any]) -> Table:
    """Return how long segments are: the quantiles of each part, in seconds and frames."""
    rows = []
    for subset, part in parts.items():
        if part["length_seconds"] is not None:
            pairs = zip(part["length_seconds"].values(), part["length_frames"].values(), strict=True)
            rows.append((subset, [f"{_short(seconds)} ({_short(frames)})" for seconds, frames in pairs]))
    return _table("lengths of segments in seconds (frames)", list(_QUANTILES.values()), rows)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> Table:
    table = Table(title=title or None, title_justify="left")
    table.add_column("", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    for name, values in rows:
        table.add_row(name, *values)
    return table
