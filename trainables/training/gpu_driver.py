"""The driver of a GPU, which takes a while to begin: it does so while Python imports what will use it."""

from __future__ import annotations

import ctypes
import threading


def begin(device: str) -> None:
    """Open, in a thread, the GPU that `device` names: `auto`, `cpu`, `cuda` or `cuda:1`. Without one nothing happens.

    torch then finds it open. What goes wrong is left for torch to meet, which says it better.
    """
    if device != "cpu":
        threading.Thread(target=_open, args=(int(device.partition(":")[2] or 0),), name="gpu", daemon=True).start()


def _open(number: int) -> None:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return
    device, context = ctypes.c_int(), ctypes.c_void_p()
    if driver.cuInit(0) == 0 and driver.cuDeviceGet(ctypes.byref(device), number) == 0:
        # The context of a device that all of a process shares, torch too.
        driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)
