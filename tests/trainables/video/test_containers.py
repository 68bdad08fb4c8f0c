"""Every container and codec that FFmpeg writes here: each sampled frame is the picture on screen at its centre."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from encoded_videos import CODECS, at_rate, numbers_sampled, write_encoded
from numbered_frames import numbered

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


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg, for encoders that PyAV lacks")
@pytest.mark.parametrize(
    "command",
    [
        "a.ogv -c:v libtheora -q:v 8",
        "a.webm -c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -b:v 1M",  # some packets hold no picture
        "a.mov -c:v prores",
        "a.avi -c:v rawvideo",
        "a.ts -c:v libx264 -x264-params intra-refresh=1:bframes=0",
        "a.avi -c:v libx264 -x264-params interlaced=1:bframes=2",
        "a.mpg -c:v mpeg2video -flags +ildct+ilme -bf 2 -q:v 3",
    ],
)
def test_files_of_ffmpeg(tmp_path: Path, command: str) -> None:
    name, *options = command.split()
    pictures = b"".join(array.tobytes() for _, array in numbered(range(40), 48, 64))
    given = "-v error -f rawvideo -pix_fmt rgb24 -s 64x48 -r 25 -i - -threads 1 -pix_fmt".split()  # noqa: SIM905
    layout = "yuv422p10le" if "prores" in command else "yuv420p"
    subprocess.run(["ffmpeg", *given, layout, *options, tmp_path / name], input=pictures, check=True, timeout=120)
    assert numbers_sampled(tmp_path / name, 25) == list(range(40))


def test_avi_with_two_pictures_in_one_chunk(tmp_path: Path) -> None:
    """The packed bitstream of DivX: a B-picture lies behind the one it needs, and an empty one fills its own place."""
    path, vop = tmp_path / "packed.avi", b"\0\0\1\xb6"
    encoder = av.CodecContext.create("mpeg4", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.qmin, encoder.qmax = Fraction(1, 25), Fraction(25), 2, 5
    encoder.options = {"bf": "1", "g": "100", "b_strategy": "0", "sc_threshold": "1000000000"}
    frames = [
        (stamp, av.VideoFrame.from_ndarray(array, format="rgb24")) for stamp, array in numbered(range(41), 48, 64)
    ]
    for stamp, frame in frames:
        frame.pts, frame.time_base = stamp, Fraction(1, 25)
    packets = [packet for frame in (*(frame for _, frame in frames), None) for packet in encoder.encode(frame)]
    first, *others = map(bytes, packets)
    assert [packet.pts for packet in packets[:5]] == [0, 2, 1, 4, 3]
    head = first.index(vop)
    chunks = [first[:head] + b"\0\0\1\xb2DivX503b1393p" + first[head:]]
    for whole, between in zip(others[::2], others[1::2], strict=True):
        chunks += [whole + between, vop + b"\x53\x7f"]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, chunk in enumerate(chunks):
            packet = av.Packet(chunk)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), number == 0
            packet.pts = packet.dts = number
            container.mux(packet)
    assert numbers_sampled(path, 25) == list(range(41))
