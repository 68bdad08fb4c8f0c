"""NumPy's format without trust, beside NumPy's own reader."""

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crescendo.trainables.data.npy import npy_header, read_npy


def stored(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


numbers = hnp.arrays(
    st.sampled_from(["f2", "f4", "f8", ">f4", "i1", "u8", "?"]), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)
)


@given(numbers, st.booleans())
def test_every_array_of_numbers_is_read_as_numpy_reads_it(array, fortran):
    data = stored(np.asfortranarray(array) if fortran and array.ndim else array)
    found = read_npy(io.BytesIO(data))
    np.testing.assert_array_equal(found, np.load(io.BytesIO(data)))
    assert found.dtype == array.dtype
    assert npy_header(io.BytesIO(data)).shape == array.shape


@given(numbers, st.data())
def test_one_that_is_cut_anywhere_is_refused(array, data):
    whole = stored(array)
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError, match=r"holds|begins here|broken header"):
        read_npy(io.BytesIO(whole[:length]))


@given(st.binary(max_size=200))
def test_no_header_does_anything_but_be_refused(header):
    size = len(header).to_bytes(2, "little")
    try:
        read_npy(io.BytesIO(b"\x93NUMPY\x01\x00" + size + header))
    except ValueError:
        return


def test_no_memory_is_taken_for_values_that_are_only_announced():
    data = stored(np.zeros((2, 3), np.float32)).replace(b"(2, 3), }" + b" " * 15, b"(200000000000, 3), }    ")
    tracemalloc.start()
    with pytest.raises(ValueError, match="announces 2,400,000,000,000 bytes"):
        read_npy(io.BytesIO(data))
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()
