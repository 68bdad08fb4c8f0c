"""Frames from pipes: what is read, and what a hostile pipe can do."""

import io
import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.detector.sources import BrokenInput, frames_of, open_matrix
from crescendo.trainables.errors import InputError


def pipe(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


def npy(*arrays) -> bytes:
    buffer = io.BytesIO()
    for array in arrays:
        np.save(buffer, array)
    return buffer.getvalue()


def values(frames) -> list:
    return [np.asarray(frame.features).tolist() for frame in frames]


MATRIX = np.arange(12, dtype="float32").reshape(4, 3)


@pytest.mark.parametrize(
    "data",
    [
        npy(MATRIX),
        npy(*MATRIX),
        npy(MATRIX[:1], MATRIX[1], MATRIX[2:], np.zeros((0, 3))),
        npy(MATRIX.astype(">f8")),
        npy(np.asfortranarray(MATRIX)),
        npy(MATRIX[0], np.asfortranarray(MATRIX[1:3]), MATRIX[3:]),
        npy(MATRIX.astype("int16")),
        b"".join(json.dumps({"features": row.tolist()}).encode() + b"\n" for row in MATRIX),
        b"\n".join(json.dumps({"features": row.tolist()}).encode() for row in MATRIX),
    ],
    ids=[
        "matrix",
        "rows",
        "both",
        "big endian",
        "Fortran's order",
        "several orders",
        "integers",
        "JSON lines",
        "JSON lines without the last end",
    ],
)
def test_frames_in_every_form(data):
    assert values(frames_of(pipe(data))) == MATRIX.tolist()


BLANK = [b"", b" ", b"\t", b"\r", b" \r", b"\v", b"\f", b"\x1e", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r"]


@given(
    lines=st.lists(
        st.tuples(
            st.lists(st.sampled_from(BLANK), max_size=3),
            st.sampled_from(BLANK),
            st.sampled_from([b"", b" ", b"\r", b"\t\r"]),
        ),
        max_size=6,
    ),
    last=st.sampled_from([b"", b"\n", b"\r\n", b"\n\n \n", b"\n \r", b"\n\xef\xbb\xbf"]),
)
def test_what_only_frames_the_lines_of_json_is_no_frame(lines, last):
    """Empty lines before a line, noise at its beginning and its end; nothing of it is counted."""
    written = [
        b"".join(line + b"\n" for line in before) + start + json.dumps({"features": [number]}).encode() + end
        for number, (before, start, end) in enumerate(lines)
    ]
    assert values(frames_of(pipe(b"\n".join(written) + last))) == [[number] for number in range(len(lines))]


@pytest.mark.parametrize("line", [b"\x00", b"\xef\xbb", b".", b"\xc2\xa0", b"null", b'""', b"{}", b"[]", b"# frames"])
def test_a_line_that_says_anything_is_no_framing(line):
    frames = frames_of(pipe(b"\n" + line + b'\n\n{"features": [1]}\n'))
    with pytest.raises(InputError, match=r"frame 0: its line(: not valid JSON| is no object)"):
        next(frames)
    assert values(frames) == [[1]]


def test_json_lines_may_have_time_stamps():
    lines = b'{"features": [1], "time": 0.5}\n{"time": null, "features": [2]}\n'
    assert [frame.time for frame in frames_of(pipe(lines))] == [0.5, None]


def test_a_bad_line_is_named_and_the_next_one_read():
    lines = b'{"features": [1]}\n{"features": [2]\n[3]\n{"f": 1}\n' + b"[" * 200_000 + b'\n\xff\n{"features": [4]}\n'
    frames, found, errors = frames_of(pipe(lines)), [], []
    while True:
        try:
            found.append(next(frames).features)
        except StopIteration:
            break
        except InputError as error:
            errors.append(str(error).split(":")[0])
    assert found == [[1], [4]]
    assert errors == [f"frame {number}" for number in (1, 2, 3, 4, 5)]


def test_a_line_without_end_takes_no_more_memory_than_allowed(monkeypatch):
    monkeypatch.setattr("crescendo.trainables.detector.sources._LARGEST_FRAME", 1000)
    frames = frames_of(pipe(b'{"features": [' + b"1," * 50_000 + b'1]}\n{"features": [7]}\n'))
    with pytest.raises(InputError, match="frame 0: its line is longer than 1,000 bytes"):
        next(frames)
    assert next(frames).features == [7]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (npy(MATRIX)[:-5], r"frame 3: the input ends inside it \(7 of 12 bytes\)"),
        (npy(MATRIX) + b"\x93NUM", "frame 4: no .npy array"),
        (npy(MATRIX) + b"garbage, much of it", "frame 4: no .npy array"),
        (b"\x93NUMPY\x01\x00\xff\xff{'descr'", "frame 0: the .npy array has a broken header"),
        (b"\x93NUMPY\x07\x00" + bytes(100), "frame 0: no .npy array"),
        (npy(MATRIX.astype(str)), "is of type <U"),
        (npy(np.zeros(3, dtype=[("a", "f4")])), "features are real numbers"),
        (npy(np.asfortranarray(MATRIX))[:-5], "frame 0: it announces 48 bytes of values but holds 43"),
        (
            npy(np.asfortranarray(MATRIX))[:128].replace(b"(4, 3), }   ", b"(4000000000, 3), }"),
            "frame 0: .* in Fortran order, more than",
        ),
        (npy(np.float32(3)), r"has shape \(\)"),
        (npy(MATRIX[None]), r"has shape \(1, 4, 3\)"),
        (npy(np.zeros((1, 0)))[:128].replace(b"(1, 0), }  ", b"(1, 9999999999), }"), "frame 0: "),
    ],
)
def test_a_broken_npy_pipe_is_named(data, reason):
    with pytest.raises(BrokenInput, match=reason):
        values(frames_of(pipe(data)))


