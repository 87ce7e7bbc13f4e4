"""Which transaction wrote a row: the request in BLR, which Firebird 2.5 needs, tells what `RDB$RECORD_VERSION` tells from version 3 on."""

import gc
import random
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from firebird.driver import Connection, DatabaseError, Isolation, TraAccessMode, TransactionManager, tpb

from foundation.engines import create_database, open_database
from foundation.engines.catalogue import Column
from foundation.engines.database import Database, Reader, Survey
from foundation.engines.firebird import survey_by_blr, survey_by_sql
from foundation.errors import ConfigError, ConnectionLost
from puente.demo.statements import run
from tests.engines import templates
from tests.engines.embedded import Engine
from tests.engines.firebird_server import PrivateServer

TABLE, SEED, STEPS = "T", 20_261_130, 1500
KEYS: dict[str, str] = {
    "a text": "A VARCHAR(16) NOT NULL, PRIMARY KEY (A)",
    "a text that is padded": "A CHAR(5) NOT NULL, PRIMARY KEY (A)",
    "a number": "A INTEGER NOT NULL, PRIMARY KEY (A)",
    "a text and a number": "A VARCHAR(15) NOT NULL, B SMALLINT NOT NULL, PRIMARY KEY (A, B)",
    "numbers around a text": "A BIGINT NOT NULL, B VARCHAR(3) NOT NULL, C INTEGER NOT NULL, PRIMARY KEY (A, B, C)",
    "a text of no character set": "A VARCHAR(7) CHARACTER SET NONE NOT NULL, PRIMARY KEY (A)",
    "texts in UTF8": "A VARCHAR(5) CHARACTER SET UTF8 NOT NULL, B CHAR(3) CHARACTER SET UTF8 NOT NULL, PRIMARY KEY (A, B)",
    "a long text": "A VARCHAR(250) NOT NULL, PRIMARY KEY (A)",
}
TEXTS = ("", "A", " A", "A ", "ñ", "“1”", "\t", "A\xa0", "\x01", "Z" * 5)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@dataclass
class Table:
    """A table with this key, and who reads it."""

    url: str
    key: str
    stack: ExitStack
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        templates.databases([self.url], self.key, self._make)
        self.database = self.connect()
        self.columns = [column for column in self.database.catalogue([TABLE])[TABLE].columns.values() if column.name != "CONTENT"]

    def _make(self) -> None:
        create_database(self.url)
        with closing(open_database(self.url)) as database, database.writing() as writer:
            run(writer, f"CREATE TABLE {TABLE} ({self.key}, CONTENT INTEGER)")

    def connect(self) -> Database:
        return self.stack.enter_context(closing(open_database(self.url)))

    def insert(self, number: int, database: Database | None = None) -> None:
        with (database or self.database).writing() as writer:
            values = {column.name: value_of(column, number) for column in self.columns}
            names = [sa.column(column.name, sa.String(column.length) if column.length else sa.BigInteger()) for column in self.columns]
            writer.execute(sa.insert(sa.table(TABLE, *names)).values(values))

    def run(self, statement: str) -> None:
        with self.database.writing() as writer:
            run(writer, statement)

    def survey(self, reader: Reader, since: int) -> Survey:
        """By BLR; and where the engine tells it in SQL, the same in the same transaction."""
        transaction: Any = reader
        native = transaction._connection.connection.dbapi_connection
        found = survey_by_blr.survey(native, transaction._database.asking, TABLE, self.columns, since)
        if native.info.engine_version >= survey_by_sql.FIRST_ENGINE:
            by_sql = reader.survey(TABLE, self.columns, since)
            assert (found.rows, sorted(found.written)) == (by_sql.rows, sorted(by_sql.written))
        return found


def value_of(column: Column, number: int) -> str | int:
    if column.length is None:
        return number
    return f"{TEXTS[number % len(TEXTS)]}{number // len(TEXTS) or ''}"[: column.length]


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
def test_keys_of_any_shape_come_as_they_stand(engine: Engine, key: str, stack: ExitStack) -> None:
    table = Table(engine.new_url("versions"), key, stack)
    for number in range(40):
        with suppress(Exception):  # what an engine takes for equal keys
            table.insert(number)
    with table.database.reading() as reader:
        found = table.survey(reader, 0)
        names: list[sa.ColumnClause[Any]] = [sa.column(column.name) for column in table.columns]
        assert sorted(raw for raw, _ in found.written) == sorted(map(tuple, reader.rows(sa.select(*names).select_from(sa.table(TABLE)))))
        assert found.rows == len(found.written) > 20
        newest = max(version for _, version in found.written)
        assert [version for _, version in table.survey(reader, newest).written] == [newest]
        assert table.survey(reader, newest + 1) == Survey(found.rows, [])


def test_an_empty_table_has_no_rows(engine: Engine, stack: ExitStack) -> None:
    table = Table(engine.new_url("versions"), KEYS["a text and a number"], stack)
    with table.database.reading() as reader:
        assert table.survey(reader, 0) == Survey(0, [])
        assert table.survey(reader, survey_by_blr.LARGEST) == Survey(0, [])
        with pytest.raises(ConfigError, match=r"2147483648 is larger than Firebird 2\.5 has"):
            table.survey(reader, survey_by_blr.LARGEST + 1)


