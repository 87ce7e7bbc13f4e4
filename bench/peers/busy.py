"""Neighbours that take all the CPU they can get, one for each core."""

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
    neighbours = [subprocess.Popen([sys.executable, "-I", "-c", SPIN], stdin=subprocess.DEVNULL) for _ in range(cores())]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
