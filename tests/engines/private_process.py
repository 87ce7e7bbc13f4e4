"""The process of a server of the test run's own: how it is started, stopped, killed and paused is the same for a database and a broker."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.engines import pausing
from tests.engines.ports import listens

STOP_SECONDS = 20
"""A server that takes longer is killed: Firebird's does now and then."""
LOOK_SECONDS = 0.02


class PrivateProcess(ABC):
    """A server that a test may stop, kill, pause and start again, on the same port and with the same data. `root` is its folder."""

    root: Path
    port: int
    start_seconds: float
    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _did_not_start(self) -> Exception: ...

    def _environment(self) -> Mapping[str, str] | None:
        """Ours, unless it has one of its own."""
        return None

    def _note(self, pid: int | None) -> None:
        """Hears of each process before it is waited for, and of its end (None) before that; most need not know."""
        return

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """What the server wrote, of all its starts."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.root.glob("*.log")))

    def start(self) -> None:
        """Sees that the server runs and listens, whatever became of it before."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            return
        with (self.root / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for pytest, which then removes the server.
                start_new_session=True,
            )
        self._note(self._process.pid)
        try:
            self._wait_until_listening(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ends the server as its administrator would; its port and its data stay as they are."""
        self.resume()
        self._end(kill=False)

    def kill(self) -> None:
        """Ends the server as a crash would. What it had not synced is in the system's cache: cut it by hand to lose it."""
        self._end(kill=True)

    def pause(self) -> None:
        """Its connections stay open, and nothing answers."""
        if self._process is not None:
            pausing.pause(self._process)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _wait_until_listening(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + self.start_seconds
        while not listens(self.port):
            if process.poll() is not None or time.monotonic() > limit:
                raise self._did_not_start()
            time.sleep(LOOK_SECONDS)  # a port tells nobody that it is listened at

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # First: once the server has ended, its process id may be somebody else's.
        self._note(None)
        if not kill:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
