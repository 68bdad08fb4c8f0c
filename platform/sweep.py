"""The script that `ray submit` runs on the head of a cluster: `crescendo sweep`, joined to that cluster."""

import sys

from crescendo.platform.commands.lazy_group import alone
from crescendo.platform.commands.sweep import sweep
from crescendo.platform.console import guarded

if __name__ == "__main__":
    sys.argv.append("--join")
    guarded(lambda: alone(sweep)(standalone_mode=False))
