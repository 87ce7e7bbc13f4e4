"""One Firebird database through one connection: transactions, queries, the packed write.

`create_engine` lives here alone. The dialect would register databases by path alone, so that two servers with the same path read each
other's data; hence the `creator`, with `host/port:path`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import firebird.driver
import sqlalchemy
from firebird.driver import Isolation, TraAccessMode, tpb
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.schema import MetaData

from foundation.engines.catalogue import Catalogue, Column, Privilege
from foundation.engines.database import Reader, Survey, TransactionIds, Writer
from foundation.engines.firebird import alter, catalogue, fetch, insert, keys, packed, privileges, silence, versions
from foundation.engines.firebird.attach import PORT, attach, dsn_of
from foundation.engines.firebird.errors import FOREIGN, translate, translated
from foundation.engines.firebird.limit import CallLimit
from foundation.engines.firebird.lost import abandon, end, interrupt, kept
from foundation.engines.firebird.text import from_latin, to_database
from foundation.engines.firebird.write import RowWriter
from foundation.engines.writing import RowWrite, WritePlan, Written
from foundation.errors import ConnectionLost, PuenteError
from foundation.limits import DatabaseLimits
from foundation.texts import text

READING, WRITING = TraAccessMode.READ, TraAccessMode.WRITE


@cache
def _parameters(mode: TraAccessMode) -> bytes:
    """Of a transaction in a snapshot that waits for nobody's lock. Not at import: making them loads the client library."""
    made: bytes = tpb(Isolation.SNAPSHOT, lock_timeout=0, access_mode=mode)
    return made


