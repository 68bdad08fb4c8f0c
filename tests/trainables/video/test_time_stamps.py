"""Files that were cut, joined, edited or written at a varying rate: exact, or broken and said."""

import contextlib
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from encoded_videos import BLACK, RATE, at_rate, joined, numbers_on_screen, numbers_sampled, write_encoded

from crescendo.trainables.errors import InputError
from crescendo.trainables.video.decoding import sampled_pictures

WRAP = Fraction(2**33, 90_000)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        numbers_sampled(path, 6)
    assert str(error.value).startswith(f"{path}: broken video: ")
    return str(error.value)


CUT = ["mkv H.264", "mkv HEVC", "mkv MPEG-2", "mp4 H.264", "mp4 HEVC", "mp4 MPEG-4", "ts H.264", "ts HEVC", "ts MPEG-2",
       "mpg H.264", "mpg MPEG-2", "flv H.264", "avi H.264", "avi MPEG-2", "avi MPEG-4", "wmv H.264", "wmv MPEG-4"]  # fmt: skip


@pytest.mark.parametrize("case", CUT)
def test_cut_in_an_open_group_of_pictures(tmp_path: Path, case: str) -> None:
    container, codec = case.split()
    path = tmp_path / f"a.{container}"
    first = write_encoded(
        path, f"{codec} open", groups_cut=1, shift=Fraction(-9, RATE) if container == "avi" else Fraction(0)
    )
    assert first > 0
    # The pictures before the first whole one cannot be decoded; time begins with it.
    assert numbers_sampled(path, 25) == at_rate(40 - first, 25, first)
    assert numbers_sampled(path, 6) == at_rate(40 - first, 6, first)


@pytest.mark.parametrize("codec", ["H.264", "H.264 B", "H.264 open", "MPEG-4 B", "HEVC open"])
@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_an_edit_list_that_begins_inside_a_group_of_pictures(tmp_path: Path, container: str, codec: str) -> None:
    path = tmp_path / f"a.{container}"
    assert 0 < write_encoded(path, codec, groups_cut=1, shift=Fraction(-20, RATE)) < 20
    assert numbers_sampled(path, 25) == list(range(20, 40))


def edited(path: Path, edits: list[tuple[int, int]], version: int = 0) -> None:
    """Replace the edit list of the one track of an MP4 file whose head is its end: pairs of a duration and a time."""
    content, inside, heads = bytearray(path.read_bytes()), 0, []
    for kind in (b"moov", b"trak", b"edts", b"elst"):
        heads.append(content.index(kind, inside) - 4)
        inside = heads[-1] + 8
    old = int.from_bytes(content[heads[-1] : heads[-1] + 4], "big")
    pair = ">IiI" if version == 0 else ">QqI"
    entries = b"".join(struct.pack(pair, duration, time, 1 << 16) for duration, time in edits)
    box = struct.pack(">I4sB3xI", 16 + len(entries), b"elst", version, len(edits)) + entries
    content[heads[-1] : heads[-1] + old] = box
    for head in heads[:-1]:
        size = int.from_bytes(content[head : head + 4], "big") + len(box) - old
        content[head : head + 4] = size.to_bytes(4, "big")
    path.write_bytes(content)


# In milliseconds of the film, and ticks of 1/12800 s of the track; -1 waits.
@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("codec", ["H.264", "H.264 B"])
def test_edit_lists(tmp_path: Path, codec: str, version: int) -> None:
    path, zero = tmp_path / "a.mp4", 1024 if codec == "H.264 B" else 0
    for edits, expected in [
        ([(1600, zero)], [*range(40)]),
        ([(400, -1), (1600, zero)], [*range(40)]),
        ([(200, -1), (200, -1), (800, zero)], [*range(20)]),
        ([(800, zero + 10_240)], [*range(20, 40)]),
        ([(800, zero + 10_240), (800, zero)], None),
        ([(800, zero), (800, zero)], None),
        ([(400, zero), (400, -1), (800, zero + 5120)], None),
        ([(400, -1), (400, zero), (400, zero + 15_360)], None),
    ]:
        write_encoded(path, codec)
        edited(path, edits, version)
        if expected is None:
            assert "its edit list plays several parts" in refused(path)
        else:
            assert numbers_sampled(path, 25) == expected


def test_heads_of_mp4(tmp_path: Path) -> None:
    for number, options in enumerate(
        [
            {"movflags": "negative_cts_offsets"},
            {"use_editlist": "0"},
            {"movflags": "frag_keyframe+empty_moov"},
            {"movflags": "faststart"},
            {"movflags": "frag_keyframe+empty_moov+delay_moov"},
        ]
    ):
        write_encoded(tmp_path / f"{number}.mp4", "H.264 B", muxer=options)
        assert numbers_sampled(tmp_path / f"{number}.mp4", 25) == list(range(40))


NEGATIVE = [
    "mkv H.264 B", "mkv MPEG-4", "ts H.264 B", "mpg MPEG-2 B", "avi H.264 B", "wmv H.264 B",
    "webm VP9",
]  # fmt: skip


