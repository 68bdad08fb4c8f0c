"""Small videos of numbered pictures in any container and codec, and the picture that should be on screen at any time."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numbered_frames import numbered, read_number

from crescendo.trainables.video.backbones import Preparation
from crescendo.trainables.video.decoding import sampled_frames

RATE = 25
SMALL = Preparation(size=56, resize=64)
BLACK = -1

H264 = {"preset": "ultrafast", "crf": "20", "g": "12"}
H264_B = {**H264, "bf": "3", "b_strategy": "0", "b-pyramid": "normal"}
H264_OPEN = {**H264_B, "x264-params": "open-gop=1:scenecut=0"}
HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=12:min-keyint=12:scenecut=0:bframes=0:pools=1"}
HEVC_B = {**HEVC, "x265-params": HEVC["x265-params"].replace("bframes=0", "bframes=3:b-adapt=0:open-gop=0")}
HEVC_OPEN = {**HEVC, "x265-params": HEVC["x265-params"].replace("bframes=0", "bframes=3:b-adapt=0:open-gop=1")}
MPEG = {"g": "12"}
MPEG_B = {**MPEG, "bf": "2", "flags": "+cgop", "sc_threshold": "1000000000"}
MPEG_OPEN = {**MPEG, "bf": "2"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "12"}
AV1 = {"preset": "12", "crf": "30", "svtav1-params": "lp=1"}

CODECS = {
    "H.264": ("libx264", {**H264, "bf": "0"}),
    "H.264 B": ("libx264", H264_B),
    "H.264 open": ("libx264", H264_OPEN),
    "HEVC": ("libx265", HEVC),
    "HEVC B": ("libx265", HEVC_B),
    "HEVC open": ("libx265", HEVC_OPEN),
    "MPEG-4": ("mpeg4", MPEG),
    "MPEG-4 B": ("mpeg4", MPEG_B),
    "MPEG-4 open": ("mpeg4", MPEG_OPEN),
    "MPEG-2": ("mpeg2video", MPEG),
    "MPEG-2 B": ("mpeg2video", MPEG_B),
    "MPEG-2 open": ("mpeg2video", MPEG_OPEN),
    "MPEG-1 B": ("mpeg1video", MPEG_B),
    "MS-MPEG-4": ("msmpeg4", MPEG),
    "WMV 7": ("wmv1", MPEG),
    "WMV 8": ("wmv2", MPEG),
    "Sorenson": ("flv", MPEG),
    "VP9": ("libvpx-vp9", VP9),
    "AV1": ("libsvtav1", AV1),
    "MJPEG": ("mjpeg", {}),
    "FFV1": ("ffv1", {}),
}


def write_encoded(
    path: Path,
    codec: str,
    *,
    stamps: Sequence[int] = range(40),
    time_base: Fraction = Fraction(1, RATE),
    size: tuple[int, int] | None = None,
    groups_cut: int = 0,
    shift: Fraction = Fraction(0),
    sound: tuple[float, float] | None = None,
    muxer: Mapping[str, str] | None = None,
) -> int:
    """Encode numbered pictures as a codec of `CODECS`, and return the number of the picture in the first packet.

    Picture i has the time stamp `stamps`[i], in units of `time_base`.

    Parameters
    ----------
    groups_cut
        Packets before the key frame of this number are not written.
    shift
        Seconds that are added to all time stamps.
    sound
        First second and length of a hum.
    muxer
        Options of the container.
    """
    encoder, options = CODECS[codec]
    # What HEVC and AV1 take at least.
    size = size or ((64, 96) if codec.startswith(("HEVC", "AV1")) else (48, 64))
    with av.open(str(path), "w", container_options=dict(muxer or {})) as container:
        video = container.add_stream(encoder, rate=Fraction(1) / time_base, options=dict(options))
        video.height, video.width = size
        video.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
        video.codec_context.time_base = time_base
        video.codec_context.thread_count = 1
        if not encoder.startswith("lib"):
            video.codec_context.qmin, video.codec_context.qmax = 2, 5
        hum = (
            container.add_stream("mp2" if path.suffix in (".avi", ".mpg") else "aac", rate=16_000, layout="mono")
            if sound
            else None
        )
        packets = []
        for stamp, array in numbered(stamps, *size):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts, frame.time_base = stamp, time_base
            packets += video.encode(frame)
        packets += video.encode()
        keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
        first = stamps.index(packets[keys[groups_cut]].pts)
        for packet in packets[keys[groups_cut] :]:
            ticks = round(shift / packet.time_base)
            packet.dts = None if packet.dts is None else packet.dts + ticks
            packet.pts = packet.pts + ticks
            container.mux(packet)
        if hum is not None and sound is not None:
            for start in range(0, int(sound[1] * 16_000), hum.codec_context.frame_size):
                wave = np.zeros(
                    (1, hum.codec_context.frame_size), np.float32 if hum.codec_context.name == "aac" else np.int16
                )
                frame = av.AudioFrame.from_ndarray(wave, format=hum.codec_context.format.name, layout="mono")
                frame.sample_rate, frame.pts = 16_000, start + int(sound[0] * 16_000)
                container.mux(hum.encode(frame))
            container.mux(hum.encode())
    return first


def numbers_on_screen(begins: Sequence[Fraction], end: Fraction, fps: float, first: int = 0) -> list[int]:
    """Return the number that each frame should show, by the definition: that of the picture on screen at its centre.

    Picture `first` + i is on screen from `begins`[i] on, in seconds of a player; before the first one is `BLACK`.
    """
    numbers, frame = [], 0
    while (centre := (frame + Fraction(1, 2)) / Fraction(fps)) < end:
        seen = [number for number, time in enumerate(begins, first) if time <= centre]
        numbers.append(max(seen, default=BLACK))
        frame += 1
    return numbers or [first]


def at_rate(count: int, fps: float, first: int = 0, rate: Fraction | int = RATE) -> list[int]:
    """Return what frames should show of `count` pictures at a constant rate."""
    begins = [number / Fraction(rate) for number in range(count)]
    return numbers_on_screen(begins, count / Fraction(rate), fps, first)


def numbers_sampled(path: Path, fps: float) -> list[int]:
    """Return the number that each sampled frame of the video shows."""
    frames = sampled_frames(path, fps, SMALL, threads=1)
    return [read_number(frame, SMALL.resize) if frame.any() else BLACK for frame in frames]


def joined(path: Path, *parts: Path) -> Path:
    """Join files byte by byte."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path
