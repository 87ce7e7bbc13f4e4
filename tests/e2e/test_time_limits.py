"""A CAJA's server that refuses, stays silent, is slow or breaks off: every command says so in seconds, and `run` goes on by itself."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from tests.e2e.running import Running
from tests.e2e.small_site import TWO, CajaSpec, SmallSite, build, wait_until
from tests.engines.faulty_line import FaultyLine
from tests.engines.firebird_server import FirebirdServer

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]
SHORT = ("connect_seconds = 1", "login_seconds = 1", "statement_seconds = 2")
CENTRO = CajaSpec(name="centro", stores=TWO[0].stores, lines=SHORT)
MIDST_OF_LOGIN = 100
"""Of what the server says until it has let somebody in, some bytes."""
Fault = Callable[[FaultyLine], object]
REFUSES: Fault = FaultyLine.cut
IS_SILENT: Fault = FaultyLine.silence


def hangs_at_login(line: FaultyLine) -> None:
    line.after(MIDST_OF_LOGIN, line.silence, to_client=True)


def breaks_off_at_login(line: FaultyLine) -> None:
    """Again and again."""

    def break_off() -> None:
        line.break_off()
        breaks_off_at_login(line)

    line.after(MIDST_OF_LOGIN, break_off, to_client=True)


FAULTS = pytest.mark.parametrize(
    "fault", [REFUSES, IS_SILENT, hangs_at_login, breaks_off_at_login], ids=["refuses", "silent", "hangs at login", "breaks off at login"]
)


@pytest.fixture
def line(firebird_server: FirebirdServer) -> Iterator[FaultyLine]:
    with closing(FaultyLine(firebird_server.port)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, firebird_server: FirebirdServer, line: FaultyLine) -> Iterator[SmallSite]:
    """Its settings lead to centro through the line alone; the tests look straight."""
    made = build(tmp_path / "site", firebird_server.new_url, (CENTRO, TWO[1]))
    straight = made.caja_setting("centro")
    made.edit_settings(straight, straight.replace(f":{firebird_server.port}/", f":{line.port}/"))
    yield made
    line.mend()


@contextmanager
def running(site: SmallSite) -> Iterator[Running]:
    puente = Running(site, "run")
    try:
        yield puente
        puente.ends()
    finally:
        puente.kill()


def shows(site: SmallSite, name: str, text: str) -> bool:
    return site.caja_rows(name, "MAX(DESCRIPCIO) FROM CATLINEA WHERE ALTA = 'T'") == [(text,)]


@FAULTS
def test_every_command_says_which_host_it_is_and_exits_with_3(site: SmallSite, line: FaultyLine, fault: Fault) -> None:
    fault(line)
    for done in site.at_once(("status",), ("check",), ("setup", "--yes"), ("run", "--once")):
        said = done.stdout + done.stderr
        assert done.returncode == ExitCode.DOWN, said
        assert f"127.0.0.1/{line.port}" in said.replace("\n", ""), said
        assert "Traceback" not in said
    assert site.compare("norte")[0].differences == []
    line.mend()
    assert site.puente("run", "--once").returncode == ExitCode.OK
    assert site.differences() == []


@FAULTS
def test_run_goes_on_by_itself_when_the_host_is_back(site: SmallSite, line: FaultyLine, fault: Fault) -> None:
    site.fill()
    with running(site) as puente:
        site.sql("UPDATE CLIN01 SET DESC_LIN = 'uno'")
        wait_until(lambda: shows(site, "centro", "uno") and shows(site, "norte", "uno"))
        fault(line)
        if fault is not IS_SILENT:
            line.break_off()
        site.sql("UPDATE CLIN01 SET DESC_LIN = 'dos'")
        wait_until(lambda: shows(site, "norte", "dos"))
        wait_until(lambda: puente.told("failed", "worker=centro") != [])
        assert not shows(site, "centro", "dos")
        line.break_off()
        line.mend()
        wait_until(lambda: shows(site, "centro", "dos"))
        assert puente.told("failed", "worker=norte") == []
        site.becomes_equal()
    assert site.differences() == []


@pytest.mark.parametrize("to_client", [False, True], ids=["requests", "answers"])
def test_what_is_cut_again_and_again_while_it_is_written_is_all_there_in_the_end_and_nothing_twice(
    site: SmallSite, line: FaultyLine, to_client: bool
) -> None:
    with running(site) as puente:
        for turn, part in enumerate((300, 3_000, 10_000, 20_000)):
            cut = line.after(part, line.break_off, to_client=to_client)
            site.sql(f"UPDATE INVE01 SET DESCR = 'Turno {turn} ' || CVE_ART")
            wait_until(lambda: cut.is_done)  # noqa: B023 - runs at once
            site.becomes_equal("centro")
        assert puente.told("bug") == []
    assert site.differences() == []


def test_a_slow_line_is_waited_for(site: SmallSite, line: FaultyLine) -> None:
    site.edit_settings("connect_seconds = 1", "connect_seconds = 5")
    line.slow(0.03)
    done = site.puente("run", "--once")
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert site.differences() == []
