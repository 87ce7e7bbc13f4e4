"""The installed command on a terminal of its own."""

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.e2e.small_site import COMMAND, SmallSite

MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(site: SmallSite, columns: int, *arguments: str | Path) -> str:
    """All that the command shows on one of that width, what it writes over included."""
    ours, theirs = pty.openpty()
    environment = {**site.environment(), "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen([COMMAND, *arguments], cwd=site.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # how Linux tells that the other side has ended
            pass
        assert process.wait(60) in {0, 3}, shown
    os.close(ours)
    return MOVES.sub("", shown.decode("utf-8")).replace("\r\n", "\n").replace("\r", "\n")
