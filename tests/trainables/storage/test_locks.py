"""Locks of folders."""

import pytest

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.locks import hold, is_held


def test_a_lock_is_seen_by_whoever_asks_and_by_whoever_wants_it(tmp_path):
    file = tmp_path / "output" / "some.lock"
    assert is_held(file) is False
    assert not file.parent.exists()
    lock = hold(file, "busy")
    assert is_held(file) is True
    with pytest.raises(InputError, match="busy"):
        hold(file, "busy")
    lock.release()
    assert is_held(file) is False
    hold(file, "busy").release()
