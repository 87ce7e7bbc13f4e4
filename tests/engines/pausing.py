"""A process that stands still for a while, as on a machine that is suspended: its connections stay open, and nothing answers."""

import os
import signal
import subprocess


def pause(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Returns when the last of its threads stands still; until then it may answer what it is asked. `SIGCONT` wakes it up."""
    process.send_signal(signal.SIGSTOP)
    if process.returncode is None:
        # Without taking the news from whoever waits for its end.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
