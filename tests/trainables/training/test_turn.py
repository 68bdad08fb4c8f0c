"""Turns at one GPU, between real processes."""

import subprocess
import sys
import threading

import pytest
import torch

from crescendo.trainables.training.turn import gpu_turn, turn, turn_file

HOLD = """
import sys
from pathlib import Path
from crescendo.trainables.training.turn import turn
with turn(Path(sys.argv[1])):
    print("inside", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that has the turn, until its standard input is closed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "turn")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"inside\n"
        yield process
        process.kill()


@pytest.mark.parametrize("killed", [False, True])
def test_one_waits_until_the_other_is_done_or_dead(holder, tmp_path, killed):
    entered = threading.Event()

    def wait() -> None:
        with turn(tmp_path / "turn"):
            entered.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not entered.is_set()
    if killed:
        holder.kill()
    else:
        holder.stdin.close()
    assert entered.wait(60)
    thread.join()


def test_one_has_turn_after_turn(tmp_path):
    for _ in range(2):
        with turn(tmp_path / "turn"):
            pass


def test_nobody_waits_where_there_is_no_gpu():
    with gpu_turn("cpu")(), gpu_turn("cpu")():
        pass
    if not torch.cuda.is_available():
        with gpu_turn("auto")(), gpu_turn("auto")():
            pass


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_has_one_file_however_it_is_named():
    assert turn_file(torch.device("cuda")) == turn_file(torch.device("cuda:0"))
    with gpu_turn("auto")():
        assert turn_file(torch.device("cuda")).exists()
