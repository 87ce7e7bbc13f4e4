"""Two consumers of one CAJA: one writes, the other stands by; and a holder that sleeps and wakes up late."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.firebird_server import FirebirdServer
from tests.engines.pausing import pause

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def site(tmp_path: Path, firebird_server: FirebirdServer) -> SmallSite:
    made = build(tmp_path / "site", firebird_server.new_url)
    made.fill()
    return made


def holder(site: SmallSite) -> int | None:
    """The process that writes to norte."""
    found = json.loads(site.puente("status", "--json").stdout)
    said = next(caja for caja in found["cajas"] if caja["name"] == "norte")["holder"]
    return None if said is None else int(said.rsplit("(", 1)[1].rstrip(")"))


def change(site: SmallSite, turn: int) -> None:
    site.sql(f"UPDATE INVE01 SET DESCR = 'Vuelta {turn}' WHERE STATUS = 'A'", f"UPDATE MULT01 SET EXIST = {turn}")
    assert site.puente("produce", "--once").returncode == 0


def is_shown(site: SmallSite) -> bool:
    return all(not comparison.differences for comparison in site.compare("norte"))


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        os.kill(process.pid, signal.SIGCONT)
        process.terminate()
    for process in processes:
        assert "Traceback" not in process.communicate(timeout=30)[0]


def test_a_holder_that_sleeps_loses_the_caja_and_does_not_write_when_it_wakes_up(site: SmallSite) -> None:
    first = site.start("consume", "--caja", "norte")
    second = None
    try:
        wait_until(lambda: holder(site) == first.pid)
        second = site.start("consume", "--caja", "norte")
        change(site, 1)
        wait_until(lambda: is_shown(site))
        assert holder(site) == first.pid
        # Given a holder that sleeps, with changes that it has not seen
        pause(first)
        change(site, 2)
        # Then the other takes over
        wait_until(lambda: holder(site) == second.pid)
        wait_until(lambda: is_shown(site))
        touched = site.caja_rows("norte", "HEARTBEAT FROM PUENTE_LEASE")
        # And when the first wakes up, it stands by
        change(site, 3)
        os.kill(first.pid, signal.SIGCONT)
        wait_until(lambda: is_shown(site))
        assert holder(site) == second.pid
        assert site.caja_rows("norte", "HEARTBEAT FROM PUENTE_LEASE") > touched
        # Until the second is gone
        os.kill(second.pid, signal.SIGKILL)
        wait_until(lambda: holder(site) == first.pid)
        change(site, 4)
        wait_until(lambda: is_shown(site))
    finally:
        end(first)
        if second is not None:
            second.communicate(timeout=30)


def test_of_two_that_start_together_one_writes_and_nothing_is_lost(site: SmallSite) -> None:
    both = [site.start("consume", "--caja", "norte") for _ in range(2)]
    try:
        wait_until(lambda: holder(site) in {process.pid for process in both})
        for turn in range(5):
            change(site, turn)
        wait_until(lambda: is_shown(site))
        at_work = holder(site)
        end(*(process for process in both if process.pid == at_work))
        change(site, 9)
        wait_until(lambda: is_shown(site))
    finally:
        end(*(process for process in both if process.poll() is None))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, ExitCode.OK), (signal.SIGINT, ExitCode.INTERRUPTED)])
def test_a_clean_stop_gives_the_caja_back_at_once(site: SmallSite, number: int, code: ExitCode) -> None:
    """The client library would rather have ended every connection at these signals."""
    process = site.start("run")
    try:
        wait_until(lambda: holder(site) == process.pid)
    finally:
        process.send_signal(number)
        said = process.communicate(timeout=30)[0]
    assert process.returncode == code
    assert "Could not end cleanly" not in said
    assert "connection shutdown" not in said
    assert site.caja_rows("norte", "FENCING_TOKEN FROM PUENTE_LEASE") == [(None,)]
    assert site.caja_rows("centro", "FENCING_TOKEN FROM PUENTE_LEASE") == [(None,)]
