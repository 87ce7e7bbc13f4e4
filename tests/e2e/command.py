"""The installed command, run by tests: hundreds of times, each a process of its own, forked off one that has imported all."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from select import select
from typing import IO

from foundation.once import once
from tests.e2e.prepared_process import Order
from tests.patience import HANG_SECONDS

ROOT = Path(__file__).parent.parent.parent
ENTRY = "puente.cli.main:main"
# What pyproject.toml tells pytest of kafka-python holds for the command, too.
WARNINGS = "error,ignore:read_text is deprecated,ignore:open_text is deprecated,ignore:unclosed <socket.socket"


class _Prepared:
    """The process that forks, one for each process that runs tests; it ends with it."""

    @once
    def control(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.prepared_process", str(theirs.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONWARNINGS": WARNINGS},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        atexit.register(process.wait)
        atexit.register(ours.close)
        return ours


_prepared = _Prepared()
_ordering = threading.Lock()


class Command:
    """One run, from its start on. As of `subprocess.Popen`: `pid`, `returncode`, `poll`, `wait`, `send_signal`, `terminate`, `kill`."""

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        environment: Mapping[str, str],
        stdout: IO[bytes] | int,
        stderr: IO[bytes] | int,
        stdin: int | None = None,
        entry: str = ENTRY,
        session: bool = False,
        file_size: int | None = None,
    ) -> None:
        order = Order(
            entry=entry, arguments=arguments, folder=str(folder), environment=dict(environment), session=session, file_size=file_size
        )
        answers, theirs = os.pipe()
        self._answers = os.fdopen(answers, "r")
        with Path(os.devnull).open("rb") as nothing:
            streams = [nothing if stdin is None else stdin, stdout, stderr, theirs]
            numbers = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
            with _ordering:
                socket.send_fds(_prepared.control, [json.dumps(asdict(order)).encode()], numbers)
        os.close(theirs)
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        if self.returncode is None and select([self._answers], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, seconds: float = HANG_SECONDS) -> int:
        """Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select([self._answers], [], [], seconds)[0]:
                raise subprocess.TimeoutExpired(ENTRY, seconds)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        self.returncode = int(self._answers.readline())
        self._answers.close()

    def send_signal(self, number: int) -> None:
        """To one that runs; to another none."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float = HANG_SECONDS,
    entry: str = ENTRY,
    file_size: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs the command and waits for its end; raises `subprocess.TimeoutExpired` with what it said so far."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = Command(*arguments, folder=folder, environment=environment, stdout=out, stderr=err, entry=entry, file_size=file_size)
        try:
            command.wait(timeout)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
            raise subprocess.TimeoutExpired(arguments, timeout, _text(out), _text(err)) from None
        assert command.returncode is not None
        return subprocess.CompletedProcess(arguments, command.returncode, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8").replace("\r\n", "\n")
