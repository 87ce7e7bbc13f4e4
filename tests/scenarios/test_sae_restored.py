"""SAE put back from an older backup: what was done since never happened, and every CAJA goes back with it."""

from pathlib import Path

from tests.engines.firebird_server import PrivateServer
from tests.scenarios.trouble import Story, copy_file, gbak_backup, gbak_restore, put_back


def added(story: Story) -> list[str]:
    """The products that edits added, as norte has them, who inactivates what SAE lacks."""
    found = story.site.caja_rows("norte", "PRODUCTO FROM CATINVEN WHERE PRODUCTO STARTING WITH 'T-' AND ALTA = 'T' ORDER BY PRODUCTO")
    return [row[0] for row in found]


def test_from_a_gbak_backup_while_puente_runs(server_story: Story, tmp_path: Path) -> None:
    """Transactions are counted from the beginning again: no mark of before means anything."""
    story, url = server_story, server_story.site.sae_url
    gbak_backup(url, tmp_path / "older.fbk")
    with story.running():
        for _ in range(3):
            story.edit()
        story.heals()
        assert added(story) == ["T-3", "T-4"]
        gbak_restore(tmp_path / "older.fbk", url)
        story.heals()
        assert added(story) == ["T-1"]
        # And it is this SAE that is looked at from now on
        story.edit()
        story.heals()
    assert added(story) == ["T-1", "T-5"]


def test_from_a_copy_of_the_file_while_puente_runs(stoppable_story: Story, second_firebird_server: PrivateServer, tmp_path: Path) -> None:
    """Nothing in the database shows it: the numbers of transactions go on from where the copy was made."""
    story, url = stoppable_story, stoppable_story.site.sae_url
    second_firebird_server.stop()
    copy_file(url, tmp_path / "older.fdb")
    second_firebird_server.start()
    with story.running():
        for _ in range(3):
            story.edit()
        story.heals()
        second_firebird_server.stop()
        put_back(tmp_path / "older.fdb", url)
        second_firebird_server.start()
        # As many transactions as there were before, so that a mark of before could be taken for one of now
        for _ in range(3):
            story.edit()
        story.heals()
        assert added(story) == ["T-1", "T-6", "T-7"]
        story.edit()
        story.heals()


def test_from_a_copy_of_the_file_while_puente_is_stopped(embedded_story: Story, tmp_path: Path) -> None:
    story, url = embedded_story, embedded_story.site.sae_url
    copy_file(url, tmp_path / "older.fdb")
    for _ in range(3):
        story.edit()
    story.once()
    assert added(story) == ["T-3", "T-4"]
    put_back(tmp_path / "older.fdb", url)
    story.once()
    assert added(story) == ["T-1"]
