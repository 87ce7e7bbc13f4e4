"""The installed command in front of somebody at a terminal."""

import os
import pty
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.small_site import COMMAND


@dataclass(frozen=True)
class Said:
    """What stood on the screen in the end."""

    returncode: int
    screen: str


def at_terminal(folder: Path, environment: dict[str, str], arguments: Sequence[str], typed: str) -> Said:
    """Runs the command with a terminal on all three streams; what is typed waits there until it is asked for."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [COMMAND, *arguments], cwd=folder, env=environment, stdin=its, stdout=its, stderr=its, start_new_session=True
    ) as command:
        os.close(its)
        os.write(ours, typed.encode())
        screen = b"".join(iter(lambda: _read(ours), b""))
        code = command.wait(60)
    os.close(ours)
    return Said(code, screen.decode("utf-8", errors="replace").replace("\r\n", "\n"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed: Linux says so by an error
        return b""
