import subprocess
import sys
import textwrap

import pytest


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:7"])
def test_the_gpu_is_open_for_torch_and_one_that_is_not_there_is_left_for_torch_to_meet(device):
    code = f"""
        import threading
        from crescendo.trainables.training import gpu_driver

        gpu_driver.begin({device!r})
        import torch

        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join()
        print(torch.ones(2, device="cuda" if torch.cuda.is_available() else "cpu").sum().item())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("2.0\n", "")
