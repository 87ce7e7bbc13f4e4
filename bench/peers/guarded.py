"""Processes of a run that end with it, also where it is killed."""

import os
import subprocess
import sys
from pathlib import Path

from tests.engines import guard


class Guarded:
    """Ends whatever was started with the file `settings` as an argument when we end, and removes that file's folder."""

    def __init__(self, settings: Path) -> None:
        self._guard = subprocess.Popen(
            # Isolated: the modules beside it are no modules of its.
            [sys.executable, "-I", guard.__file__, str(settings), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        """What it watched over has ended."""
        self._guard.kill()
        self._guard.wait()
