"""The installed command as a process that goes on, which may be asked what it has said so far."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.errors import ExitCode
from tests.e2e.command import ENTRY, Command
from tests.e2e.small_site import SmallSite
from tests.engines.pausing import pause


class Running:
    """`puente` with these arguments in the site's folder; the test ends it. `entry` stands for the command's own."""

    def __init__(self, site: SmallSite, *arguments: str, entry: str = ENTRY) -> None:
        self._site = site
        self._output = _new_file(site.folder)
        with self._output.open("ab") as out:
            self.process = Command(*arguments, folder=site.folder, environment=site.environment(), stdout=out, stderr=out, entry=entry)

    @property
    def said(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def told(self, action: str, about: str = "") -> list[str]:
        """The lines of one action, those that hold `about`."""
        return [line for line in self.said.splitlines() if f"action={action} " in f"{line} " and about in line]

    def falls_asleep(self) -> None:
        """At a moment when it writes nothing to a log that is a file: nobody else could before it wakes up (`SIGCONT`) or ends."""
        pause(self.process)
        while not self._site.may_write_log():
            self.process.send_signal(signal.SIGCONT)
            pause(self.process)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """It does not see what happens within; nor may anybody else use an embedded database that it has open: he would wait for it."""
        self.falls_asleep()
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def tells_where_it_stands(self) -> None:
        """What it said, and where each of its threads is, for a test that failed; it ends of that."""
        if self.process.poll() is None:
            for number in (signal.SIGCONT, signal.SIGABRT):  # one that stands still would not hear of it
                self.process.send_signal(number)
            self.process.wait()
        print(self.said)  # noqa: T201 - pytest shows it

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ends(self) -> None:
        """Asked to, and without a bug."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait()
        assert code == ExitCode.OK, f"{code} after:\n{self.said}"
        assert "Traceback" not in self.said, self.said

    def ends_cleanly(self) -> None:
        """And nothing went wrong before."""
        self.ends()
        assert " ERROR " not in self.said, self.said


def _new_file(folder: Path) -> Path:
    return folder / f"output-{len(list(folder.glob('output-*')))}"
