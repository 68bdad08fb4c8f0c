"""What is made of Ray's words on a process that broke."""

import pytest
from ray.core.generated.common_pb2 import ActorDiedErrorContext
from ray.exceptions import ActorDiedError, ActorUnavailableError, OutOfMemoryError, RayTaskError

from crescendo.platform.tuning.reasons import blame, reason
from crescendo.trainables.errors import DatasetChangedError, InputError, SurroundingsError

TRACEBACK = (
    "\x1b[36mray::Trainable.step()\x1b[39m (pid=1, ip=127.0.0.1)\n"
    '  File "a.py", line 1, in step\n    raise ValueError("no")\n{}\n'
)
LOW = (
    "Task was killed due to the node running low on memory.\nMemory on the node (IP: 10.0.0.1, ID: ab) where the task "
    "(actor ID: cd, name=Trainable.__init__, pid=7, memory used=2.71GB) was running was 30.19GB / 31.00GB (0.974), which "
    "exceeds the memory usage threshold of 0.95. Ray killed this worker (ID: ef) because it was the most recently "
    "scheduled task; to see more information about memory usage on this node, use `ray logs raylet.out -ip 10.0.0.1`."
)


def task_error(cause: Exception, last: str = "ValueError: no") -> RayTaskError:
    return RayTaskError("step", TRACEBACK.format(last), cause, proctitle="ray", pid=1, ip="127.0.0.1")


def died(message: str) -> ActorDiedError:
    context = ActorDiedErrorContext(error_message=message, class_name="Trainable", actor_id=b"\x01" * 16, pid=7)
    return ActorDiedError(context)


@pytest.mark.parametrize(
    ("error", "expected", "whose"),
    [
        (task_error(ValueError("no")), "ValueError: no", "trial"),
        (task_error(InputError("a: b; c")), "InputError: a: b; c", "trial"),
        (task_error(ValueError("first\n  second\n")), "ValueError: first second", "trial"),
        (
            task_error(RuntimeError("Caught it\nTraceback (most recent call last):\n  File x\nKeyError: 'walk'")),
            "RuntimeError: Caught it KeyError: 'walk'",
            "trial",
        ),
        (task_error(ValueError("x" * 5000)), f"ValueError: {'x' * 485} ... {'x' * 497}", "trial"),
        (task_error(SurroundingsError("/d: full")), "/d: full", "surroundings"),
        (task_error(DatasetChangedError("was a, is b")), "was a, is b", "data"),
        (ActorDiedError(task_error(TypeError("built"), "my.module.TypeError: built")), "TypeError: built", "trial"),
        (
            ActorDiedError(
                task_error(ImportError("x"), "ModuleNotFoundError: No module named 'mine'\n\nsee the manual")
            ),
            "ModuleNotFoundError: No module named 'mine' see the manual",
            "trial",
        ),
        (
            died(
                "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit "
                "detail: Worker unexpectedly exits with a connection error code 2. End of file."
            ),
            "its worker was lost (Worker unexpectedly exits with a connection error code 2. End of file.)",
            "trial",
        ),
        (
            died(f"The actor is dead because its worker process has died. Worker exit detail: {LOW}"),
            "Ray ended its process because the machine ran out of memory (30.19GB / 31.00GB in use); "
            "run fewer trials at once (resources.concurrent), or smaller ones",
            "trial",
        ),
        (OutOfMemoryError(LOW), None, "trial"),
        (ActorUnavailableError("the channel is closed", None), None, "machine"),
        (died("The actor died because its node has died. Node Id: 0102"), None, "machine"),
        ("Failure # 1 (occurred at today)\nTraceback\n  File x\nmy.OddError: only Tune's file has it\n", None, "trial"),
        (None, "unknown: Ray kept no word of it", "trial"),
    ],
)
def test_the_cause_is_shown_and_whose_fault_it_is(error, expected, whose):
    line = reason(error)
    assert "\n" not in line
    assert len(line) <= 1100
    if expected is not None:
        assert line == expected
    assert blame(error) == whose


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OutOfMemoryError(LOW), "ran out of memory (30.19GB / 31.00GB in use)"),
        (ActorUnavailableError("the channel is closed", None), "the channel is closed"),
        (died("The actor died because its node has died. Node Id: 0102"), "its machine was lost"),
        ("Failure\nmy.OddError: only Tune's file has it\n", "OddError: only Tune's file has it"),
    ],
)
def test_the_part_that_matters_is_not_cut(error, part):
    assert part in reason(error)
