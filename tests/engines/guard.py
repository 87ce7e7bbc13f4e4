"""A program that outlives a test run by a moment, to end the server that the run left behind: `guard.py OWNER SETTINGS`.

It waits for the process OWNER to end, by kill -9 too; then it kills what was started with the file SETTINGS as an argument, and
removes that file's folder. It looks at the system and is told nothing: so nothing is missed between two steps of a run that
dies, and a child of the run that lives on does not hold it up.
"""

import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

LOOK_SECONDS = 0.1


def wait_for_the_end_of(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        owner = psutil.Process(pid)
        # A zombie has ended, though whoever started it may never ask.
        while owner.is_running() and owner.status() != psutil.STATUS_ZOMBIE:
            time.sleep(LOOK_SECONDS)


def kill_all_with(argument: str) -> None:
    """Kills every process that has this argument but ourselves, who have it as well."""
    ours = psutil.Process().pid
    found = [each for each in psutil.process_iter(["cmdline"]) if argument in (each.info["cmdline"] or ()) and each.pid != ours]
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(found, timeout=10)


def main(owner: int, settings: str) -> None:
    wait_for_the_end_of(owner)
    # First: a server that is only about to be started does not come up without it.
    Path(settings).unlink(missing_ok=True)
    kill_all_with(settings)
    shutil.rmtree(Path(settings).parent, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
