"""SAE put back from an older backup: what was done since never happened, and every CAJA goes back with it."""

from pathlib import Path

from tests.e2e.small_site import SmallSite
from tests.engines.firebird_server import PrivateServer
from tests.scenarios.trouble import copy_file, edit, gbak_backup, gbak_restore, heals, once, put_back, running


def test_from_a_gbak_backup_while_puente_runs(server_site: SmallSite, tmp_path: Path) -> None:
    """Transactions are counted from the beginning again: no mark of before means anything."""
    site = server_site
    gbak_backup(site.sae_url, tmp_path / "older.fbk")
    with running(site):
        for turn in (2, 3, 4):
            edit(site, turn)
        heals(site)
        assert site.caja_rows("norte", "PRODUCTO FROM CATINVEN WHERE PRODUCTO STARTING WITH 'T-' AND ALTA = 'T' ORDER BY 1") != [("T-1",)]
        gbak_restore(tmp_path / "older.fbk", site.sae_url)
        heals(site)
        assert site.caja_rows("norte", "PRODUCTO FROM CATINVEN WHERE PRODUCTO STARTING WITH 'T-' AND ALTA = 'T' ORDER BY 1") == [("T-1",)]
        # And it is this SAE that is looked at from now on
        edit(site, 5)
        heals(site)


def test_from_a_copy_of_the_file_while_puente_runs(
    stoppable_site: SmallSite, second_firebird_server: PrivateServer, tmp_path: Path
) -> None:
    """Nothing in the database shows it: the numbers of transactions go on from where the copy was made."""
    site = stoppable_site
    second_firebird_server.stop()
    copy_file(site.sae_url, tmp_path / "older.fdb")
    second_firebird_server.start()
    with running(site):
        for turn in (2, 3, 4):
            edit(site, turn)
        heals(site)
        second_firebird_server.stop()
        put_back(tmp_path / "older.fdb", site.sae_url)
        second_firebird_server.start()
        # As many transactions as there were before, so that a mark of before could be taken for one of now
        for turn in (12, 13, 14):
            edit(site, turn)
        heals(site)
        edit(site, 15)
        heals(site)


def test_from_a_copy_of_the_file_while_puente_is_stopped(embedded_site: SmallSite, tmp_path: Path) -> None:
    site = embedded_site
    copy_file(site.sae_url, tmp_path / "older.fdb")
    for turn in (2, 3, 4):
        edit(site, turn)
    once(site)
    put_back(tmp_path / "older.fdb", site.sae_url)
    once(site)
    assert site.differences() == []
    edit(site, 2)
    once(site)
    assert site.differences() == []
