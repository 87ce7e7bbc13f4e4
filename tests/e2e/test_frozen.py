"""A `puente run` that is frozen in the midst of its work: another one takes over, and the first writes nothing when it wakes up."""

import signal
import sys
from pathlib import Path

import pytest

from foundation.eventlog.port import START
from schemas.control import run_of
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.firebird_server import FirebirdServer
from tests.engines.pausing import stands_still

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP")]


def runs(site: SmallSite) -> list[str | None]:
    """Of each word in the log, in order."""
    with site.log() as log:
        return [run_of(event) for event in log.read(site.topic("control"), START, 100_000).events]


def shown(site: SmallSite, name: str, key: str) -> list[object]:
    return [row[0] for row in site.caja_rows(name, f"DESCRIPCIO FROM CATINVEN WHERE PRODUCTO = '{key}'")]


def test_a_frozen_one_loses_the_log_and_writes_nothing_when_it_wakes_up(tmp_path: Path, firebird_server: FirebirdServer) -> None:
    site = build(tmp_path / "site", firebird_server.new_url)
    first = Running(site, "run")
    second: Running | None = None
    try:
        site.becomes_equal()
        frozen = runs(site)[-1]
        second = standby = Running(site, "run")
        wait_until(lambda: standby.told("stand by", "producer") != [])
        first.falls_asleep()
        site.sql("INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, STATUS) VALUES ('N-1', 'Nuevo', 'P', 1, 'A')")
        wait_until(lambda: all(shown(site, name, "N-1") == ["Nuevo"] for name in ("centro", "norte")))
        taken = runs(site)
        assert taken[-1] != frozen
        first.process.send_signal(signal.SIGCONT)
        wait_until(lambda: first.told("stand by", "producer") != [])
        site.sql("UPDATE INVE01 SET DESCR = 'Otro' WHERE CVE_ART = 'N-1'")
        wait_until(lambda: all(shown(site, name, "N-1") == ["Otro"] for name in ("centro", "norte")))
        assert frozen not in runs(site)[len(taken) :]
        assert site.differences() == []
    finally:
        first.process.send_signal(signal.SIGCONT)
        first.kill()
        if second is not None:
            second.kill()


def test_one_frozen_in_the_midst_of_a_transaction_keeps_no_row_locked_for_long(tmp_path: Path, firebird_server: FirebirdServer) -> None:
    site = build(tmp_path / "site", firebird_server.new_url)
    site.fill()
    first = Running(site, "consume", "--caja", "centro", entry="tests.e2e.freezing:main")
    second: Running | None = None
    try:
        # Given one that stands still when it has written prices and not committed them
        wait_until(lambda: first.told("claim") != [])
        site.sql("UPDATE PRECIO_X_PROD01 SET PRECIO = PRECIO + 1")
        second = successor = Running(site, "run")
        wait_until(lambda: stands_still(first.process))
        assert site.differences() != []
        # Then another one ends its connection and takes over
        site.becomes_equal()
        assert len(successor.told("end", "caja=centro")) == 1
        # And the first one stands by when it wakes up
        first.process.send_signal(signal.SIGCONT)
        wait_until(lambda: first.told("stand by", "centro") != [])
        site.sql("UPDATE INVE01 SET DESCR = 'Otro'")
        site.becomes_equal()
        assert "Traceback" not in first.said
    finally:
        first.process.send_signal(signal.SIGCONT)
        first.kill()
        if second is not None:
            second.kill()
