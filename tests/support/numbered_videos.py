"""A folder of videos whose frames show their number, and its annotations."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from numbered_frames import numbered

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.storage.json_files import write_json
from crescendo.trainables.video.encoding import write_video


def make_numbered(folder: Path, lengths: Iterable[int]) -> Path:
    """Videos of numbered frames, 6 a second, with a subset each and one activity."""
    recordings = {}
    folder.mkdir()
    for number, length in enumerate(lengths):
        subset = ("training", "validation", "test")[number % 3]
        write_video(folder / f"{number}.mp4", numbered(range(length)), time_base=Fraction(1, 6))
        recordings[str(number)] = Recording(subset, length / 6, (Segment("count", 0.0, length / 12),))
    write_json(folder / "annotations.json", Annotations(recordings).to_json())
    return folder
