"""A chain in one process, of which one CAJA is well: of the others one's host is silent, one's refuses, and one has a profile that does
not fit."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from tests.e2e.running import Running
from tests.e2e.small_site import CajaSpec, SmallSite, build, wait_until
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.faulty_line import FaultyLine
from tests.engines.ports import HOST, free_port

WELL, SILENT, REFUSING, UNFIT = "sano", "mudo", "cerrado", "ajeno"
PATIENCE = tuple(f"{name}_seconds = 3600" for name in ("connect", "login", "statement"))
"""Whoever waited for the silent one, too, would wait longer than any test does."""
FIVE_EDITS = range(1, 6)


@pytest.fixture
def silent() -> Iterator[FaultyLine]:
    line = FaultyLine(target=9)
    line.silence()
    yield line
    line.close()


@pytest.fixture
def site(tmp_path: Path, silent: FaultyLine, site_log: str) -> SmallSite:
    """Set up and loaded while all were well; then three fall ill."""
    others = [CajaSpec(name=SILENT, lines=PATIENCE), CajaSpec(name=REFUSING), CajaSpec(name=UNFIT)]
    made = build(tmp_path / "site", EmbeddedDatabases(tmp_path).url, [*others, CajaSpec(name=WELL)])
    made.fill()
    made.edit_settings(made.caja_setting(SILENT), f"firebird+firebird://cajero:x@{silent.address}/caja.fdb")
    made.edit_settings(made.caja_setting(REFUSING), f"firebird+firebird://cajero:x@{HOST}:{free_port()}/caja.fdb")
    (made.folder / "otro.toml").write_text(_without_a_table("VVENTAS"), encoding="utf-8")
    made.edit_settings(f'name = "{UNFIT}"\n', f'name = "{UNFIT}"\nprofile = "otro.toml"\n')
    return made


def _without_a_table(name: str) -> str:
    """The profile that comes with Puente, with a table that no CAJA has."""
    own = files("consumer.profiles") / "caja50.toml"
    return own.read_text(encoding="utf-8").replace(name, f"NO_{name}")


def test_the_one_that_is_well_gets_each_change_as_if_the_others_were_not_there(site: SmallSite, silent: FaultyLine) -> None:
    running = Running(site, "run")
    try:
        for ill in (REFUSING, UNFIT):
            wait_until(lambda: bool(running.told("failed", f"worker={ill}")))  # noqa: B023 - runs at once
        wait_until(lambda: bool(silent._ends))
        for turn in FIVE_EDITS:
            site.sql(f"UPDATE INVE01 SET DESCR = 'Vuelta {turn}' WHERE STATUS = 'A'", f"UPDATE MULT01 SET EXIST = {turn}")
            site.becomes_equal(WELL)
        assert running.told("failed", f"worker={WELL}") == []
        assert {name: len(running.told("failed", f"worker={name}")) for name in (SILENT, REFUSING, UNFIT)} == {
            SILENT: 0,
            REFUSING: 1,
            UNFIT: 1,
        }
        assert "Traceback" not in running.said
        running.process.terminate()
        wait_until(lambda: site.caja_rows(WELL, "FENCING_TOKEN FROM PUENTE_LEASE") == [(None,)])
        running.process.terminate()  # the silent one has time for hours yet
        assert running.process.wait() in (ExitCode.OK, ExitCode.TERMINATED)
    finally:
        running.kill()


def test_once_finishes_the_one_that_is_well_and_tells_of_each_other(site: SmallSite) -> None:
    site.write_settings(site.settings.read_text(encoding="utf-8").replace("_seconds = 3600", "_seconds = 2"))
    site.sql("UPDATE MULT01 SET EXIST = 77")
    done = site.puente("run", "--once")
    assert done.returncode == ExitCode.CONFIG
    assert site.compare(WELL)[0].differences == []
    assert "NO_VVENTAS" in done.stderr
    assert "cannot be reached" in done.stderr
    assert "did not answer" in done.stderr
