"""A process that stands still for a while, as on a machine that is suspended: its connections stay open, and nothing answers."""

import signal
import time
from pathlib import Path
from typing import Protocol

LOOK_SECONDS, STANDS = 0.005, "TZX"


class Process(Protocol):
    pid: int

    def send_signal(self, number: int, /) -> None: ...


def pause(process: Process) -> None:
    """Returns when the last of its threads stands still; until then it may answer what it is asked. `SIGCONT` wakes it up."""
    process.send_signal(signal.SIGSTOP)
    while not stands_still(process):
        time.sleep(LOOK_SECONDS)  # a thread that comes to a stop tells nobody


def stands_still(process: Process) -> bool:
    """Whether all of its threads do; so does one that is gone."""
    return all(state in STANDS for state in _states(process.pid))


def _states(pid: int) -> list[str]:
    """Of each thread, as Linux tells it; none of a process that is gone."""
    try:
        return [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []
