"""The log deleted, replaced by an older copy of itself, or cut: what consumers had read may be gone, or be other events."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.small_site import SmallSite
from tests.scenarios.trouble import edit, heals, once, running

LOG = "puente-log.db"


def files(site: SmallSite) -> list[Path]:
    return [file for file in site.folder.glob(f"{LOG}*") if not file.name.endswith(".producer")]


def delete(site: SmallSite) -> None:
    for file in files(site):
        file.unlink()


def keep_copy(site: SmallSite, folder: Path) -> None:
    """Made while nobody has it open, so that the write-ahead log is in it."""
    folder.mkdir()
    for file in files(site):
        shutil.copyfile(file, folder / file.name)


def put_back(site: SmallSite, folder: Path) -> None:
    delete(site)
    for file in folder.iterdir():
        shutil.copyfile(file, site.folder / file.name)


def lose_last(site: SmallSite, count: int, *, forget_end: bool) -> None:
    """The last events of every topic; `forget_end` as a power cut does it, so that their places are given to others."""
    with closing(sqlite3.connect(site.folder / LOG)) as log, log:
        log.execute("DELETE FROM event WHERE place >= (SELECT next_offset - ? FROM topic WHERE id = event.topic)", (count,))
        if forget_end:
            log.execute("UPDATE topic SET next_offset = MAX(0, next_offset - ?)", (count,))


def test_deleted_while_puente_is_stopped(embedded_site: SmallSite) -> None:
    site = embedded_site
    delete(site)
    edit(site, 2)
    once(site)
    assert site.differences() == []
    again = site.puente("run", "--once", "--json")
    assert again.stdout.count('"rows_written": 0') == 2


def test_deleted_under_a_running_puente_again_and_again(embedded_site: SmallSite) -> None:
    site = embedded_site
    with running(site):
        for turn in (2, 3, 4):
            edit(site, turn)
            delete(site)
            edit(site, turn + 10)
            heals(site)


def test_an_older_copy_put_back_while_puente_is_stopped(embedded_site: SmallSite, tmp_path: Path) -> None:
    """CAJA is ahead of the log, which then gives the same places to other events."""
    site = embedded_site
    keep_copy(site, tmp_path / "older")
    for turn in (2, 3):
        edit(site, turn)
        once(site)
    put_back(site, tmp_path / "older")
    for turn in (13, 14, 15):
        edit(site, turn)
    once(site)
    assert site.differences() == []


def test_an_older_copy_put_back_under_a_running_puente(embedded_site: SmallSite, tmp_path: Path) -> None:
    site = embedded_site
    keep_copy(site, tmp_path / "older")
    with running(site):
        for turn in (2, 3):
            edit(site, turn)
            heals(site)
        put_back(site, tmp_path / "older")
        edit(site, 4)
        heals(site)
        edit(site, 5)
        heals(site)


@pytest.mark.parametrize("forget_end", [True, False], ids=["and their places", "but not their places"])
@pytest.mark.parametrize("count", [1, 3, 1000])
def test_the_last_events_lost_while_puente_is_stopped(embedded_site: SmallSite, count: int, forget_end: bool) -> None:
    """One CAJA has read what was lost, the other has not."""
    site = embedded_site
    edit(site, 2)
    assert site.puente("produce", "--once").returncode == 0
    assert site.puente("consume", "--once", "--caja", "centro").returncode == 0
    lose_last(site, count, forget_end=forget_end)
    edit(site, 13)
    once(site)
    assert site.differences() == []


@pytest.mark.parametrize("lose", [lambda site: lose_last(site, 2, forget_end=True), lambda site: lose_last(site, 1000, forget_end=True)])
def test_the_last_events_lost_under_a_running_puente(embedded_site: SmallSite, lose: Callable[[SmallSite], None]) -> None:
    site = embedded_site
    with running(site):
        edit(site, 2)
        heals(site)
        lose(site)
        edit(site, 13)
        heals(site)
