"""A stop does not wait for a driver that hangs: the first signal gives it a while, a second one ends the process at once."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.faulty_line import FaultyLine

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]
HOURS = "\n".join(f"{name}_seconds = 3600" for name in ("connect", "login", "statement"))


@pytest.fixture
def silent() -> Iterator[FaultyLine]:
    """Accepts, and says nothing."""
    line = FaultyLine(target=9)
    line.silence()
    yield line
    line.close()


@pytest.fixture
def site(tmp_path: Path, embedded: EmbeddedDatabases, silent: FaultyLine, site_log: str) -> SmallSite:
    """The CAJA norte stands behind a host that is silent, and is waited for by the hour."""
    made = build(tmp_path / "site", embedded.url)
    url = f'"{made.caja_setting("norte")}"'
    made.edit_settings(url, f'"firebird+firebird://cajero:x@{silent.address}/caja.fdb"\n{HOURS}')
    return made


def hangs(silent: FaultyLine) -> bool:
    """Whether somebody is connected who waits for the first word."""
    return bool(silent._ends)


def a_running(site: SmallSite, silent: FaultyLine, *arguments: str) -> Running:
    running = Running(site, *arguments)
    wait_until(lambda: hangs(silent) or running.process.poll() is not None)
    return running


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    "arguments", [("run",), ("consume", "--caja", "norte"), ("consume", "--once"), ("resync", "--caja", "norte", "--verbose")], ids=" ".join
)
def test_a_second_signal_ends_the_process_at_once_with_the_code_of_the_first(
    site: SmallSite, silent: FaultyLine, arguments: tuple[str, ...]
) -> None:
    running = a_running(site, silent, *arguments)
    try:
        running.process.send_signal(signal.SIGTERM)
        wait_until(lambda: bool(running.told("stop")))
        before = cpu_seconds(running.process.pid)
        time.sleep(1)
        assert cpu_seconds(running.process.pid) - before < 0.5  # it waits, and does not ask again and again
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait() == ExitCode.TERMINATED, running.said
        assert "Traceback" not in running.said
        assert "Fatal" not in running.said
    finally:
        running.kill()


def test_after_the_first_signal_what_hangs_has_its_time_and_no_more(site: SmallSite, silent: FaultyLine) -> None:
    site.write_settings(site.settings.read_text(encoding="utf-8") + "\n[run]\nstop_seconds = 1\n")
    running = a_running(site, silent, "run")
    try:
        wait_until(lambda: bool(running.told("ready", "caja=centro")))
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait() == ExitCode.INTERRUPTED, running.said
        assert running.told("cut off", "worker=norte")
        assert not running.told("cut off", "worker=centro")
        assert site.caja_rows("centro", "FENCING_TOKEN FROM PUENTE_LEASE") == [(None,)]
        assert "Traceback" not in running.said
    finally:
        running.kill()
