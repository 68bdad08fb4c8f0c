"""What the user can mend."""


class InputError(Exception):
    """Input that cannot be used: its message is one line naming the file or key, the value, the rule and the remedy.

    The command line prints the message without a traceback and exits with code 2.
    """


class SurroundingsError(InputError):
    """What a training works with is gone or full for now: a disk, a data set. Tried again later, the same may succeed."""


class NoRoomError(InputError):
    """The free memory of a device does not hold a training now. With fewer others beside it, the same may succeed."""


class DatasetChangedError(InputError):
    """The data set is no longer the one that was begun with."""


class DivergedError(InputError):
    """The loss of a training, or its gradient, is no longer finite."""
