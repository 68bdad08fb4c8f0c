"""The one exception that stands for something the user can mend."""


class InputError(Exception):
    """Input that cannot be used: its message is one line naming the file or key, the value, the rule and the remedy.

    The command line prints the message without a traceback and exits with code 2.
    """
