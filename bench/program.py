"""`puente run` as a process of its own: the installed command, with settings of the benchmark's folder."""

import signal
import subprocess
from pathlib import Path

from foundation.errors import ExitCode
from tests.e2e.small_site import COMMAND

STOP_SECONDS = 60.0


class Program:
    """One at a time: starting it ends the one that runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: str) -> None:
        """With the settings of that name; what the one before said is gone."""
        self.stop()
        with self._output.open("wb") as output:
            self._process = subprocess.Popen([COMMAND, "run", "-c", settings], cwd=self._folder, stdout=output, stderr=output)

    def stop(self) -> None:
        """As somebody does who ends it cleanly; in vain where it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        finally:
            process.kill()  # one that did not end; to one that did nothing happens
        assert code in (ExitCode.OK, ExitCode.TERMINATED), f"{code} after:\n{self.said}"

    @property
    def said(self) -> str:
        """By the one that was started last."""
        return self._output.read_text(encoding="utf-8")

    def told(self, action: str, worker: str) -> bool:
        """Whether it told this of one of its workers."""
        return any({f"action={action}", f"worker={worker}"} <= set(line.split()) for line in self.said.splitlines())

    @property
    def _output(self) -> Path:
        return self._folder / "output"
