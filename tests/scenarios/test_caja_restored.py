"""A CAJA put back from an older backup, made without its ledger, or copied to a new branch."""

from pathlib import Path

from tests.e2e.small_site import SmallSite
from tests.engines.firebird_server import PrivateServer
from tests.engines.users import execute
from tests.scenarios.trouble import Story, copy_file, file_of, gbak_backup, gbak_restore, put_back

LEDGER = ("PUENTE_LEASE", "PUENTE_POSITIONS", "PUENTE_ROWS", "PUENTE_PARKED", "PUENTE_LEFT_OUT")


def test_from_a_copy_of_the_file_while_puente_is_stopped(embedded_story: Story, tmp_path: Path) -> None:
    """Rows and ledger are of one moment: it goes on from there."""
    url = embedded_story.site.caja_urls["norte"]
    copy_file(url, tmp_path / "older.fdb")
    for _ in range(2):
        embedded_story.edit()
        embedded_story.once()
    put_back(tmp_path / "older.fdb", url)
    assert embedded_story.differences != []
    embedded_story.once()


def test_from_a_copy_of_the_file_together_with_another_log(embedded_story: Story, tmp_path: Path) -> None:
    """What its ledger says was read stands in a log that is gone."""
    site = embedded_story.site
    copy_file(site.caja_urls["norte"], tmp_path / "older.fdb")
    embedded_story.edit()
    embedded_story.once()
    site.delete_log()
    put_back(tmp_path / "older.fdb", site.caja_urls["norte"])
    embedded_story.edit()
    embedded_story.once()


def test_from_a_copy_of_the_file_while_puente_runs(stoppable_story: Story, second_firebird_server: PrivateServer, tmp_path: Path) -> None:
    urls = stoppable_story.site.caja_urls
    second_firebird_server.stop()
    for name, url in urls.items():
        copy_file(url, tmp_path / name)
    second_firebird_server.start()
    with stoppable_story.running():
        for _ in range(2):
            stoppable_story.edit()
            stoppable_story.heals()
        second_firebird_server.stop()
        for name, url in urls.items():
            put_back(tmp_path / name, url)
        second_firebird_server.start()
        stoppable_story.heals()
        stoppable_story.edit()
        stoppable_story.heals()


def test_from_a_gbak_backup_while_puente_runs(server_story: Story, tmp_path: Path) -> None:
    """The writer still owns the ledger's tables, and everybody has the rights that he had."""
    url = server_story.site.caja_urls["norte"]
    gbak_backup(url, tmp_path / "older.fbk")
    with server_story.running():
        server_story.edit()
        server_story.heals()
        gbak_restore(tmp_path / "older.fbk", url)
        server_story.heals()
        server_story.edit()
        server_story.heals()
    assert server_story.site.puente("check").returncode == 0


def test_from_before_puente_was_there_it_is_refused_until_setup(embedded_story: Story) -> None:
    site = embedded_story.site
    execute(site.caja_urls["norte"], [f"DROP TABLE {name}" for name in LEDGER])
    embedded_story.edit()
    assert refusal(site) == "puente: norte: the ledger is missing: run puente setup"
    assert site.compare("centro")[0].differences == []
    assert site.puente("setup", "--yes").returncode == 0
    embedded_story.once()


def test_a_copy_for_a_new_branch_is_refused_until_it_is_adopted(embedded_story: Story) -> None:
    # Given a copy of centro under the name of a new branch
    site = embedded_story.site
    site.caja_urls["sur"] = site.caja_urls["norte"].replace("norte", "sur")
    copy_file(site.caja_urls["centro"], file_of(site.caja_urls["sur"]))
    text = site.settings.read_text(encoding="utf-8")
    site.write_settings(f'{text}\n[[caja]]\nname = "sur"\nurl = "{site.caja_setting("sur")}"\n')
    embedded_story.edit()
    # Then it is refused with one line, and the others are served
    said = refusal(site)
    assert "sur: its ledger belongs to the CAJA centro" in said
    assert "puente setup --adopt" in said
    assert [found.differences for found in site.compare("centro", "norte")] == [[], []]
    assert site.puente("check").returncode == 2
    # When it is adopted, having sold and been edited meanwhile
    sold = "UPDATE EXIST SET EXISTIENDA = EXISTIENDA - 1 WHERE PRODUCTO NOT STARTING WITH 'T-'"
    site.caja_sql("sur", sold, "UPDATE CATINVEN SET DESCRIPCIO = 'a mano'")
    read = "TOPIC, TOPIC_ID, NEXT_OFFSET, LAST_DIGEST FROM PUENTE_POSITIONS ORDER BY TOPIC"
    before = site.caja_rows("sur", read)
    assert site.puente("setup", "--yes", "--adopt").returncode == 0
    assert site.caja_rows("sur", read) == before  # so that a log which is another one since is known
    # Then it is one more CAJA
    embedded_story.once()
    assert embedded_story.differences == []
    assert site.caja_rows("centro", "CAJA FROM PUENTE_LEASE") == [("centro",)]
    assert site.caja_rows("sur", "CAJA FROM PUENTE_LEASE") == [("sur",)]


def refusal(site: SmallSite) -> str:
    """The one line that `run --once` says."""
    refused = site.puente("run", "--once")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("puente: ")]
    return line