@pytest.mark.parametrize("case", NEGATIVE)
def test_negative_first_time_stamps(tmp_path: Path, case: str) -> None:
    container, codec = case.split(maxsplit=1)
    path = tmp_path / f"a.{container}"
    write_encoded(path, codec, shift=Fraction(-5, RATE), muxer={"avoid_negative_ts": "disabled"})
    assert numbers_sampled(path, 25) == list(range(40))


def test_negative_time_stamps_that_the_format_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.flv"
    write_encoded(path, "H.264 B", shift=Fraction(-5, RATE), muxer={"avoid_negative_ts": "disabled"})
    assert "its time goes back from 0.16 s" in refused(path)


VARYING = [0, 2, 3, 9, 10, 11, 12, 30, 31, 33, 50, 51, 52, 53, 68, 69, 70, 71, 72, 80]


@pytest.mark.parametrize(
    "case",
    ["mp4 H.264", "mp4 H.264 B", "mp4 MPEG-4 B", "mov H.264 B", "mkv H.264 B", "mkv MPEG-2 B", "flv H.264 B", "ts H.264 B",
     "ts MPEG-2 B", "avi H.264", "avi MPEG-4", "wmv H.264", "wmv MPEG-4"],
)  # fmt: skip
def test_a_varying_rate(tmp_path: Path, case: str) -> None:
    container, codec = case.split(maxsplit=1)
    path = tmp_path / f"a.{container}"
    write_encoded(path, codec, stamps=VARYING)
    for fps in (25, 6):
        expected = numbers_on_screen([Fraction(stamp, RATE) for stamp in VARYING], Fraction(81, RATE), fps)
        assert numbers_sampled(path, fps) == expected


@pytest.mark.parametrize("case", ["avi H.264 B", "avi MPEG-4 B", "avi MPEG-2 B", "wmv H.264 B", "wmv MPEG-4 B"])
def test_b_pictures_at_a_varying_rate_where_only_decoding_has_times(tmp_path: Path, case: str) -> None:
    container, codec = case.split(maxsplit=1)
    path = tmp_path / f"a.{container}"
    for stamps in (VARYING, [*range(17), *range(18, 41)]):
        write_encoded(path, codec, stamps=stamps)
        assert "B-pictures at a varying rate" in refused(path)


@pytest.mark.parametrize("container", ["mpg", "vob"])
@pytest.mark.parametrize("codec", ["H.264", "H.264 B", "MPEG-1 B", "MPEG-2", "MPEG-2 B"])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_program_streams_of_few_bytes_are_whole(tmp_path: Path, container: str, codec: str, rate: Fraction) -> None:
    path = tmp_path / f"a.{container}"
    write_encoded(path, codec, stamps=range(120), time_base=1 / rate)
    assert path.stat().st_size < 100_000  # FFmpeg guesses their length by far too short or too long
    assert numbers_sampled(path, float(rate)) == list(range(120))


STREAMS = ["ts H.264", "ts H.264 B", "ts H.264 open", "ts HEVC open", "ts MPEG-2 open", "ts MPEG-4 open", "m2ts H.264 B",
           "mpg H.264", "mpg H.264 B", "mpg MPEG-2", "mpg MPEG-2 open", "mpg MPEG-1 B", "vob MPEG-2 B"]  # fmt: skip


@pytest.mark.parametrize("case", STREAMS)
def test_joined_streams_follow_each_other(tmp_path: Path, case: str) -> None:
    container, codec = case.split(maxsplit=1)
    one, other = tmp_path / f"one.{container}", tmp_path / f"other.{container}"
    write_encoded(one, codec, stamps=range(30), shift=Fraction(100))
    # The second begins earlier, or (where groups are open) with pictures that cannot be decoded.
    first = write_encoded(other, codec, shift=Fraction(7), groups_cut=1)
    expected = [*range(30), *range(first, 40), *range(first, 40)]
    path = joined(tmp_path / f"joined.{container}", one, other, other)
    assert numbers_sampled(path, 25) == expected
    on_screen = at_rate(len(expected), 6)
    assert numbers_sampled(path, 6) == [expected[place] for place in on_screen]
    assert sum(sample.frames for sample in sampled_pictures(path, 25, threads=4)) == len(expected)


@pytest.mark.parametrize("case", ["ts H.264 B", "ts MPEG-2 open", "mpg H.264 B", "mpg MPEG-2 open"])
@pytest.mark.parametrize("before", [Fraction(23, 10), Fraction(18, 10), Fraction(6, 10), Fraction(1, 25)])
def test_time_stamps_that_run_out_of_bits(tmp_path: Path, case: str, before: Fraction) -> None:
    container, codec = case.split(maxsplit=1)
    path = tmp_path / f"a.{container}"
    write_encoded(path, codec, shift=WRAP - before)
    assert numbers_sampled(path, 25) == list(range(40))


