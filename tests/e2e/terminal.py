"""The installed command in front of somebody at a terminal."""

import os
import pty
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.command import Command


@dataclass(frozen=True)
class Said:
    """What stood on the screen in the end."""

    returncode: int
    screen: str


PROMPT, END = b": ", b"\x04"


def at_terminal(folder: Path, environment: dict[str, str], arguments: Sequence[str], lines: Iterable[str]) -> Said:
    """Runs the command with a terminal on all three streams. Each line is typed once it is asked for; one more question meets the end."""
    ours, its = pty.openpty()
    answers, screen = iter(lines), b""
    command = Command(*arguments, folder=folder, environment=environment, stdin=its, stdout=its, stderr=its, session=True)
    os.close(its)
    while shown := _read(ours):
        screen += shown
        if screen.endswith(PROMPT):
            os.write(ours, next((f"{answer}\n".encode() for answer in answers), END))
    code = command.wait()
    os.close(ours)
    return Said(code, screen.decode("utf-8", errors="replace").replace("\r\n", "\n"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed: Linux says so by an error
        return b""
