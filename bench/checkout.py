"""A checkout of Puente, this one or another, measured by its commands alone, each in a process of its own.

Needs Linux, as it reads what the kernel keeps of a process that has ended.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import click
import psutil

ENTRY = """
import sys
sys.argv[0] = "puente"
try:
    from puente.cli.main import main
except ImportError:  # where older checkouts have it
    from puente.cli import main
main()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """By one process: at most so many MB of memory, and so many seconds of CPU, in so many seconds."""

    what: str
    memory: float
    cpu: float
    seconds: float

    def __str__(self) -> str:
        about = f"CPU {self.cpu:.1f} s of {self.seconds:.0f} s ({100 * self.cpu / self.seconds:.1f} %)"
        return f"{self.what}: {self.memory:.0f} MB, {about}"


class Checkout:
    """A Puente whose commands run in a folder of their own."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self._folder = root, folder
        folder.mkdir(parents=True)

    def settings(self, sae: str, cajas: Sequence[str], *tables: str) -> None:
        """Those that nobody can leave out, and further tables."""
        tables = (
            f'company = "01"\n[sae]\nurl = "{sae}"',
            *tables,
            *(f'[[caja]]\nname = "t{n:02}"\nurl = "{url}"' for n, url in enumerate(cajas)),
        )
        (self._folder / "puente.toml").write_text("\n\n".join(tables) + "\n", encoding="utf-8")

    def start(self, *arguments: str, in_session: bool = True) -> subprocess.Popen[bytes]:
        """In our session or one of its own."""
        environment = {**os.environ, "PYTHONPATH": str(self.root), "PUENTE_LANG": "en"}
        with (self._folder / "output").open("ab") as output:
            command = [sys.executable, "-W", "ignore", "-c", ENTRY, *arguments]
            place = self._folder
            return subprocess.Popen(command, cwd=place, env=environment, stdout=output, stderr=output, start_new_session=not in_session)

    def run(self, what: str, *arguments: str) -> Used:
        """A command that comes to its end; raises where it does not end well."""
        began, process = monotonic(), self.start(*arguments)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise click.ClickException(f"{self.root}: puente {' '.join(arguments)} failed: {(self._folder / 'output').read_text()[-2000:]}")
        return Used(what=what, memory=used.ru_maxrss / 1024, cpu=used.ru_utime + used.ru_stime, seconds=monotonic() - began)

    @contextmanager
    def running(self, command: str, settle: float) -> Iterator[psutil.Process]:
        """Once it has settled for so many seconds."""
        process = self.start(command)
        try:
            sleep(settle)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()

    def idle(self, what: str, settle: float, seconds: float) -> Used:
        with self.running("run", settle) as watched:
            began, before = monotonic(), watched.cpu_times()
            sleep(seconds)
            now = watched.cpu_times()
            cpu = now.user + now.system - before.user - before.system
            return Used(what=what, memory=watched.memory_info().rss / 2**20, cpu=cpu, seconds=monotonic() - began)
