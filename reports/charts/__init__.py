"""The charts of a report."""

import logging

# Of a home that cannot be written Matplotlib tells at length, before there is a chart, and works without it.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
