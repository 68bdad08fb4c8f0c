"""Contact sheets: which frames, and that they are on the picture."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numbered_frames import numbered
from PIL import Image

from crescendo.trainables.data.annotations import Recording, Segment
from crescendo.trainables.video.backbones import Preparation
from crescendo.trainables.video.contact_sheet import chosen_frames, draw_contact_sheet
from crescendo.trainables.video.encoding import write_video


@given(st.integers(1, 5000), st.integers(1, 60))
def test_chosen_frames_are_spread_over_the_video(total: int, most: int) -> None:
    numbers = chosen_frames(total, most)
    assert len(numbers) == min(total, most)
    assert numbers[0] == 0
    assert numbers[-1] < total
    gaps = np.diff([*numbers.tolist(), total])
    assert gaps.max() - gaps.min() <= 1


def test_sheet_shows_the_frames_in_order_with_labels(tmp_path: Path) -> None:
    shades = [(stamp, np.full((48, 64, 3), 40 * stamp + 20, np.uint8)) for stamp in range(6)]
    write_video(tmp_path / "v.mp4", shades, time_base=Fraction(1, 1))
    options = {"fps": 1.0, "preparation": Preparation(size=28, resize=32)}
    recording = Recording("test", 6.0, (Segment("jump", 2.0, 4.0),))
    draw_contact_sheet(tmp_path / "v.mp4", "v", tmp_path / "v.png", recording=recording, **options)
    sheet = np.asarray(Image.open(tmp_path / "v.png").convert("L")).astype(int)
    row = sheet[100]
    starts = [6 + place * 166 for place in range(6)]
    np.testing.assert_allclose([row[start + 80] for start in starts], [40 * place + 20 for place in range(6)], atol=4)
    draw_contact_sheet(tmp_path / "v.mp4", "v", tmp_path / "plain.png", **options)
    plain = np.asarray(Image.open(tmp_path / "plain.png"))
    framed = np.asarray(Image.open(tmp_path / "v.png"))
    edges = [tuple(framed[80, start]) != tuple(plain[80, start]) for start in starts]
    assert edges == [False, False, True, True, False, False]


def test_only_so_many_frames_are_drawn(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", numbered(range(100)), time_base=Fraction(1, 10))
    draw_contact_sheet(
        tmp_path / "v.mp4", "v", tmp_path / "v.png", fps=10, preparation=Preparation(size=28, resize=32), most=9
    )
    assert Image.open(tmp_path / "v.png").size == (8 * 166 + 6, 36 + 2 * (160 + 18 + 6) + 6)