@pytest.mark.parametrize("case", ["ts H.264", "ts MPEG-2 open", "mpg H.264 B", "mpg MPEG-2 open"])
def test_streams_that_are_joined_with_a_gap_are_broken(tmp_path: Path, case: str) -> None:
    container, codec = case.split(maxsplit=1)
    one, other = tmp_path / f"one.{container}", tmp_path / f"other.{container}"
    write_encoded(one, codec, shift=Fraction(7))
    for gap in (Fraction(3), Fraction(3600), Fraction(40_000)):
        write_encoded(other, codec, shift=7 + Fraction(40, RATE) + gap)
        said = refused(joined(tmp_path / f"a.{container}", one, other))
        assert "its time jumps" in said or "after pictures without a time stamp" in said


def test_a_stream_that_goes_back_inside_a_group_of_pictures_is_broken(tmp_path: Path) -> None:
    one, path = tmp_path / "one.ts", tmp_path / "joined.ts"
    write_encoded(one, "H.264")
    content = one.read_bytes()
    path.write_bytes(content + content[188 * (len(content) // 188 // 2) :])
    refused(path)


FILES = ["mp4 H.264 B", "mov MPEG-4 B", "3gp MPEG-4", "mkv H.264 B", "mkv MPEG-4", "webm VP9", "avi H.264 B", "avi MPEG-4",
         "flv H.264 B", "flv Sorenson", "wmv WMV 8", "wmv H.264 B"]  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_other_files_that_are_joined_are_broken(tmp_path: Path, case: str) -> None:
    container, codec = case.split(maxsplit=1)
    one, other = tmp_path / f"one.{container}", tmp_path / f"other.{container}"
    write_encoded(one, codec, muxer={"movflags": "faststart"} if container in ("mp4", "mov") else {})
    write_encoded(other, codec, stamps=range(20))
    for parts in ((one, other), (other, one)):
        said = refused(joined(tmp_path / f"a.{container}", *parts))
        assert f"a second one begins at byte {parts[0].stat().st_size}" in said or "its time goes back" in said


def test_a_long_still_is_what_the_file_says_and_a_longer_one_is_broken(tmp_path: Path) -> None:
    for name in ("a.mkv", "a.mp4", "a.flv", "a.wmv"):
        path = tmp_path / name
        write_encoded(path, "H.264", stamps=[0, 1, 2, 1000, 1001])
        assert numbers_sampled(path, 1) == [2] * 40
        write_encoded(path, "H.264", stamps=[0, 1, 2, 10_000, 10_001])
        assert "its time jumps from 0.08 s to 400.00 s" in refused(path)


@pytest.mark.parametrize(
    ("case", "lead"),
    [
        ("mp4 H.264 B", 0),
        ("mov H.264", 0),
        ("mkv H.264 B", 0),
        ("ts H.264 B", 1024),
        ("flv H.264 B", 1024),
        ("wmv WMV 8", 1024),
        ("mpg MPEG-2 B", 481),
    ],
)
def test_sound_that_starts_first(tmp_path: Path, case: str, lead: int) -> None:
    container, codec = case.split(maxsplit=1)
    path = tmp_path / f"a.{container}"
    write_encoded(path, codec, shift=Fraction(1), sound=(0, 3))
    # Encoders of sound begin `lead` samples early, which some formats say is to be skipped.
    starts = 1 + Fraction(lead, 16_000)
    begins = [starts + Fraction(number, RATE) for number in range(40)]
    for fps in (6, 25):
        assert numbers_sampled(path, fps) == numbers_on_screen(begins, begins[-1] + Fraction(1, RATE), fps)
    assert numbers_sampled(path, 6)[0] == BLACK


WITH_SOUND = [
    "mp4 H.264 B", "mkv H.264 B", "ts MPEG-2 B", "avi H.264 B", "avi MPEG-4", "wmv WMV 8",
    "mpg MPEG-2 B", "flv H.264",
]  # fmt: skip


@pytest.mark.parametrize("case", WITH_SOUND)
def test_sound_that_starts_later_or_lasts_longer_moves_nothing(tmp_path: Path, case: str) -> None:
    container, codec = case.split(maxsplit=1)
    path = tmp_path / f"a.{container}"
    write_encoded(path, codec, sound=(1, 4))
    assert numbers_sampled(path, 25) == list(range(40))


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi", "ts", "mpg", "flv", "wmv"])
def test_damaged_files_are_read_or_broken_and_never_a_fault_of_ours(tmp_path: Path, container: str) -> None:
    path, generator = tmp_path / f"a.{container}", np.random.default_rng(0)
    write_encoded(path, "MPEG-2 open" if container == "mpg" else "WMV 8" if container == "wmv" else "H.264 open")
    whole = path.read_bytes()
    for _ in range(12):
        content, place, length = bytearray(whole), *generator.integers([len(whole), 3000]).tolist()
        match generator.integers(4):
            case 0:
                content[place] ^= 255
            case 1:
                del content[place:]
            case 2:
                del content[place : place + length]
            case _:
                content[place:place] = whole[length:]
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            numbers_sampled(path, 6)


def test_a_codec_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write_encoded(path, "H.264")
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/XYZ"))
    assert "FFmpeg has no decoder for its pictures" in refused(path)