def test_an_object_array_is_refused_and_does_not_run(tmp_path):
    marker = tmp_path / "it ran"

    class Malice:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    np.save(tmp_path / "malice.npy", np.array([[Malice()]], dtype=object), allow_pickle=True)
    with pytest.raises(BrokenInput, match="is of type object"):
        next(frames_of(pipe((tmp_path / "malice.npy").read_bytes())))
    with pytest.raises(InputError, match=r"not a \.npy file of numbers"):
        open_matrix(tmp_path / "malice.npy", 1)
    assert not marker.exists()


@pytest.mark.parametrize("matrix", [MATRIX, np.asfortranarray(MATRIX), MATRIX[:1], MATRIX[:0], MATRIX.astype("f2")])
def test_the_frames_of_a_file(tmp_path, matrix):
    np.save(tmp_path / "one.npy", matrix)
    rows = [getattr(one, "features", one) for one in open_matrix(tmp_path / "one.npy", 3)]
    assert [row.tolist() for row in rows] == matrix.tolist()


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "not a .npy file"),
        (lambda path: path.write_bytes(npy(MATRIX)[:-5]), "not a .npy file"),
        (lambda path: path.write_bytes(b"text"), "not a .npy file"),
        (lambda path: np.save(path, MATRIX[0]), r"has shape \(3,\); the model takes \(frames, 3\)$"),
        (lambda path: np.save(path, MATRIX[:, :2]), r"has shape \(4, 2\); the model takes \(frames, 3\)$"),
        (lambda path: np.save(path, MATRIX.T), r"has shape \(3, 4\); .* axes seem to be exchanged, transpose it$"),
        (lambda path: np.savez(path.open("wb"), a=MATRIX), "no .npy array"),
    ],
)
def test_what_is_no_matrix_is_refused(tmp_path, write, reason):
    path = tmp_path / "one.npy"
    write(path)
    with pytest.raises(InputError, match=reason):
        open_matrix(path, 3)
