"""Neighbours that take all the CPU they can get, one for each core.

Each has a session of its own, as services have, and so has each side, and the server: Linux shares the CPU out among sessions first. With
neighbours in the session of one side, that side alone would be slowed down by them.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.machine import cores

SPIN = """
import os
owner = os.getppid()
while os.getppid() == owner:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def spinning_neighbours() -> Iterator[None]:
    """They end with the block, and with us however we end."""
    neighbours = [
        subprocess.Popen([sys.executable, "-I", "-c", SPIN], stdin=subprocess.DEVNULL, start_new_session=True) for _ in range(cores())
    ]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
