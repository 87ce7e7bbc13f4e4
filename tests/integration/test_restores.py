"""SAE put back from a backup of gbak or from a copy of its file: the producer connects again, starts over, and the log ends equal to SAE.

After gbak transactions are numbered from the start, and every row is written by an early one; after a file's copy the numbers are those of
then. In both cases the marks of before would lose what comes next.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from firebird.driver import ShutdownMethod, ShutdownMode, SrvRestoreFlag

from foundation.errors import ConnectionLost
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.firebird_server import PrivateServer
from tests.engines.services import known_to_the_driver, services
from tests.integration.exact_site import Site

Action = Callable[[], None]


@dataclass
class Saved:
    """A SAE with its producer, whose database can be saved and put back."""

    site: Site
    save: Action
    restore: Action


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture(params=["gbak", "copy"])
def by_gbak(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "gbak")


@pytest.fixture(params=["embedded", "server"])
def saved(request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path, by_gbak: bool) -> Saved:
    make = _embedded if request.param == "embedded" else _on_a_server
    where = request.getfixturevalue("embedded" if request.param == "embedded" else "second_firebird_server")
    return make(where, stack, tmp_path / "saved", by_gbak)


def _embedded(databases: EmbeddedDatabases, stack: ExitStack, kept: Path, by_gbak: bool) -> Saved:
    """Nobody may be connected; the producer's connection ends without an error."""
    site, path = Site(databases.url("sae"), stack), databases.path("sae")
    save, restore = _gbak("", str(path), kept) if by_gbak else _copy(path, kept)
    ends = (site.database.close, site.sae.close)
    return Saved(site, _in_turn(*ends, save), _in_turn(*ends, restore))


def _on_a_server(server: PrivateServer, stack: ExitStack, kept: Path, by_gbak: bool) -> Saved:
    """The producer's connection breaks: the database is shut down for gbak, the server for a copy."""
    name = server.new_name("sae")
    site = Site(server.url(name), stack)
    if by_gbak:
        save, restore = _gbak(known_to_the_driver(server.host, server.port), server.path(name), kept)
        return Saved(site, save, _in_turn(site.database.close, restore))
    save, restore = _copy(Path(server.path(name)), kept)
    stops = (site.database.close, server.kill)
    return Saved(site, _in_turn(*stops, save, server.start), _in_turn(*stops, restore, server.start))


def _in_turn(*actions: Action) -> Action:
    def run() -> None:
        for action in actions:
            action()

    return run


def _copy(path: Path, kept: Path) -> tuple[Action, Action]:
    def save() -> None:
        shutil.copy(path, kept)

    def restore() -> None:
        path.unlink()
        shutil.copy(kept, path)

    return save, restore


def _gbak(server: str, path: str, kept: Path) -> tuple[Action, Action]:
    def save() -> None:
        with services(server) as manager:
            manager.database.backup(database=path, backup=kept)
            manager.wait()

    def restore() -> None:
        with services(server) as manager:
            if server:
                manager.database.shutdown(database=path, mode=ShutdownMode.FULL, method=ShutdownMethod.FORCED, timeout=0)
            manager.database.restore(backup=kept, database=path, flags=SrvRestoreFlag.REPLACE)
            manager.wait()

    return save, restore


def settle(site: Site) -> None:
    """A pass that works: a lost connection is met once."""
    try:
        site.run()
    except ConnectionLost:
        site.run()


def test_after_a_restore_the_producer_starts_over_and_the_log_ends_equal(saved: Saved) -> None:
    site = saved.site
    saved.save()
    settle(site)
    site.sql("UPDATE INVE01 SET DESCR = 'after' WHERE CVE_ART = 'A'", "DELETE FROM INVE01 WHERE CVE_ART = 'B'")
    site.sql("INSERT INTO INVE01 (CVE_ART, STATUS) VALUES ('D', 'A')")
    assert {key: value is not None for key, value in site.published().items()} == {"product A": True, "product D": True, "product B": False}
    assert site.agrees()
    saved.restore()
    settle(site)
    assert site.agrees()
    site.sql("UPDATE INVE01 SET DESCR = 'later' WHERE CVE_ART = 'A'", "DELETE FROM INVE01 WHERE CVE_ART = 'C'")
    assert {key: value and value["description"] for key, value in site.published().items()} == {"product A": "later", "product C": None}


def test_what_is_edited_between_the_restore_and_the_producers_return_is_found(saved: Saved) -> None:
    site = saved.site
    saved.save()
    settle(site)
    for turn in range(30):  # after the restore the numbers are far behind
        site.sql(f"UPDATE CLIN01 SET DESC_LIN = 'turn {turn}'")
    settle(site)
    saved.restore()
    site.sql("UPDATE INVE01 SET DESCR = 'right after' WHERE CVE_ART = 'A'", "DELETE FROM PRECIO_X_PROD01 WHERE CVE_ART = 'B'")
    settle(site)
    assert site.agrees()
    site.sql("DELETE FROM MULT01 WHERE CVE_ART = 'B'", "UPDATE MULT01 SET EXIST = 1 WHERE CVE_ART = 'A'")
    assert sorted(site.published()) == ["stock.1 A", "stock.1 B"]
    assert site.agrees()