class FirebirdDatabase:
    """`Database` on Firebird 2.5 or newer."""

    def __init__(self, url: URL, limits: DatabaseLimits) -> None:
        self._url, self.label, self._limits = url, dsn_of(url), limits
        self._engine = sqlalchemy.create_engine("firebird+firebird://", creator=lambda: self._opened, poolclass=NullPool)
        event.listen(self._engine, "before_cursor_execute", _encode_parameters, retval=True)
        event.listen(self._engine, "handle_error", self._on_error)
        self._connection: sqlalchemy.Connection | None = None
        self._opened: firebird.driver.Connection | None = None
        self._limit: CallLimit | None = None
        self._blocks: dict[tuple[int, bool], tuple[WritePlan, packed.PackedBlock]] = {}
        self._statements: dict[str, tuple[Any, Any]] = {}
        self.connections = 0

    def _connected(self) -> sqlalchemy.Connection:
        if self._connection is None:
            with translated(self.label):
                self._opened = attach(self._url, self._limits)
            if self._url.host:
                silence.notice(self._url.port or PORT)
                self._limit = CallLimit(self._limits.statement, partial(interrupt, self._opened))
            try:
                with self.asking():
                    self._connection = self._engine.connect()
            except PuenteError:
                self._limit = None
                abandon(self._opened)  # it broke while SQLAlchemy asked for the server's version
                raise
            self.connections += 1
        return self._connection

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around each call of the driver, which may wait for the server: not for longer than its limit. Errors come out as Puente's."""
        try:
            with self._limited():
                yield
        except FOREIGN as error:
            self.judge(error)
            raise self.told(error) from error

    def _limited(self) -> AbstractContextManager[None]:
        return self._limit.running() if self._limit else nullcontext()

    def told(self, error: BaseException) -> PuenteError:
        if self._limit is None or not self._limit.passed:
            return translate(error, self.label)
        return ConnectionLost(
            text(
                "{label}: the server did not answer within {seconds:g} s and was given up: it hangs, or has too much to do "
                "(statement_seconds)",
                label=self.label,
                seconds=self._limit.seconds,
            )
        )

    @contextmanager
    def _transaction(self, mode: TraAccessMode) -> Iterator["_Transaction"]:
        connection = self._connected()
        try:
            with self.asking():
                connection.begin()  # else SQLAlchemy would not commit what it did not execute itself
                _native(connection).begin(_parameters(mode))
            with translated(self.label):
                yield _Transaction(self, connection)
            with self.asking():
                connection.commit()
        except BaseException as error:
            self._after(error)
            raise

    def _on_error(self, context: ExceptionContext) -> None:
        """SQLAlchemy's hook, before it closes the cursor that failed."""
        context.is_disconnect = False  # else it would call the driver's `terminate`, which there is none of, and log that
        self.judge(context.original_exception)

    def judge(self, error: BaseException) -> None:
        """Of a connection that broke nothing may be asked any more, not even to close a cursor."""
        if self._opened is not None and isinstance(self.told(error), ConnectionLost):
            if self._limit is not None:
                self._limit.forget()
            abandon(self._opened)

    def _after(self, error: BaseException) -> None:
        """Rolls back; gives the connection up where it is broken, so that the next transaction opens another."""
        if self._connection is None:
            return
        if not isinstance(error, ConnectionLost):
            with suppress(firebird.driver.Error, sqlalchemy.exc.SQLAlchemyError):  # what brought us here says more
                with self._limited():
                    self._connection.rollback()
                return
        if self._opened is not None:
            abandon(self._opened)
        self._forget()

    def reading(self) -> AbstractContextManager[Reader]:
        return self._transaction(READING)

    def writing(self) -> AbstractContextManager[Writer]:
        return self._transaction(WRITING)

    def catalogue(self, names: Collection[str] | None = None) -> Catalogue:
        with self._transaction(READING) as transaction:
            return catalogue.build(transaction.plain(catalogue.COLUMNS), transaction.plain(catalogue.INDEXES), names)

    def create_tables(self, metadata: MetaData) -> list[str]:
        present = set(self.catalogue())
        missing = [table for table in metadata.sorted_tables if table.name not in present]
        for table in missing:  # each in its own transaction: Firebird makes a table usable at commit
            with self._transaction(WRITING) as transaction:
                transaction.run(alter.create_table(table, self._engine.dialect))
        return [table.name for table in missing]

    def create_index(self, name: str, table: str, expression: str) -> None:
        if name in self.catalogue([table])[table].computed:
            self._run(catalogue.DROP_INDEX.format(name=name))
        self._run(catalogue.CREATE_INDEX.format(name=name, table=table, expression=expression))

    def _run(self, sql: str) -> None:
        with self._transaction(WRITING) as transaction:
            transaction.run(sql)

    def add_columns(self, metadata: MetaData) -> None:
        present = self.catalogue()
        for table in metadata.sorted_tables:
            for column in table.columns if table.name in present else ():
                if column.name not in present[table.name].columns:
                    with self._transaction(WRITING) as transaction:
                        transaction.run(alter.add_column(column, self._engine.dialect))

    def drop_tables(self, metadata: MetaData) -> None:
        present = set(self.catalogue())
        for table in metadata.sorted_tables:
            if table.name in present:
                with self._transaction(WRITING) as transaction:
                    transaction.execute(sqlalchemy.schema.DropTable(table))

    def block(self, plan: WritePlan, *, aloud: bool = False) -> packed.PackedBlock:
        """The packed statement of a plan, made once."""
        key = id(plan), aloud
        if key not in self._blocks:
            self._blocks[key] = (plan, packed.build(plan, aloud=aloud))
        return self._blocks[key][1]

    def statement(self, connection: sqlalchemy.Connection, sql: str) -> tuple[Any, Any]:
        """A cursor and the statement prepared on it, kept as long as the connection."""
        if sql not in self._statements:
            cursor = connection.connection.cursor()
            self._statements[sql] = (cursor, cursor.prepare(sql))
        return self._statements[sql]

    def close(self) -> None:
        if self._opened is not None:
            with kept(self._opened), self._limited():
                end(self._opened, list(self._statements.values()))
        self._forget()

    def _forget(self) -> None:
        """The driver's connection has ended; SQLAlchemy's follows."""
        self._statements.clear()
        if self._connection is not None:
            with suppress(firebird.driver.Error, sqlalchemy.exc.SQLAlchemyError):
                self._connection.close()
        self._connection = self._opened = self._limit = None


def _native(connection: sqlalchemy.Connection) -> Any:
    """The driver's connection behind SQLAlchemy's."""
    return connection.connection.dbapi_connection


def _decoded(result: sqlalchemy.CursorResult[Any]) -> Iterator[fetch.Row]:
    """Rows as the driver takes them apart."""
    charsets = fetch.charsets(result.cursor)
    for part in result.partitions(fetch.FETCHED_AT_ONCE):
        for row in part:
            yield tuple(from_latin(value, of) if isinstance(value, str) else value for value, of in zip(row, charsets, strict=True))


