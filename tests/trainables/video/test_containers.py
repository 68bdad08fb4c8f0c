"""Every container and codec that FFmpeg writes here: each sampled frame is the picture on screen at its centre."""

from pathlib import Path

import av
import pytest
from encoded_videos import CODECS, at_rate, numbers_sampled, write_encoded

OF_H264, OF_HEVC = ("H.264", "H.264 B", "H.264 open"), ("HEVC", "HEVC B", "HEVC open")
OF_MPEG4, OF_MPEG2 = ("MPEG-4", "MPEG-4 B", "MPEG-4 open"), ("MPEG-2", "MPEG-2 B", "MPEG-2 open")
CONTAINERS = {
    "mp4": (*OF_H264, *OF_HEVC, *OF_MPEG4, *OF_MPEG2, "VP9", "AV1"),
    "mov": (*OF_H264, *OF_HEVC, *OF_MPEG4, "MPEG-2 B", "MJPEG"),
    "3gp": ("H.264 B", "MPEG-4"),
    "mkv": (*OF_H264, *OF_HEVC, *OF_MPEG4, *OF_MPEG2, "MPEG-1 B", "MS-MPEG-4", "VP9", "AV1", "MJPEG", "FFV1"),
    "webm": ("VP9", "AV1"),
    "avi": (*OF_H264, *OF_MPEG4, *OF_MPEG2, "MPEG-1 B", "MS-MPEG-4", "MJPEG", "FFV1"),
    "ts": (*OF_H264, *OF_HEVC, *OF_MPEG4, *OF_MPEG2, "MPEG-1 B"),
    "m2ts": ("H.264 B", "HEVC B", "MPEG-2 B"),
    "mpg": (*OF_H264, *OF_MPEG2, "MPEG-4 B", "MPEG-1 B"),
    "vob": ("MPEG-2 B", "H.264 B"),
    "flv": (*OF_H264, "Sorenson"),
    "wmv": (*OF_H264, *OF_MPEG4, "MS-MPEG-4", "WMV 7", "WMV 8"),
}
TABLE = [(container, codec) for container, codecs in CONTAINERS.items() for codec in codecs]


@pytest.mark.parametrize(("container", "codec"), TABLE)
def test_every_picture_is_on_screen_at_its_time(tmp_path: Path, container: str, codec: str) -> None:
    path = tmp_path / f"a.{container}"
    write_encoded(path, codec)
    assert numbers_sampled(path, 25) == at_rate(40, 25) == list(range(40))
    assert numbers_sampled(path, 6) == at_rate(40, 6)


@pytest.mark.parametrize("codec", [name for name in CODECS if name.endswith((" B", " open"))])
def test_the_table_holds_b_pictures_and_open_groups(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.mkv"
    write_encoded(path, codec)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    stamps = [packet.pts for packet in packets]
    assert stamps != sorted(stamps)
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert len(keys) > 1
    leading = any(stamp < stamps[key] for key in keys for stamp in stamps[key + 1 :])
    assert leading == codec.endswith(" open")
