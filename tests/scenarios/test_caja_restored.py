"""A CAJA put back from an older backup, made without its ledger, or copied to a new branch."""

from pathlib import Path

import pytest

from tests.e2e.small_site import SmallSite
from tests.engines.firebird_server import PrivateServer
from tests.engines.users import execute
from tests.scenarios.trouble import copy_file, edit, file_of, gbak_backup, gbak_restore, heals, once, put_back, running


def test_from_a_copy_of_the_file_while_puente_is_stopped(embedded_site: SmallSite, tmp_path: Path) -> None:
    """Rows and ledger are of one moment: it goes on from there."""
    site = embedded_site
    copy_file(site.caja_urls["norte"], tmp_path / "older.fdb")
    for turn in (2, 3):
        edit(site, turn)
        once(site)
    put_back(tmp_path / "older.fdb", site.caja_urls["norte"])
    assert site.differences() != []
    once(site)
    assert site.differences() == []


def test_from_a_copy_of_the_file_while_puente_runs(
    stoppable_site: SmallSite, second_firebird_server: PrivateServer, tmp_path: Path
) -> None:
    site, older = stoppable_site, {name: tmp_path / f"{name}.fdb" for name in ("centro", "norte")}
    second_firebird_server.stop()
    for name, file in older.items():
        copy_file(site.caja_urls[name], file)
    second_firebird_server.start()
    with running(site):
        for turn in (2, 3):
            edit(site, turn)
            heals(site)
        second_firebird_server.stop()
        for name, file in older.items():
            put_back(file, site.caja_urls[name])
        second_firebird_server.start()
        heals(site)
        edit(site, 4)
        heals(site)


def test_from_a_gbak_backup_while_puente_runs(server_site: SmallSite, tmp_path: Path) -> None:
    """The writer still owns the ledger's tables, and everybody has the rights that he had."""
    site = server_site
    gbak_backup(site.caja_urls["norte"], tmp_path / "older.fbk")
    with running(site):
        edit(site, 2)
        heals(site)
        gbak_restore(tmp_path / "older.fbk", site.caja_urls["norte"])
        heals(site)
        edit(site, 3)
        heals(site)
    assert site.puente("check").returncode == 0


def test_from_before_puente_was_there_it_is_refused_until_setup(embedded_site: SmallSite) -> None:
    site = embedded_site
    execute(site.caja_urls["norte"], [f"DROP TABLE PUENTE_{name}" for name in ("GUARD", "POSITIONS", "ROWS", "WAITING")])
    edit(site, 2)
    done = site.puente("run", "--once")
    assert done.returncode == 2
    assert "norte: the ledger is missing: run puente setup" in done.stderr
    assert site.compare("centro")[0].differences == []
    assert site.puente("setup", "--yes").returncode == 0
    once(site)
    assert site.differences() == []


@pytest.mark.parametrize("sold", [False, True], ids=["as it was", "with sales of its own"])
def test_a_copy_for_a_new_branch_is_refused_until_it_is_adopted(embedded_site: SmallSite, sold: bool) -> None:
    # Given a copy of centro under the name of a new branch
    site = embedded_site
    site.caja_urls["sur"] = site.caja_urls["norte"].replace("norte", "sur")
    file_of(site.caja_urls["sur"]).write_bytes(file_of(site.caja_urls["centro"]).read_bytes())
    text = site.settings.read_text(encoding="utf-8")
    site.write_settings(f'{text}\n[[caja]]\nname = "sur"\nurl = "{site.caja_setting("sur")}"\n')
    edit(site, 2)
    # Then it is refused, and the others are served
    refused = site.puente("run", "--once")
    assert refused.returncode == 2
    lines = [line for line in refused.stderr.splitlines() if line.startswith("puente: ")]
    assert lines == [f"puente: {lines[0].removeprefix('puente: ')}"]
    assert "sur: its ledger belongs to the CAJA centro" in lines[0]
    assert "puente setup --adopt" in lines[0]
    assert [str(d) for name in ("centro", "norte") for d in site.compare(name)[0].differences] == []
    assert site.puente("check").returncode == 2
    # When it is adopted
    if sold:
        site.caja_sql("sur", "UPDATE EXIST SET EXISTIENDA = EXISTIENDA - 1", "UPDATE CATINVEN SET DESCRIPCIO = 'a mano'")
    assert site.puente("setup", "--yes", "--adopt").returncode == 0
    # Then it is one more CAJA
    once(site)
    assert site.differences() == []
    assert site.caja_rows("centro", "CAJA FROM PUENTE_GUARD") == [("centro",)]
    assert site.caja_rows("sur", "CAJA FROM PUENTE_GUARD") == [("sur",)]


def test_an_older_caja_and_a_younger_log_end_equal_too(embedded_site: SmallSite, tmp_path: Path) -> None:
    """What its ledger says was read stands in a log that is gone."""
    site = embedded_site
    copy_file(site.caja_urls["norte"], tmp_path / "older.fdb")
    edit(site, 2)
    once(site)
    for file in site.folder.glob("puente-log.db*"):
        file.unlink()
    put_back(tmp_path / "older.fdb", site.caja_urls["norte"])
    edit(site, 3)
    once(site)
    assert site.differences() == []