def _encode_parameters(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> tuple[str, Any]:
    """SQLAlchemy's hook: texts on their way to the database."""
    if executemany:
        return statement, [_encoded(row) for row in parameters]
    return statement, _encoded(parameters)


def _encoded(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(to_database(value) if isinstance(value, str) else value for value in values)


class _Transaction:
    """`Reader` and `Writer`; ends with the block that gave it."""

    def __init__(self, database: FirebirdDatabase, connection: sqlalchemy.Connection) -> None:
        self._database, self._connection = database, connection

    @property
    def ids(self) -> TransactionIds:
        with self._database.asking():
            info = _native(self._connection).main_transaction.info
            own, oldest_active, is_clean = info.id, info.oat, info.oit >= info.oat
        return TransactionIds(own=own, oldest_active=oldest_active if is_clean else self._oldest_undecided(oldest_active))

    def _oldest_undecided(self, oldest_active: int) -> int:
        """One that was prepared and is neither committed nor rolled back counts as active: what it wrote may still appear."""
        ((oldest,),) = self.rows(sqlalchemy.text(versions.OLDEST_IN_LIMBO))
        return oldest_active if oldest is None else min(oldest, oldest_active)

    @property
    def tells_versions(self) -> bool:
        with self._database.asking():
            return bool(_native(self._connection).info.engine_version >= versions.FIRST_ENGINE)

    def survey(self, table: str, columns: Sequence[str], since: int) -> Survey:
        ((rows, newest),) = self.rows(versions.newest(table))
        found = list(self.rows(versions.written(table, columns, since))) if rows and newest >= since else []
        return versions.survey(rows, found)

    def keys(self, table: str, columns: Sequence[Column], of: Mapping[str, str | int] = MappingProxyType({})) -> Iterator[tuple[Any, ...]]:
        return keys.read(self.plain, self.rows, table, columns, of)

    def permits(self, privilege: Privilege, table: str, columns: Sequence[str]) -> bool:
        with self._database.asking():
            return privileges.permits(_native(self._connection), privileges.statement(privilege, table, columns))

    def permits_tables(self) -> bool:
        with self._database.asking():
            anybody = _native(self._connection).info.engine_version < privileges.FIRST_ENGINE_THAT_ASKS
        return anybody or bool(self.plain(privileges.MAKES_TABLES)[0][0])

    def permits_index(self, table: str) -> bool:
        return bool(self.plain(privileges.OWNS.format(table=table))[0][0])

    def rows(self, query: Executable) -> Iterator[Sequence[Any]]:
        asking = self._database.asking
        with asking():
            result = self._connection.execute(query)
        try:
            yield from fetch.read(result.cursor, asking) or fetch.in_parts(_decoded(result), asking)
        except FOREIGN as error:
            raise self._database.told(error) from error
        finally:
            with asking():
                result.close()

    def plain(self, sql: str) -> list[Sequence[Any]]:
        """The rows of a statement that stands in this package."""
        with self._database.asking():
            return list(self._connection.exec_driver_sql(sql).fetchall())

    def run(self, sql: str) -> None:
        """A statement that stands in this package and returns no rows."""
        with self._database.asking():
            self._connection.exec_driver_sql(sql)

    def execute(self, statement: Executable, parameters: Sequence[Mapping[str, Any]] = ()) -> int:
        with self._database.asking():
            return self._connection.execute(statement, list(parameters) or None).rowcount

    def insert(self, table: sqlalchemy.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        packed_rows = [insert.pack(table.columns.keys(), row) for row in rows]
        self._in_calls(insert.build(table), [row for row in packed_rows if row is not None])
        long = [row for row, packed_row in zip(rows, packed_rows, strict=True) if packed_row is None]
        if long:
            self.execute(sqlalchemy.insert(table), long)

    def delete(self, table: sqlalchemy.Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        packed_rows = [insert.pack(names, row) for row in rows]
        assert all(packed_rows), "keys are short"
        self._in_calls(insert.build_delete(table, names), [row for row in packed_rows if row is not None])

    def _in_calls(self, sql: str, packed_rows: Sequence[str]) -> None:
        for call in insert.calls(packed_rows):
            with self._database.asking():
                cursor, statement = self._database.statement(self._connection, sql)
                cursor.execute(statement, [call])

    def write(self, plan: WritePlan, rows: Sequence[RowWrite]) -> Written:
        return RowWriter(self._database, self._connection).write(plan, rows)
