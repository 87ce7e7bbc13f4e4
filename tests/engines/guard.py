"""A program that outlives a test run by a moment, to end the server that the run left behind: `guard.py SETTINGS OWNER…`.

It waits for one of the processes OWNER to end, by kill -9 too; then it kills what was started with the file SETTINGS as an
argument, and removes that file's folder. It looks at the system and is told nothing: so nothing is missed between two steps of
a run that dies, and a child of the run that lives on does not hold it up.
"""

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

LOOK_SECONDS = 0.1
KILLED_SECONDS = 10


def has_ended(process: psutil.Process) -> bool:
    """Also when it is a zombie: whoever started it may never ask for its end."""
    with suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def wait_for_the_end_of_one(pids: Sequence[int]) -> None:
    with suppress(psutil.NoSuchProcess):
        owners = [psutil.Process(pid) for pid in pids]
        while not any(map(has_ended, owners)):
            time.sleep(LOOK_SECONDS)


def kill_all_with(argument: str) -> None:
    """Kills every process that has this argument but ourselves, who have it as well; returns when they are gone."""
    ours = psutil.Process().pid
    found = [each for each in psutil.process_iter(["cmdline"]) if argument in (each.info["cmdline"] or ()) and each.pid != ours]
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    limit = time.monotonic() + KILLED_SECONDS
    while not all(map(has_ended, found)) and time.monotonic() < limit:
        time.sleep(LOOK_SECONDS)


def main(settings: str, owners: Sequence[int]) -> None:
    wait_for_the_end_of_one(owners)
    # First: a server that is only about to be started does not come up without it.
    Path(settings).unlink(missing_ok=True)
    kill_all_with(settings)
    shutil.rmtree(Path(settings).parent, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], [int(pid) for pid in sys.argv[2:]])
