"""Pictures that show a number, which can be read again after a video was encoded, decoded and resized."""

from collections.abc import Iterable, Iterator

import numpy as np

_BITS = 4  # the number of a frame is a square of 4 x 4 bits
_GRID_SHARE = 0.8  # of the short side: the centre square that networks are shown is 7/8


def numbered(stamps: Iterable[int], height: int = 96, width: int = 128) -> Iterator[tuple[int, np.ndarray]]:
    """Yield for each of `stamps` a picture that shows its index, up to 65,535, to be read by `read_number`."""
    cell = int(min(height, width) * _GRID_SHARE) // _BITS
    top, left = (height - _BITS * cell) // 2, (width - _BITS * cell) // 2
    for number, stamp in enumerate(stamps):
        bits = (number >> np.arange(_BITS * _BITS)) & 1
        picture = np.full((height, width, 3), 128, np.uint8)
        square = np.kron(bits.reshape(_BITS, _BITS), np.ones((cell, cell), int)) * 255
        picture[top : top + _BITS * cell, left : left + _BITS * cell] = square[..., None]
        yield stamp, picture


def read_number(frame: np.ndarray, resize: int) -> int:
    """Return the number that a prepared frame, (3, size, size) uint8 of a short side of `resize`, shows."""
    cell = resize * _GRID_SHARE / _BITS
    places = np.rint(frame.shape[1] / 2 + (np.arange(_BITS) - (_BITS - 1) / 2) * cell).astype(int)
    bits = frame.mean(axis=0)[np.ix_(places, places)].reshape(-1) > 128
    return int((bits << np.arange(bits.size)).sum())
