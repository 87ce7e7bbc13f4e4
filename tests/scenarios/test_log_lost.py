"""The log deleted, cut, or replaced by an older copy of itself: what was read from it is there no more, or other events are."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from tests.e2e.small_site import SmallSite, wait_until
from tests.scenarios.trouble import Story, copy_file
from tests.scenarios.trouble import put_back as put_back_database

LOG = "puente-log.db"
pytestmark = pytest.mark.file_log


def files(site: SmallSite) -> list[Path]:
    return [site.folder / f"{LOG}{part}" for part in ("", "-wal", "-shm")]


def delete(site: SmallSite) -> None:
    for file in files(site):
        file.unlink(missing_ok=True)


def keep_copy(site: SmallSite, folder: Path) -> None:
    """Made while nobody has it open."""
    folder.mkdir()
    for file in filter(Path.exists, files(site)):
        shutil.copyfile(file, folder / file.name)


def put_back(site: SmallSite, folder: Path) -> None:
    delete(site)
    for file in folder.iterdir():
        shutil.copyfile(file, site.folder / file.name)


def lose_last(site: SmallSite, count: int, *, places: bool = True) -> None:
    """The last events of every topic; with their `places`, as a power cut takes them, other events are given those next."""
    with closing(sqlite3.connect(site.folder / LOG)) as log, log:
        log.execute("DELETE FROM event WHERE place >= (SELECT next_offset - ? FROM topic WHERE id = event.topic)", (count,))
        if places:
            log.execute("UPDATE topic SET next_offset = MAX(0, next_offset - ?)", (count,))


def test_deleted_while_puente_is_stopped(embedded_story: Story) -> None:
    delete(embedded_story.site)
    embedded_story.edit()
    embedded_story.once()
    assert embedded_story.differences == []
    again = embedded_story.site.puente("run", "--once", "--json")
    assert again.stdout.count('"rows_written": 0') == 2


def test_deleted_under_a_running_puente_again_and_again(embedded_story: Story) -> None:
    with embedded_story.running():
        for _ in range(3):
            embedded_story.edit()
            delete(embedded_story.site)
            embedded_story.edit()
            embedded_story.heals()


def test_an_older_copy_put_back_while_puente_is_stopped(embedded_story: Story, tmp_path: Path) -> None:
    """CAJA is ahead of the log, which then gives the same places to other events."""
    keep_copy(embedded_story.site, tmp_path / "older")
    for _ in range(2):
        embedded_story.edit()
        embedded_story.once()
    put_back(embedded_story.site, tmp_path / "older")
    with embedded_story.no_price_goes_back():
        embedded_story.once()
    for _ in range(3):
        embedded_story.edit()
    embedded_story.once()


@pytest.mark.parametrize("edits", [0, 1, 4], ids=["nothing since", "shorter than it was", "longer"])
def test_the_machine_of_sae_and_the_log_put_back_as_it_was_last_week(embedded_story: Story, tmp_path: Path, edits: int) -> None:
    """Both agree with one another, and every CAJA is ahead of both: what was done since never happened."""
    story, url = embedded_story, embedded_story.site.sae_url
    keep_copy(story.site, tmp_path / "older")
    copy_file(url, tmp_path / "older.fdb")
    for _ in range(2):
        story.edit()
        story.once()
    put_back(story.site, tmp_path / "older")
    put_back_database(tmp_path / "older.fdb", url)
    for _ in range(edits):
        story.edit()
    done = story.site.puente("produce", "--once")
    assert done.returncode == 0, done.stderr
    with story.running():
        story.heals()


def test_without_a_producer_nothing_of_an_older_log_goes_in(embedded_story: Story, tmp_path: Path) -> None:
    site = embedded_story.site
    keep_copy(site, tmp_path / "older")
    embedded_story.edit()
    embedded_story.once()
    put_back(site, tmp_path / "older")
    with embedded_story.no_price_goes_back():
        done = site.puente("consume", "--once", "--caja", "norte")
        assert done.returncode == ExitCode.DOWN
        (told,) = [line for line in done.stderr.splitlines() if line.startswith("puente: ")]
        assert told.startswith("puente: The log was made again or lost its end, and no producer has compared it with SAE since (")
        assert "product" in told
        status = json.loads(site.puente("status", "--json").stdout)
        assert {site.topic("product"), site.topic("customer")} <= set(status["cajas"][0]["resyncs"])
        asked = site.puente("resync", "--caja", "norte", "--entity", "product")
        assert "come in once a producer has compared it with SAE" in asked.stdout
        embedded_story.once()


def test_an_older_copy_put_back_under_a_running_puente(embedded_story: Story, tmp_path: Path) -> None:
    keep_copy(embedded_story.site, tmp_path / "older")
    with embedded_story.running(), embedded_story.no_price_goes_back():
        for _ in range(2):
            embedded_story.edit()
            embedded_story.heals()
        put_back(embedded_story.site, tmp_path / "older")
        for _ in range(2):
            embedded_story.edit()
            embedded_story.heals()


@pytest.mark.parametrize(("count", "places"), [(1, True), (3, False), (1000, True), (1000, False)])
def test_the_last_events_lost_while_puente_is_stopped(embedded_story: Story, count: int, places: bool) -> None:
    """One CAJA has read what was lost, the other has not."""
    embedded_story.edit()
    assert embedded_story.site.puente("produce", "--once").returncode == 0
    assert embedded_story.site.puente("consume", "--once", "--caja", "centro").returncode == 0
    lose_last(embedded_story.site, count, places=places)
    embedded_story.edit()
    embedded_story.once()


@pytest.mark.parametrize("count", [2, 1000])
def test_the_last_events_lost_under_a_running_puente(embedded_story: Story, count: int) -> None:
    with embedded_story.running(), embedded_story.no_price_goes_back():
        embedded_story.edit()
        embedded_story.heals()
        lose_last(embedded_story.site, count)
        embedded_story.edit()
        embedded_story.heals()


def test_very_many_deletes_lost_with_the_log_bring_nothing_back_while_they_wait_to_be_let_through_again(embedded_story: Story) -> None:
    story, site, many = embedded_story, embedded_story.site, 60
    site.sql(*(f"INSERT INTO CLIN01 (CVE_LIN, DESC_LIN, STATUS) VALUES ('H-{n}', 'Línea', 'A')" for n in range(many)))
    story.once()
    assert [in_use(site, caja) for caja in ("centro", "norte")] == [many, many]
    # Given deletes that somebody let through and every CAJA has seen
    site.sql("DELETE FROM CLIN01 WHERE CVE_LIN STARTING WITH 'H-'")
    assert site.puente("produce", "--once", "--allow-deletes", f"{many}").returncode == 0
    assert site.puente("consume", "--once").returncode == 0
    # When the log loses them
    lose_last(site, many)
    story.edit()
    with story.running() as puente:
        wait_until(lambda: held(site) == [many, many])
        # Then all else goes on, and they do not come back
        story.heals()
        assert [in_use(site, caja) for caja in ("centro", "norte")] == [0, 0]
        assert puente.told("held", "product_line") != []
        # Nor when they are let through
        assert site.puente("produce", "--once", "--allow-deletes", f"{many}").returncode == 0
        wait_until(lambda: held(site) == [0, 0])
        assert [in_use(site, caja) for caja in ("centro", "norte")] == [0, 0]
        story.edit()
        story.heals()


def in_use(site: SmallSite, caja: str) -> int:
    """How many of the lines that this file adds."""
    ((count,),) = site.caja_rows(caja, "COUNT(*) FROM CATLINEA WHERE LINEA STARTING WITH 'H-' AND ALTA = 'T'")
    return int(count)


def held(site: SmallSite) -> list[int]:
    """How much waits for somebody to decide about deletes, in each CAJA."""
    return [caja["parked"].get("doubtful", {"count": 0})["count"] for caja in json.loads(site.puente("status", "--json").stdout)["cajas"]]
