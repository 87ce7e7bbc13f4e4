"""Two consumers of one CAJA: one writes, the other stands by; and a holder that sleeps and wakes up late."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.firebird_server import FirebirdServer

pytestmark = pytest.mark.e2e


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


@contextmanager
def consuming(site: SmallSite, holder_now: Running | None = None) -> Iterator[Running]:
    """One of norte's consumers, once it writes; or stands by, where another one is named."""
    running = Running(site, "consume", "--caja", "norte")
    try:
        if holder_now is None:
            wait_until(lambda: holder(site) == running.process.pid)
        yield running
    finally:
        running.kill()


def change(site: SmallSite, turn: int) -> None:
    site.sql(f"UPDATE INVE01 SET DESCR = 'Vuelta {turn}' WHERE STATUS = 'A'", f"UPDATE MULT01 SET EXIST = {turn}")
    assert site.puente("produce", "--once").returncode == 0


def is_shown(site: SmallSite) -> bool:
    return all(not comparison.differences for comparison in site.compare("norte"))


def test_a_holder_that_sleeps_loses_the_caja_and_does_not_write_when_it_wakes_up(site: SmallSite) -> None:
    with consuming(site) as first, consuming(site, first) as second:
        change(site, 1)
        wait_until(lambda: is_shown(site))
        assert holder(site) == first.process.pid
        # Given a holder that sleeps, with changes that it has not seen
        with first.asleep():
            change(site, 2)
            # Then the other takes over
            wait_until(lambda: holder(site) == second.process.pid)
            wait_until(lambda: is_shown(site))
            touched = site.caja_rows("norte", "HEARTBEAT FROM PUENTE_LEASE")
            change(site, 3)
        # And when the first wakes up, it stands by
        wait_until(lambda: is_shown(site))
        assert holder(site) == second.process.pid
        assert site.caja_rows("norte", "HEARTBEAT FROM PUENTE_LEASE") > touched
        # Until the second is gone
        second.kill()
        wait_until(lambda: holder(site) == first.process.pid)
        change(site, 4)
        wait_until(lambda: is_shown(site))
        first.ends()


def test_of_two_that_start_together_one_writes_and_nothing_is_lost(site: SmallSite) -> None:
    both = [Running(site, "consume", "--caja", "norte") for _ in range(2)]
    try:
        wait_until(lambda: holder(site) in {one.process.pid for one in both})
        for turn in range(5):
            change(site, turn)
        wait_until(lambda: is_shown(site))
        at_work = holder(site)
        both.sort(key=lambda one: one.process.pid != at_work)
        both[0].ends()
        change(site, 9)
        wait_until(lambda: is_shown(site))
        both[1].ends()
    finally:
        for one in both:
            one.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, ExitCode.OK), (signal.SIGINT, ExitCode.INTERRUPTED)])
def test_a_clean_stop_gives_the_caja_back_at_once(site: SmallSite, number: int, code: ExitCode) -> None:
    """The client library would rather have ended every connection at these signals."""
    running = Running(site, "run")
    try:
        wait_until(lambda: holder(site) == running.process.pid)
        running.process.send_signal(number)
        assert running.process.wait() == code, running.said
    finally:
        running.kill()
    assert "Could not end cleanly" not in running.said
    assert "connection shutdown" not in running.said
    assert site.caja_rows("norte", "FENCING_TOKEN FROM PUENTE_LEASE") == [(None,)]
    assert site.caja_rows("centro", "FENCING_TOKEN FROM PUENTE_LEASE") == [(None,)]
