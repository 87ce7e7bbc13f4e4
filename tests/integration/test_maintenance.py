"""A database that its administrator has shut: Puente does not come back before it is online again, though it may be SYSDBA."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa

from foundation.engines import create_database, open_database
from foundation.engines.database import Database
from foundation.errors import ConnectionLost
from tests.engines.administrator import run_tool
from tests.engines.firebird_server import FirebirdServer

LEFT_ALONE = r"its administrator has shut the database \(gfix -shut\)"


@pytest.fixture
def url(firebird_server: FirebirdServer) -> str:
    made = firebird_server.new_url("shut")
    create_database(made)
    return made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        read(opened)
        yield opened


def read(database: Database) -> None:
    with database.reading() as transaction:
        assert [tuple(row) for row in transaction.rows(sa.text("SELECT 1 FROM RDB$DATABASE"))] == [(1,)]


def gfix(url: str, *arguments: str) -> None:
    done = run_tool("gfix", url, lambda database: [*arguments, database])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["multi", "single", "full"])
def test_who_was_put_out_stays_out_until_the_database_is_online(url: str, database: Database, mode: str) -> None:
    gfix(url, "-shut", mode, "-force", "0")
    with pytest.raises(ConnectionLost):
        read(database)
    with pytest.raises(ConnectionLost, match=LEFT_ALONE):
        read(database)
    gfix(url, "-online")  # after `single` refused, were anybody else connected
    read(database)


@pytest.mark.parametrize("mode", ["multi", "single"])
def test_who_starts_meanwhile_takes_no_connection_away(url: str, mode: str) -> None:
    gfix(url, "-shut", mode, "-force", "0")
    with closing(open_database(url)) as database:
        with pytest.raises(ConnectionLost, match=LEFT_ALONE):
            read(database)
        gfix(url, "-online")
        read(database)
