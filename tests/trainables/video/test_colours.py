"""Colours: pictures are converted with the matrix and the range that their file names."""

import re
from pathlib import Path

import av
import numpy as np
import pytest

from crescendo.trainables.errors import InputError
from crescendo.trainables.video.backbones import Preparation
from crescendo.trainables.video.decoding import OLDEST_AV, require_av, sampled_frames

COLOURS = [
    (0, 200, 0),
    (200, 0, 0),
    (0, 0, 200),
    (255, 255, 255),
    (0, 0, 0),
    (128, 128, 128),
    (200, 200, 0),
    (13, 99, 180),
]
# Shares of red and blue in the luma, by FFmpeg's number of the matrix: ITU-R BT.709, BT.601 (two numbers), BT.2020.
# 2 stands for files that name none: BT.601, as in FFmpeg.
LUMA = {1: (0.2126, 0.0722), 2: (0.299, 0.114), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def encoded(colour: tuple[int, int, int], matrix: int, *, full: bool) -> list[int]:
    """Y, Cb and Cr of a colour, 8 bits, by the equations of ITU-R BT.709 (the others differ in the shares)."""
    red, green, blue = (value / 255 for value in colour)
    of_red, of_blue = LUMA[matrix]
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = (blue - luma) / (2 * (1 - of_blue)), (red - luma) / (2 * (1 - of_red))
    if full:
        return [round(255 * luma), *(round(255 * one + 128) for one in chroma)]
    return [round(219 * luma + 16), *(round(224 * one + 128) for one in chroma)]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "matrix", "full"),
    [
        ("a.mp4", "libx264", "yuv420p", 1, False),
        ("a.mp4", "libx264", "yuv444p", 1, False),
        ("a.mkv", "libx264", "yuv420p", 1, True),
        ("a.ts", "libx264", "yuv420p", 1, False),
        ("a.webm", "libvpx-vp9", "yuv420p", 1, False),
        ("a.mkv", "ffv1", "yuv422p", 1, False),
        ("a.mp4", "libx264", "yuv420p", 5, False),
        ("a.mp4", "libx264", "yuv420p", 6, False),
        ("a.mp4", "libx264", "yuv420p", 9, False),
        ("a.mpg", "mpeg2video", "yuv420p", 1, False),
        ("a.mpg", "mpeg2video", "yuv420p", 2, False),
        ("a.avi", "mpeg4", "yuv420p", 2, False),
        ("a.avi", "mjpeg", "yuvj420p", 5, True),
    ],
)
def test_colours_come_out_as_they_went_in(
    tmp_path: Path, name: str, codec: str, pixel_format: str, matrix: int, full: bool
) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "1"} if codec == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixel_format
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 2 if full else 1
        for number, colour in enumerate(COLOURS):
            frame = av.VideoFrame(64, 64, pixel_format)
            frame.colorspace, frame.color_range, frame.pts = matrix, 2 if full else 1, number
            for plane, value in zip(frame.planes, encoded(colour, matrix, full=full), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames = list(sampled_frames(path, 25, Preparation(size=56, resize=64)))
    assert len(frames) == len(COLOURS)
    for frame, colour in zip(frames, COLOURS, strict=True):
        np.testing.assert_allclose(frame.mean(axis=(1, 2)), colour, atol=3)


def test_ten_bits_come_out_as_they_went_in(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv444p10le"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        frame = av.VideoFrame(64, 64, "yuv444p10le")
        frame.colorspace, frame.color_range, frame.pts = 1, 1, 0
        for plane, value in zip(frame.planes, encoded((0, 200, 0), 1, full=False), strict=True):
            plane.update((4 * value).to_bytes(2, "little") * (plane.buffer_size // 2))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    [frame] = sampled_frames(path, 1, Preparation(size=56, resize=64))
    np.testing.assert_allclose(frame.mean(axis=(1, 2)), (0, 200, 0), atol=3)


def test_a_pyav_that_converts_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "__version__", "16.1.0")
    with pytest.raises(InputError, match=r"PyAV 16\.1\.0 shows BT\.709 video in wrong colours"):
        require_av()
    requirements = re.findall(r'"av>=(\d+)"', (Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert requirements == [str(OLDEST_AV)] * 2