class Writers:
    """Transactions of several connections, in any order."""

    def __init__(self, table: Table, chance: random.Random) -> None:
        self._table, self._chance = table, chance
        self._open: list[TransactionManager] = []
        self._number = 0
        self._connections = [self._native(table.connect()) for _ in range(4)]

    @staticmethod
    def _native(database: Database) -> Connection:
        with database.reading():
            pass
        found: Connection = database._opened  # type: ignore[attr-defined]  # the product needs no such transactions
        return found

    def step(self) -> None:
        kinds = (self._begin, self._write, self._write, self._write, self._commit, self._retain, self._roll_back, self._save)
        with suppress(DatabaseError):  # of two that write to one row
            self._chance.choice(kinds)()

    def _begin(self) -> None:
        how = self._chance.choice((Isolation.SNAPSHOT, Isolation.READ_COMMITTED_RECORD_VERSION, Isolation.READ_COMMITTED_NO_RECORD_VERSION))
        if len(self._open) < 6:
            began = self._chance.choice(self._connections).transaction_manager(tpb(how, lock_timeout=0, access_mode=TraAccessMode.WRITE))
            began.begin()
            self._open.append(began)

    def _one(self) -> TransactionManager:
        if not self._open:
            self._begin()
        return self._chance.choice(self._open)

    def _write(self) -> None:
        self._number += 1
        key, turn = self._chance.randrange(30), self._number
        statement = self._chance.choice(
            (
                f"UPDATE OR INSERT INTO {TABLE} (A, CONTENT) VALUES ('K{key}', {turn})",
                f"UPDATE {TABLE} SET CONTENT = {turn} WHERE A STARTING WITH 'K{key % 10}'",
                f"DELETE FROM {TABLE} WHERE A = 'K{key}'",
            )
        )
        self._one().execute_immediate(statement)

    def _commit(self) -> None:
        if self._open:
            self._open.pop(self._chance.randrange(len(self._open))).commit()

    def _retain(self) -> None:
        self._one().commit(retaining=True)

    def _roll_back(self) -> None:
        if self._open:
            self._open.pop(self._chance.randrange(len(self._open))).rollback()

    def _save(self) -> None:
        one = self._one()
        one.savepoint("S")
        one.execute_immediate(f"UPDATE {TABLE} SET CONTENT = {self._chance.randrange(9)}")
        if self._chance.random() < 0.7:
            one.rollback(savepoint="S")

    def end(self) -> None:
        for one in self._open:
            one.rollback()


def test_among_writers_of_every_kind_each_snapshot_tells_what_its_rows_are(engine: Engine, stack: ExitStack) -> None:
    """And from one look to the next no row changes whose number was not at the mark or above it, and another one than before."""
    table, chance = Table(engine.new_url("versions"), KEYS["a text"], stack), random.Random(SEED)
    writers = Writers(table, chance)
    before: dict[str, tuple[int, int]] = {}
    mark = 0
    for turn in range(STEPS):
        writers.step()
        if turn % 5:
            continue
        with table.database.reading() as reader:
            ids = reader.ids
            assert ids is not None
            versions = {raw[0]: version for raw, version in table.survey(reader, mark).written}
            shown = dict(map(tuple, reader.rows(sa.text(f"SELECT A, CONTENT FROM {TABLE}"))))
            assert table.survey(reader, 0).rows == len(shown)
        now = {key: (versions.get(key, before.get(key, (0, 0))[0]), content) for key, content in shown.items()}
        silent = [key for key in now.keys() & before.keys() if now[key][1] != before[key][1] and now[key][0] == before[key][0]]
        assert silent == []
        assert [key for key in now.keys() - before.keys() if key not in versions] == []
        before, mark = now, ids.oldest_active
    writers.end()


def test_a_server_that_goes_while_rows_are_sent_leaves_nothing_behind(second_firebird_server: PrivateServer, stack: ExitStack) -> None:
    table = Table(second_firebird_server.new_url("versions"), KEYS["a long text"], stack)
    many = f"WHILE (I < 20000) DO BEGIN INSERT INTO {TABLE} VALUES (RPAD(:I, 200, 'x'), 1); I = I + 1; END"
    table.run(f"EXECUTE BLOCK AS DECLARE I INTEGER = 0; BEGIN {many} END")

    def survey() -> None:
        with table.database.reading() as reader:
            transaction: Any = reader
            asked = iter(range(1_000_000))

            def asking() -> Any:
                if next(asked) == 4:
                    second_firebird_server.kill()
                return transaction._database.asking()

            survey_by_blr.survey(transaction._connection.connection.dbapi_connection, asking, TABLE, table.columns, 0)

    with pytest.raises(ConnectionLost):
        survey()
    gc.collect()
    second_firebird_server.start()
    with table.database.reading() as reader:
        assert table.survey(reader, 0).rows == 20_000


def test_what_the_engine_refuses_is_an_error_like_any_other(engine: Engine, stack: ExitStack) -> None:
    table = Table(engine.new_url("versions"), KEYS["a text"], stack)
    with table.database.reading() as reader:
        transaction: Any = reader
        native = transaction._connection.connection.dbapi_connection
        with pytest.raises(Exception, match="NOWHERE"):
            survey_by_blr.survey(native, transaction._database.asking, "NOWHERE", table.columns, 0)
        assert table.survey(reader, 0).rows == 0
