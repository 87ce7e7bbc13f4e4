"""Rows are unpacked as the driver would have, whatever they hold; and never from what was closed."""

import gc
from collections.abc import Iterator
from contextlib import closing, nullcontext
from typing import Any

import firebird.driver
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from foundation.engines import create_database, open_database
from foundation.engines.database import Database
from foundation.engines.firebird import fetch
from foundation.engines.firebird.attach import dsn_of
from foundation.engines.firebird.client import load_client
from foundation.engines.firebird.text import from_database
from foundation.engines.firebird.transaction import Transaction
from foundation.errors import PuenteError
from tests.engines.embedded import Engine

FAST = "S SMALLINT, I INTEGER, B BIGINT, D DOUBLE PRECISION, V VARCHAR(40), C CHAR(7), O CHAR(4), L VARCHAR(8000)"
SLOW = {
    "M": "NUMERIC(9,2)",
    "N": "NUMERIC(18,0)",
    "T": "TIMESTAMP",
    "DAY_OF": "DATE",
    "F": "FLOAT",
    "X": "BLOB",
    "R": "VARCHAR(9) CHARACTER SET OCTETS",
}
ROWS: list[tuple[Any, ...]] = [
    (1, 2, 3, 4.5, "cinco", "seis", "7", "ocho"),
    (-32768, -(2**31), -(2**63), -0.1, "", "", "", ""),
    (32767, 2**31 - 1, 2**63 - 1, 1e300, "ñ" * 40, "ñ\x80\x81", "\x9f", "x" * 8000),
    (None,) * 8,
    *[
        tuple(value if place == number else None for place, value in enumerate((1, 2, 3, 4.5, "a\tb\r\n", " c ", "d", "e")))
        for number in range(8)
    ],
]


@pytest.fixture
def url(engine: Engine) -> str:
    made = engine.new_url("fetch")
    create_database(made)
    return made


@pytest.fixture
def driver(url: str) -> Iterator[firebird.driver.Connection]:
    """Past the engine; text as in the database, each byte as the character of its number."""
    parsed = make_url(url)
    load_client()
    with firebird.driver.connect(dsn_of(parsed), user=parsed.username or "SYSDBA", password=parsed.password, charset="ISO8859_1") as opened:
        slow = ", ".join(f"{name} {kind}" for name, kind in SLOW.items())
        opened.execute_immediate(f"CREATE TABLE KINDS (ID INTEGER NOT NULL PRIMARY KEY, {FAST}, {slow})")
        opened.commit()
        with closing(opened.cursor()) as cursor:
            cursor.executemany(
                "INSERT INTO KINDS (ID, S, I, B, D, V, C, O, L) VALUES (?,?,?,?,?,?,?,?,?)", [(n, *row) for n, row in enumerate(ROWS)]
            )
            cursor.execute(
                "UPDATE KINDS SET M = 1.25, N = 7, T = '2026-01-02 03:04:05', DAY_OF = '2026-01-02', F = 0.5, X = 'blob', R = 'abc'"
            )
        opened.commit()
        yield opened


@pytest.fixture
def database(url: str, driver: firebird.driver.Connection) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened


def drivers_own(driver: firebird.driver.Connection, query: str) -> list[tuple[Any, ...]]:
    with closing(driver.cursor()) as cursor:
        rows = cursor.execute(query).fetchall()
    driver.commit()
    return [tuple(from_database(value) if isinstance(value, str) else value for value in row) for row in rows]


def is_fast(driver: firebird.driver.Connection, columns: str) -> bool:
    with closing(driver.cursor()) as cursor:
        return fetch.read(cursor.execute(f"SELECT {columns} FROM KINDS"), nullcontext) is not None


def test_every_kind_of_value_is_what_the_driver_makes_of_it(database: Database, driver: firebird.driver.Connection) -> None:
    for columns in ("S, I, B, D, V, C, O, L", "L, D, S, O, B, V, I, C", "V", "COUNT(*)", "ID, V || O, -D", "ID, S, V"):
        query = f"SELECT {columns} FROM KINDS ORDER BY 1"
        assert is_fast(driver, columns)
        with database.reading() as reader:
            assert list(reader.rows(sa.text(query))) == drivers_own(driver, query)


def test_a_statement_of_the_engines_own_gets_texts_as_the_driver_gives_them(database: Database, driver: firebird.driver.Connection) -> None:
    columns = "V, C, '\x80', CAST(V AS VARCHAR(40) CHARACTER SET UTF8), CAST(V AS VARCHAR(40) CHARACTER SET UNICODE_FSS), ID"
    query = f"SELECT {columns} FROM KINDS ORDER BY ID"
    assert is_fast(driver, columns)
    with database.reading() as reader:
        assert isinstance(reader, Transaction)
        assert reader.plain(query) == [tuple(row) for row in reader._connection.exec_driver_sql(query)]


@pytest.mark.parametrize("column", SLOW)
def test_what_is_neither_text_nor_a_plain_number_is_left_to_the_driver(
    database: Database, driver: firebird.driver.Connection, column: str
) -> None:
    query = f"SELECT ID, {column}, V FROM KINDS ORDER BY ID"
    assert not is_fast(driver, f"ID, {column}, V")
    with database.reading() as reader:
        assert list(reader.rows(sa.text(query))) == drivers_own(driver, query)


def test_an_iterator_that_outlives_its_transaction_or_its_connection_says_so(database: Database) -> None:
    """It must not look where the client library has released what stood there."""
    with database.reading() as reader:
        of_the_transaction = reader.rows(sa.text("SELECT ID FROM KINDS"))
        assert next(of_the_transaction) is not None
    with database.reading() as reader:
        of_the_connection = reader.rows(sa.text("SELECT ID FROM KINDS"))
        assert next(of_the_connection) is not None
        database.close()
    gc.collect()
    for rows in (of_the_transaction, of_the_connection):
        with pytest.raises(PuenteError):
            list(rows)


def test_an_error_between_two_rows_is_told_and_the_same_connection_goes_on(database: Database) -> None:
    with pytest.raises(PuenteError, match="zero"), database.reading() as reader:
        list(reader.rows(sa.text("SELECT 10 / (ID - 7) FROM KINDS ORDER BY ID")))
    before = database.connections
    with database.reading() as reader:
        assert len(list(reader.rows(sa.text("SELECT ID FROM KINDS")))) == len(ROWS)
    assert database.connections == before


def test_two_readings_of_one_query_and_one_of_a_table_that_was_altered_do_not_meet(database: Database) -> None:
    everything = sa.text("SELECT ID, V FROM KINDS ORDER BY ID")
    with database.reading() as reader:
        first, second = reader.rows(everything), reader.rows(everything)
        assert [one == other for one, other in zip(first, second, strict=True)] == [True] * len(ROWS)
        (shape,) = {len(row) for row in reader.rows(sa.text("SELECT * FROM KINDS"))}
    with database.writing() as writer:
        writer.execute(sa.text("ALTER TABLE KINDS ADD LATER DOUBLE PRECISION"))
    with database.reading() as reader:
        assert {(len(row), row[-1]) for row in reader.rows(sa.text("SELECT * FROM KINDS"))} == {(shape + 1, None)}
